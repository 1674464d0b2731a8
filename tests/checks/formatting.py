#!/usr/bin/env python3
"""Checks that every C++ file looks as clang-format 14 with the tree's .clang-format would write it.

Prints clang-format's own complaints and exits 1 if there are any; exits 77 (skipped) where that version is missing,
because another version formats otherwise.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

import sources

CLANG_FORMAT = "clang-format-14"
SKIPPED = 77


def check(root):
    """Whether the tree is formatted. Complaints go to stderr."""
    files = sources.files(root, {".h", ".cc"})
    command = [CLANG_FORMAT, "--dry-run", "-Werror", *map(str, files)]
    return not files or subprocess.run(command, cwd=root, check=False).returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parents[2], help="the tree to check")
    root = parser.parse_args().root
    if shutil.which(CLANG_FORMAT) is None:
        print(f"formatting: skipped, {CLANG_FORMAT} is not installed")
        return SKIPPED
    return 0 if check(root) else 1


if __name__ == "__main__":
    sys.exit(main())
