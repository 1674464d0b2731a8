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

{{/* Whether callers of the gRPC and HTTP ports must encrypt, or say who they are. */}}
{{- define "beak.isSecured" -}}
{{- if or .Values.tls.secretName .Values.tokens.secretName }}true{{ end }}
{{- end }}

{{/* What the ports speak, as appProtocol has it. */}}
{{- define "beak.httpProtocol" -}}
{{ if .Values.tls.secretName }}https{{ else }}http{{ end }}
{{- end }}
{{- define "beak.grpcProtocol" -}}
{{ if .Values.tls.secretName }}https{{ else }}kubernetes.io/h2c{{ end }}
{{- end }}

{{/* What a probe asks, given (dict "root" $ "probe" "startup", "readiness" or "liveness"). gRPC's health service where anybody
     may ask it in the clear; else the metrics port, which is for that. */}}
{{- define "beak.probe" -}}
{{- $values := .root.Values -}}
{{- $model := ternary $values.probes.readiness.model "" (eq .probe "readiness") -}}
{{- if not (include "beak.isSecured" .root) -}}
grpc:
  port: 8001
  {{- with $model }}
  service: {{ . | quote }}
  {{- end }}
{{- else if $model -}}
httpGet:
  port: http
  path: /v2/models/{{ $model | urlquery | replace "+" "%20" }}/ready
  {{- if $values.tls.secretName }}
  scheme: HTTPS
  {{- end }}
{{- else -}}
httpGet:
  port: metrics
  path: {{ ternary "/livez" "/readyz" (eq .probe "liveness") }}
{{- end }}
{{ toYaml (omit (get $values.probes .probe) "model") }}
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
{{- if and .Values.tls.clientAuth (not .Values.tls.secretName) -}}
{{- fail "tls.clientAuth: expected tls.secretName" -}}
{{- end -}}
{{- if and .Values.tls.clientAuth .Values.probes.readiness.model -}}
{{- fail "probes.readiness.model: expected none where tls.clientAuth is on: the kubelet has no certificate to ask with" -}}
{{- end -}}
{{- if and .Values.tokens.secretName .Values.podMonitor.enabled (not .Values.podMonitor.tokenSecret.name) -}}
{{- fail "podMonitor.tokenSecret.name: expected a Secret with a token where tokens are on" -}}
{{- end -}}
{{- if .Values.train.enabled -}}
{{- if not (include "beak.stateIsKept" .) -}}{{- fail "train: expected state on a claim, and so one replica" -}}{{- end -}}
{{- if .Values.models.readOnly -}}{{- fail "train: expected models.readOnly false: new versions are written there" -}}{{- end -}}
{{- if not .Values.train.data -}}{{- fail "train: expected train.data, a volume" -}}{{- end -}}
{{- end -}}
{{- end }}

