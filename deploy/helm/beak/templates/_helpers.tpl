{{- define "beak.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 53 | trimSuffix "-" }}
{{- end }}

{{/* 53: "-headless" and the like come behind it, and names of services end at 63. */}}
{{- define "beak.fullname" -}}
{{- $name := include "beak.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 53 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" }}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 53 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "beak.selectorLabels" -}}
app.kubernetes.io/name: {{ include "beak.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "beak.labels" -}}
{{ include "beak.selectorLabels" . }}
app.kubernetes.io/component: server
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "beak.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{- define "beak.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "beak.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{/* Where the model repository comes from, as the body of a volume. */}}
{{- define "beak.modelsVolume" -}}
{{- $models := .Values.models -}}
{{- if $models.existingClaim -}}
persistentVolumeClaim:
  claimName: {{ $models.existingClaim }}
{{- else if $models.claim.create -}}
persistentVolumeClaim:
  claimName: {{ include "beak.fullname" . }}-models
{{- else if $models.fetch.image -}}
emptyDir:
  sizeLimit: {{ $models.fetch.sizeLimit }}
{{- else -}}
{{ toYaml $models.volume }}
{{- end }}
{{- end }}

{{- define "beak.stateVolume" -}}
{{- if .Values.state.existingClaim -}}
persistentVolumeClaim:
  claimName: {{ .Values.state.existingClaim }}
{{- else if .Values.state.claim.create -}}
persistentVolumeClaim:
  claimName: {{ include "beak.fullname" . }}-state
{{- else -}}
emptyDir:
  sizeLimit: 1Gi
{{- end }}
{{- end }}

{{- define "beak.stateIsKept" -}}
{{- if or .Values.state.existingClaim .Values.state.claim.create }}true{{ end }}
{{- end }}

{{/* What the schema cannot say, because it is about several values. */}}
{{- define "beak.check" -}}
{{- $models := .Values.models -}}
{{- $sources := 0 -}}
{{- range list $models.existingClaim $models.claim.create $models.volume $models.fetch.image -}}
{{- if . }}{{ $sources = add1 $sources }}{{ end -}}
{{- end -}}
{{- if ne (int $sources) 1 -}}
{{- fail (printf "models: expected one of existingClaim, claim.create, volume and fetch.image, got %d" (int $sources)) -}}
{{- end -}}
{{- $many := or .Values.autoscaling.enabled (gt (int .Values.replicaCount) 1) -}}
{{- if and $many (include "beak.stateIsKept" .) -}}
{{- fail "state: a claim serves one replica: expected replicaCount 1 and autoscaling.enabled false" -}}
{{- end -}}
{{- if and .Values.models.load (ne .Values.models.controlMode "explicit") -}}
{{- fail "models.load: expected models.controlMode explicit" -}}
{{- end -}}
{{- if .Values.train.enabled -}}
{{- if not (include "beak.stateIsKept" .) -}}{{- fail "train: expected state on a claim, and so one replica" -}}{{- end -}}
{{- if .Values.models.readOnly -}}{{- fail "train: expected models.readOnly false: new versions are written there" -}}{{- end -}}
{{- if not .Values.train.data -}}{{- fail "train: expected train.data, a volume" -}}{{- end -}}
{{- end -}}
{{- end }}

