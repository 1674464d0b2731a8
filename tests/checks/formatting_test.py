#!/usr/bin/env python3
"""Shows that formatting.py finds a badly formatted file, and only such a one."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import formatting

CHECK = pathlib.Path(__file__).with_name("formatting.py")


@unittest.skipIf(shutil.which(formatting.CLANG_FORMAT) is None, f"{formatting.CLANG_FORMAT} is not installed")
class FormattingTest(unittest.TestCase):
    def run_on(self, text):
        with tempfile.TemporaryDirectory() as root:
            pathlib.Path(root, ".clang-format").write_text("BasedOnStyle: Google\n")
            pathlib.Path(root, "engine").mkdir()
            pathlib.Path(root, "engine/a.cc").write_text(text)
            command = [sys.executable, str(CHECK), "--root", root]
            return subprocess.run(command, check=False, capture_output=True, text=True)

    def test_formatted_file_passes(self):
        self.assertEqual(self.run_on("int a = 1;\n").returncode, 0)

    def test_other_file_fails_and_is_named(self):
        result = self.run_on("int  a=1;\n")
        self.assertEqual(result.returncode, 1)
        self.assertIn("engine/a.cc:1", result.stderr)


if __name__ == "__main__":
    unittest.main()
