#!/usr/bin/env python3
"""haproxy and nginx with the configurations of deploy/proxies: they understand them without a warning, and no request is lost
through them when servers go and come (a short run of tests/benchmark/serving_figures.py proxies). Skipped where neither is
installed."""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from beak_process import BIN_DIR, SOURCE_DIR  # noqa: E402
from proxy_process import FOLDER, Proxy, program  # noqa: E402

SKIPPED = 77  # ctest's SKIP_RETURN_CODE
NOBODY = [{"grpc": "127.0.0.1:1", "http": "127.0.0.1:1", "metrics": "127.0.0.1:1"}] * 2
INSTALLED = [name for name in ("haproxy", "nginx") if program(name) is not None]


class Proxies(unittest.TestCase):

    @unittest.skipIf("haproxy" not in INSTALLED, "no haproxy")
    def test_haproxy_understands_the_file_as_it_is(self):
        done = subprocess.run([program("haproxy"), "-c", "-f", FOLDER / "haproxy.cfg"], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("[WARNING]", done.stderr)

    @unittest.skipIf("nginx" not in INSTALLED, "no nginx")
    def test_nginx_understands_the_file(self):
        with Proxy("nginx", NOBODY) as proxy:
            complaints = [line for line in proxy.log().splitlines() if re.search(r"\[(warn|emerg|alert)\]", line)]
        # Newer ones have another word for it, which older ones do not know.
        self.assertEqual([line for line in complaints if '"listen ... http2" directive is deprecated' not in line], [])

    def test_requests_survive_what_happens_to_servers(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, "-B", SOURCE_DIR / "tests/benchmark/serving_figures.py", "proxies",
                 f"--proxies={','.join(INSTALLED)}", "--rounds=1", "--duration=2", "--grace=6", "--clients=16",
                 f"--build-dir={BIN_DIR.parent}", f"--work-dir={folder}"], stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    if not INSTALLED:
        print("skipped: neither haproxy nor nginx is installed")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
