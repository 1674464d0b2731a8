#!/usr/bin/env python3
"""Checks every #include against layers.txt: which folder may include which, and where external headers belong.

Prints one line a violation, `file:line: rule`, and exits 1 if there are any.
"""

import argparse
import pathlib
import re
import sys

import sources

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
ROW = re.compile(r"^(folder|header)\s+(\S+)\s*:\s*(.*)$")

# C and POSIX headers; C++ ones are known by having no suffix and no folder. Compilers' intrinsics are not among them:
# they are a library like any other and have a home.
SYSTEM = re.compile(
    r"^(sys/|linux/|netinet/|arpa/)|^(assert|ctype|dirent|dlfcn|errno|fcntl|fenv|float|getopt|limits|link|locale|malloc|math|netdb|poll"
    r"|pthread|sched|signal|spawn|stddef|stdint|stdio|stdlib|string|strings|time|unistd)\.h$"
)


class Rules:
    """layers.txt, parsed. `errors` holds what is wrong with the file itself."""

    def __init__(self, path):
        self.folders = {}
        self.headers = {}
        self.errors = []
        for number, line in enumerate(path.read_text().splitlines(), 1):
            text = line.split("#")[0].strip()
            if not text:
                continue
            row = ROW.match(text)
            if row is None:
                self.errors.append(f"{path.name}:{number}: expected 'folder A : B C' or 'header P : A B', got '{text}'")
                continue
            table = self.folders if row[1] == "folder" else self.headers
            if row[2] in table:
                self.errors.append(f"{path.name}:{number}: {row[1]} {row[2]} has two rows")
            table[row[2]] = row[3].split()

    def cycle(self):
        """A cycle among the folders' rows as a list that ends where it began, or None."""
        done = set()

        def visit(folder, trail):
            if folder in trail:
                return trail[trail.index(folder):] + [folder]
            if folder in done:
                return None
            for below in self.folders.get(folder, []):
                found = visit(below, trail + [folder])
                if found:
                    return found
            done.add(folder)
            return None

        for folder in self.folders:
            found = visit(folder, [])
            if found:
                return found
        return None

    def home(self, header):
        """The row of the longest prefix that fits an external header, as (prefix, folders), or None."""
        fitting = [prefix for prefix in self.headers if header.startswith(prefix)]
        return max(((prefix, self.headers[prefix]) for prefix in fitting), key=lambda row: len(row[0]), default=None)


def check_rows(root, rules, used):
    errors = list(rules.errors)
    for folder, below in rules.folders.items():
        if not (root / folder).is_dir():
            errors.append(f"layers.txt: folder {folder} has a row but does not exist")
        for name in below:
            if name != "*" and name not in rules.folders:
                errors.append(f"layers.txt: folder {folder} may include {name}, which has no row")
    for prefix, homes in rules.headers.items():
        for name in homes:
            if name != "*" and name not in rules.folders:
                errors.append(f"layers.txt: header {prefix} lives in {name}, which has no row")
    for folder in sorted(used - rules.folders.keys()):
        errors.append(f"layers.txt: folder {folder} has sources but no row")
    cycle = rules.cycle()
    if cycle:
        errors.append("layers.txt: cycle: " + " -> ".join(cycle))
    return errors


def check_include(rules, folder, header):
    """The rule that an include breaks, or None."""
    if header.split("/")[0] in sources.TOP_FOLDERS:
        target = str(pathlib.PurePosixPath(header).parent)
        allowed = rules.folders.get(folder, [])
        if target == folder or target in allowed or ("*" in allowed and target in rules.folders):
            return None
        return f"{folder} may not include {target} ({header}); it may include: {' '.join(allowed) or 'nothing'}"
    if SYSTEM.search(header) or not re.search(r"[./]", header):
        return None
    home = rules.home(header)
    if home is None:
        return f"<{header}> is an external header without a row"
    prefix, folders = home
    if "*" in folders or folder in folders:
        return None
    return f"{folder} may not include <{header}>; the home of {prefix} is: {' '.join(folders)}"


def check(root):
    """All violations in a tree, as lines."""
    root = pathlib.Path(root)
    rules = Rules(root / "tests/checks/layers.txt")
    errors = []
    used = set()
    for path in sources.files(root, {".h", ".cc"}):
        folder = str(path.parent)
        if folder.split("/")[0] == "tests":
            continue
        used.add(folder)
        for number, line in enumerate((root / path).read_text().splitlines(), 1):
            include = INCLUDE.match(line)
            broken = check_include(rules, folder, include[2]) if include else None
            if broken:
                errors.append(f"{path}:{number}: {broken}")
    return check_rows(root, rules, used) + errors


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parents[2], help="the tree to check")
    errors = check(parser.parse_args().root)
    print("\n".join(errors) or "layering: every include is allowed")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
