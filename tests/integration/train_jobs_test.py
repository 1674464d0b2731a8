#!/usr/bin/env python3
"""Train jobs of a real server that is killed, and whose trainers are killed, at any moment.

No acknowledged job may be lost, no version may be seen half published, and every job must end with the very bits that
it gives when nothing happens to it. BEAK_KILLS: how often something is killed (50 for the figure that is published).
"""
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from beak_process import BIN_DIR, NO_TRAIN_LIMIT, SOURCE_DIR, START_SECONDS  # noqa: E402

KILLS = int(os.environ.get("BEAK_KILLS", "8"))
KILLS_A_JOB = 4
PATIENCE_SECONDS = 240  # for a job to end
JOB = """
model: "digits"
network { description_file: "%s/deploy/demo/networks/lecture_cnn.textproto" }
data {
  training { arrays { field { name: "image" file: "digits/train-images-idx3-ubyte.gz" }
                      field { name: "label" file: "digits/train-labels-idx1-ubyte.gz" classes { count: 10 } } } }
  held_out { arrays { field { name: "image" file: "digits/test-images-idx3-ubyte.gz" }
                      field { name: "label" file: "digits/test-labels-idx1-ubyte.gz" classes { count: 10 } } } }
  augment { random_rotation {} }
}
input { field: "image" scale_range {} }
training { epochs: 3 batch_size: 64 optimizer { kind: ADAM } schedule { cosine {} } seed: 11 threads: 1
           checkpoint_seconds: 1 }
publish { when: ALWAYS }
"""


def children_of(pid):
    """Processes whose parent is `pid`."""
    found = []
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[1]) == pid:
            found.append(int(status.parent.name))
    return found


class Deployment:
    """A server with its folders, which can be killed and started again."""

    def __init__(self, folder):
        self.repository, self.state = folder / "models", folder / "state"
        self.repository.mkdir()
        self.state.mkdir()
        self.log = folder / "server.log"
        self.process = None

    def start(self):
        with open(self.log, "a", encoding="utf-8") as log:
            begin = log.tell()
            self.process = subprocess.Popen(
                [BIN_DIR / "beak-server", "--grpc-port=0", "--http-port=0", "--metrics-port=0", "--shutdown-grace-secs=0",
                 f"--model-repository={self.repository}", f"--state-dir={self.state}",
                 f"--data-dir={SOURCE_DIR / 'deploy/demo'}", "--repository-poll-secs=0.2",
                 NO_TRAIN_LIMIT], stderr=log)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            lines = self.log.read_text(encoding="utf-8")[begin:].splitlines()
            ready = [line for line in lines if "beak-server ready " in line]
            if ready:
                fields = dict(field.split("=", 1) for field in ready[0].split() if "=" in field)
                self.address = fields["grpc"]
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"the server did not become ready:\n{self.log.read_text(encoding='utf-8')}")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        """However the test has gone."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def stop(self):
        self.process.terminate()
        return self.process.wait(60)

    def beak(self, *arguments, check=True):
        done = subprocess.run([BIN_DIR / "beak", *arguments, f"--server={self.address}"], capture_output=True,
                              text=True, timeout=120)
        if check and done.returncode != 0:
            raise AssertionError(f"beak {arguments}: exit code {done.returncode}\n{done.stdout}{done.stderr}\n"
                                 f"{self.log.read_text(encoding='utf-8')[-4000:]}")
        return done

    def job(self, job):
        return json.loads(self.beak("train", "show", job, "--json").stdout)

    def versions(self):
        """Those that anybody who looks at the repository sees."""
        model = self.repository / "digits"
        return {int(path.name): path for path in model.glob("[0-9]*")} if model.is_dir() else {}


class TrainJobs(unittest.TestCase):

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="beak_train_jobs"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.job_file = self.folder / "job.textproto"
        self.job_file.write_text(JOB % SOURCE_DIR, encoding="utf-8")

    def undisturbed(self):
        """What the job gives when nothing happens to it."""
        output = self.folder / "undisturbed"
        subprocess.run([BIN_DIR / "beak-train", self.job_file, f"--output={output}",
                        f"--data-dir={SOURCE_DIR / 'deploy/demo'}"], check=True, capture_output=True, timeout=300)
        return (output / "result/model.onnx").read_bytes()

    def check_versions(self, deployment):
        """A version's folder is there whole, or not at all."""
        for path in deployment.versions().values():
            for name in ("model.onnx", "lineage.json", "labels.txt", "config.pbtxt"):
                self.assertTrue((path / name).is_file(), f"{path} lacks {name}")
            json.loads((path / "lineage.json").read_text(encoding="utf-8"))

    def disturb(self, deployment, rng):
        """Kills the trainer, the server, or both; starts the server again where it has gone."""
        target = rng.choice(["trainer", "server", "both"])
        if target != "server":
            for child in children_of(deployment.process.pid):
                try:
                    os.kill(child, signal.SIGKILL)
                except ProcessLookupError:  # it has just ended
                    pass
        if target != "trainer":
            deployment.kill()
            self.check_versions(deployment)
            deployment.start()

    def await_end(self, deployment, job):
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            shown = deployment.job(job)
            if shown["state"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
                return shown
            time.sleep(0.1)
        self.fail(f"job {job} has not ended: {shown}\n{deployment.log.read_text(encoding='utf-8')[-4000:]}")

    def test_jobs_survive_kills_with_the_same_bits(self):
        expected = self.undisturbed()
        rng = random.Random(5)
        deployment = Deployment(self.folder)
        self.addCleanup(deployment.end)
        deployment.start()
        jobs, kills = [], 0
        while kills < KILLS:
            submitted = deployment.beak("train", "submit", self.job_file, f"--request-id=request-{len(jobs)}", "--json")
            jobs.append(json.loads(submitted.stdout)["id"])
            for _ in range(KILLS_A_JOB):
                time.sleep(rng.uniform(0, 1.2))
                self.disturb(deployment, rng)
                kills += 1
            # Asked again, it is the same job.
            again = deployment.beak("train", "submit", self.job_file, f"--request-id=request-{len(jobs) - 1}", "--json")
            self.assertEqual(json.loads(again.stdout)["id"], jobs[-1])
            ended = self.await_end(deployment, jobs[-1])
            self.assertEqual(ended["state"], "SUCCEEDED", ended)
        listed = {job["id"] for job in json.loads(deployment.beak("train", "list", "--json").stdout)}
        self.assertEqual(listed, set(jobs), "no job may be lost, and none made twice")
        self.assertEqual(sorted(deployment.versions()), list(range(1, len(jobs) + 1)), "a version a job")
        self.check_versions(deployment)
        for path in deployment.versions().values():
            self.assertEqual((path / "model.onnx").read_bytes(), expected, f"{path}: other bits")
        self.assertEqual(deployment.stop(), 0)
        print(f"{kills} kills, {len(jobs)} jobs: all ended, with the same bits")


if __name__ == "__main__":
    unittest.main(verbosity=2)
