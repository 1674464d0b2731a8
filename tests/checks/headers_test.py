#!/usr/bin/env python3
"""Shows that headers.py finds a header that leans on its includer, and uses the build's flags."""

import json
import os
import pathlib
import tempfile
import unittest

import headers

COMPILER = os.environ.get("CXX", "c++")


class HeadersTest(unittest.TestCase):
    def complaints(self, header, flags="", text=""):
        """Of a tree with one source and this header."""
        with tempfile.TemporaryDirectory() as root:
            folder = pathlib.Path(root, "engine/base")
            folder.mkdir(parents=True)
            (folder / "a.h").write_text(header)
            source = str(folder.resolve() / "a.cc")
            pathlib.Path(source).write_text(text)
            command = f"/usr/bin/ccache {COMPILER} -I{root} {flags} -std=c++20 -MD -MF a.d -o a.o -c {source}"
            entry = {"directory": root, "command": command, "file": source}
            pathlib.Path(root, "compile_commands.json").write_text(json.dumps([entry]))
            return headers.check(root, root)

    def test_self_contained_header_passes(self):
        self.assertEqual(self.complaints("#pragma once\n#include <vector>\ninline std::vector<int> a;\n"), [])

    def test_missing_include_fails_and_the_header_is_named(self):
        complaints = self.complaints("#pragma once\ninline std::vector<int> a;\n")
        self.assertEqual(len(complaints), 1)
        self.assertIn("engine/base/a.h: does not compile on its own", complaints[0])

    def test_flags_of_the_build_are_used(self):
        header = "#pragma once\n#ifndef NEEDED\n#error no flags\n#endif\n"
        self.assertEqual(self.complaints(header, "-DNEEDED"), [])
        self.assertEqual(len(self.complaints(header)), 1)

    def test_what_the_build_has_shown_is_passed_over(self):
        header = "#pragma once\ninline std::vector<int> a;\n"
        self.assertEqual(self.complaints(header, text='// Why.\n#include "engine/base/a.h"\n#include <map>\n'), [])
        self.assertEqual(len(self.complaints(header, text='#include <vector>\n#include "engine/base/a.h"\n')), 1)


if __name__ == "__main__":
    unittest.main()
