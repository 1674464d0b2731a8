#!/usr/bin/env python3
"""The commands of the README about REST and of the runbook about TLS and tokens, run as they stand: by a shell in a folder where
they find programs and the demo, in a network of its own, where the default ports are free. Skipped (77) where there can be none."""
import fcntl
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from beak_process import BIN_DIR, SOURCE_DIR  # noqa: E402

SKIPPED = 77  # ctest's SKIP_RETURN_CODE
INSIDE = "--inside"
OWN_NETWORK = ["unshare", "--user", "--map-root-user", "--net"]
SECONDS = 120
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def raise_loopback():
    """In a new network even that is down."""
    with socket.socket() as any_socket:
        flags = struct.pack("16sh14x", b"lo", 1)  # IFF_UP
        fcntl.ioctl(any_socket, 0x8914, flags)    # SIOCSIFFLAGS


def section(file, heading):
    """The blocks below a heading, up to the next of its rank or a higher one: [(language, text)]."""
    rank = len(heading.split(" ")[0])
    text = (SOURCE_DIR / file).read_text(encoding="utf-8")
    below = text[text.index(f"\n{heading}\n") + 1:]
    end = re.search(rf"\n#{{2,{rank}}} ", below)  # one alone is a comment in a command
    return BLOCK.findall(below[:end.start() if end else None])


class Commands(unittest.TestCase):

    def run_section(self, file, heading):
        """All its commands, of which one begins a server; what they print, and other blocks."""
        blocks = section(file, heading)
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "build/release").mkdir(parents=True)
        (folder / "build/release/bin").symlink_to(BIN_DIR)
        (folder / "deploy").symlink_to(SOURCE_DIR / "deploy")
        commands = "".join(text for language, text in blocks if language == "sh")
        script = f"set -e\ntrap 'kill $!; wait $!' EXIT\n{commands}"
        done = subprocess.run(["bash", "-c", script], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=SECONDS, check=False)
        self.assertEqual(done.returncode, 0, f"{script}\n{done.stdout}\n{done.stderr}")
        self.assertIn("beak-server ready", done.stderr)
        return done.stdout, [text for language, text in blocks if language == ""]

    def test_rest(self):
        said, (expected,) = self.run_section("README.md", "### REST")
        answers = re.findall(r'\{"model_name".*?\}\]\}', said)
        self.assertEqual(len(answers), 1, said)  # the other one goes into a file
        labels = lambda text: [one.split(":")[1:] for one in json.loads(text)["outputs"][0]["data"]]
        self.assertEqual(labels(answers[0]), labels(expected))
        self.assertIn('"name":"mnist"', said)

    def test_who_may_call(self):
        said, *_ = self.run_section("README.md", "### Who may call, and how much")
        self.assertRegex(said, r"(?m)^mnist +1 +READY")

    def test_tls_and_tokens(self):
        said, _ = self.run_section("deploy/README.md", "## TLS and tokens")
        self.assertIn('"name":"mnist"', said)
        self.assertIn("beak_build_info{", said)
        self.assertRegex(said, r"(?m)^ *\d\S* +7\b")


def main():
    needed = [name for name in ("unshare", "bash", "curl", "openssl", "zcat") if shutil.which(name) is None]
    if needed or subprocess.run([*OWN_NETWORK, "true"], capture_output=True, check=False).returncode != 0:
        print(f"skipped: no {', '.join(needed) or 'network of its own can be made here'}")
        return SKIPPED
    here = os.path.abspath(__file__)
    return subprocess.run([*OWN_NETWORK, sys.executable, "-B", here, INSIDE], check=False).returncode


if __name__ == "__main__":
    if sys.argv[1:] == [INSIDE]:
        raise_loopback()
        sys.argv.pop()
        unittest.main(verbosity=2)
    sys.exit(main())
