#!/usr/bin/env python3
"""Checks that every header compiles on its own, with the flags that the build uses in its folder.

A header that is the first thing its source includes has been shown to by the build, and is passed over.
Needs the compile_commands.json of a finished build (generated headers must be there). Prints the compiler's errors for
each header that fails and exits 1 if there are any.
"""

import argparse
import concurrent.futures
import json
import pathlib
import shlex
import subprocess
import sys

import sources

JOBS = 2


def flags_of(entry):
    """Compiler and flags of a compile_commands.json entry, without its source, its outputs and its dependency files."""
    words = iter(shlex.split(entry["command"]))
    kept = []
    for word in words:
        if word in ("-o", "-MF", "-MT", "-MQ"):
            next(words)
        elif word not in ("-c", "-MD", "-MMD") and word != entry["file"] and "ccache" not in word:
            kept.append(word)
    return kept


def flags_by_folder(root, commands):
    """Of each folder that has a source of ours in the build, the flags of one of them."""
    found = {}
    for entry in commands:
        path = pathlib.Path(entry["file"])
        folder = path.relative_to(root).parent if path.is_relative_to(root) else pathlib.Path()
        if folder.parts and folder.parts[0] in sources.TOP_FOLDERS:
            found.setdefault(folder, flags_of(entry))
    return found


def flags_for(header, by_folder):
    """The flags of the header's folder; where it has no source, of the folder that tests it, of one above, or of any."""
    for folder in (header.parent, "tests" / header.parent, *header.parent.parents):
        if folder in by_folder:
            return by_folder[folder]
    return next(iter(by_folder.values()))


def compile_alone(root, header, flags):
    """The compiler's complaints about a source that includes nothing but the header; None if it has none."""
    command = [*flags, "-fsyntax-only", "-x", "c++", "-"]
    result = subprocess.run(
        command, input=f'#include "{header}"\n', cwd=root, check=False, capture_output=True, text=True
    )
    return None if result.returncode == 0 else f"{header}: does not compile on its own\n{result.stderr}"


def shown_by_build(root, header, built):
    """Whether a source of the build, a.cc for a.h, begins with it."""
    source = root / header.with_suffix(".cc")
    if source not in built or not source.is_file():
        return False
    first = next((line for line in source.read_text().splitlines() if line.startswith("#include")), "")
    return first == f'#include "{header}"'


def check(root, build):
    """Complaints about the headers of a tree."""
    root = pathlib.Path(root).resolve()
    commands = json.loads(pathlib.Path(build, "compile_commands.json").read_text())
    by_folder = flags_by_folder(root, commands)
    built = {pathlib.Path(entry["file"]) for entry in commands}
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        headers = [header for header in sources.files(root, {".h"}) if not shown_by_build(root, header, built)]
        complaints = pool.map(lambda header: compile_alone(root, header, flags_for(header, by_folder)), headers)
        return [complaint for complaint in complaints if complaint]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parents[2], help="the tree to check")
    parser.add_argument("--build", required=True, help="its build folder")
    arguments = parser.parse_args()
    complaints = check(arguments.root, arguments.build)
    print("\n".join(complaints) or "headers: every header compiles on its own")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
