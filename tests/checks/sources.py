"""The C++ files of the tree that the checks look at."""

import pathlib

TOP_FOLDERS = ("proto", "engine", "server", "client", "tests")


def files(root, suffixes, folders=TOP_FOLDERS):
    """Files below the given folders of root that end in one of the suffixes, in a fixed order, relative to root."""
    root = pathlib.Path(root)
    found = (path for folder in folders for path in (root / folder).rglob("*") if path.suffix in suffixes)
    return sorted(path.relative_to(root) for path in found if path.is_file())
