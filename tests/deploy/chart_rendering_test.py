#!/usr/bin/env python3
"""What is committed below deploy/helm/rendered is what helm makes of the chart and its examples today, and the chart
refuses values that make no sense. Skipped (77) where helm has not been built.

usage: chart_rendering_test.py [--update]      --update writes the files anew
"""

import sys
import unittest

import chart
import kube_tools

try:
    import yaml  # noqa: F401  (for the schemas)
except ImportError:
    print("skipped: no python3-yaml")
    sys.exit(77)

CLAIM = ("--set", "models.existingClaim=models")


class Rendering(unittest.TestCase):
    def test_committed_files_are_what_helm_renders(self):
        for example in chart.examples():
            with self.subTest(example.name):
                self.assertEqual(chart.rendered(example).read_text(), chart.render(example), "stale: --update makes it anew")

    def test_helm_finds_nothing_wrong(self):
        for example in chart.examples():
            good, text = chart.helm("lint", "--strict", "--kube-version", kube_tools.KUBE_VERSION, chart.CHART, "--values",
                                    example)
            self.assertTrue(good, text)

    def test_whatever_is_chosen_is_valid(self):
        digest = "image.digest=sha256:" + 64 * "0"
        for values in (
            (),
            ("--set", "serviceAccount.create=false,headlessService.enabled=false,podDisruptionBudget.enabled=false"),
            ("--set", "networkPolicy.enabled=false,topologySpread.enabled=false,shutdown.preStopSeconds=0"),
            ("--set", "networkPolicy.clients=null,networkPolicy.monitoring=null"),
            ("--set", f"{digest},fullnameOverride=other,service.type=NodePort,imagePullSecrets[0].name=key"),
            ("--set", "models.controlMode=explicit,models.load={mnist,*},server.extraArgs={--cache-bytes=0}"),
            ("--set", "state.existingClaim=state,replicaCount=1,priorityClassName=high,nodeSelector.disk=ssd"),
            ("--set", "resources.limits.cpu=2,resources.limits.memory=1Gi,podLabels.team=a,podAnnotations.note=b"),
            ("--set", "tolerations[0].key=gpu,tolerations[0].operator=Exists,serviceAccount.annotations.role=a"),
            ("--set", "server.environment.GRPC_VERBOSITY=debug,service.annotations.a=b,headlessService.annotations.a=b"),
            ("--set", "autoscaling.enabled=true,autoscaling.cpuUtilization=0,autoscaling.queue.enabled=true"),
            ("--set", "tls.secretName=tls"),
            ("--set", "tls.secretName=tls,tls.clientAuth=true,tokens.secretName=tokens,tokens.key=other"),
            ("--set", "tls.secretName=tls,probes.readiness.model=a+b c"),
            ("--set", "tokens.secretName=tokens,podMonitor.enabled=true,podMonitor.tokenSecret.name=token"),
            ("--set", "networkPolicy.egress[0].ports[0].port=443,podMonitor.enabled=true,podMonitor.labels.release=a"),
        ):
            with self.subTest(values=values):
                good, text = chart.template(*CLAIM, *values)
                self.assertTrue(good, text)
                good, said = chart.validate(text)
                self.assertTrue(good, said)

    def test_values_that_make_no_sense_are_refused(self):
        for said, values in (
            ("expected one of existingClaim, claim.create, volume and fetch.image, got 0", ()),
            ("expected one of existingClaim, claim.create, volume and fetch.image, got 2",
             (*CLAIM, "--set", "models.claim.create=true")),
            ("a claim serves one replica", (*CLAIM, "--set", "state.claim.create=true")),
            ("a claim serves one replica", (*CLAIM, "--set", "state.claim.create=true,replicaCount=1,autoscaling.enabled=true")),
            ("train: expected state on a claim", (*CLAIM, "--set", "train.enabled=true")),
            ("train: expected models.readOnly false",
             (*CLAIM, "--set", "train.enabled=true,replicaCount=1,state.claim.create=true")),
            ("train: expected train.data",
             (*CLAIM, "--set", "train.enabled=true,replicaCount=1,state.claim.create=true,models.readOnly=false")),
            ("models.load: expected models.controlMode explicit", (*CLAIM, "--set", "models.load={mnist}")),
            ("autoscaling: expected cpuUtilization", (*CLAIM, "--set", "autoscaling.enabled=true,autoscaling.cpuUtilization=0")),
            ("tls.clientAuth: expected tls.secretName", (*CLAIM, "--set", "tls.clientAuth=true")),
            ("probes.readiness.model: expected none where tls.clientAuth is on",
             (*CLAIM, "--set", "tls.secretName=tls,tls.clientAuth=true,probes.readiness.model=mnist")),
            ("podMonitor.tokenSecret.name: expected a Secret",
             (*CLAIM, "--set", "tokens.secretName=tokens,podMonitor.enabled=true")),
            ("secretName", (*CLAIM, "--set", "tls.secretName=Capital")),
            ("replicas", (*CLAIM, "--set", "replicas=3")),
            ("logLevel", (*CLAIM, "--set", "server.logLevel=loud")),
            ("replicaCount", (*CLAIM, "--set-string", "replicaCount=2")),
            ("cpu", (*CLAIM, "--set", "resources.limits.cpu=null")),
            ("extraArgs", (*CLAIM, "--set", "server.extraArgs={threads}")),
        ):
            with self.subTest(values=values):
                good, text = chart.template(*values)
                self.assertFalse(good)
                self.assertIn(said, text)


def main():
    try:
        kube_tools.helm()
        kube_tools.kubeconform()
        kube_tools.schemas()
    except kube_tools.Unavailable as error:
        print(f"skipped: {error}")
        return 77
    if sys.argv[1:] == ["--update"]:
        for example in chart.examples():
            chart.rendered(example).write_text(chart.render(example))
        return 0
    return 0 if unittest.main(exit=False).result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
