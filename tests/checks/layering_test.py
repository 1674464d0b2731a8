#!/usr/bin/env python3
"""Shows that layering.py finds what it is for, in trees made to be wrong."""

import pathlib
import tempfile
import unittest

import layering

GOOD = {
    "tests/checks/layers.txt": """
        folder engine/base   :
        folder engine/tensor : engine/base
        folder server        : *
        header absl/         : *
        header dnnl          : engine/tensor
    """,
    "engine/base/status.h": '#include <vector>\n#include <sys/stat.h>\n#include "absl/status/status.h"\n',
    "engine/tensor/tensor.cc": '#include <dnnl.hpp>\n#include "engine/base/status.h"\n#include "engine/tensor/tensor.h"\n',
    "server/main.cc": '#include "engine/tensor/tensor.h"\n',
    "tests/server/main_test.cc": '#include <gtest/gtest.h>\n#include "engine/base/status.h"\n',
}


class LayeringTest(unittest.TestCase):
    def violations(self, changes):
        """The good tree with some files replaced (or, by None, removed)."""
        with tempfile.TemporaryDirectory() as root:
            for name, text in {**GOOD, **changes}.items():
                if text is not None:
                    path = pathlib.Path(root, name)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text)
            return layering.check(root)

    def expect(self, changes, line):
        self.assertEqual(self.violations(changes), [line])

    def rows(self, *more):
        return {"tests/checks/layers.txt": GOOD["tests/checks/layers.txt"] + "\n".join(more)}

    def test_good_tree_passes(self):
        self.assertEqual(self.violations({}), [])

    def test_unlisted_edge(self):
        self.expect(
            {"engine/base/log.cc": '\n#include "engine/tensor/tensor.h"\n'},
            "engine/base/log.cc:2: engine/base may not include engine/tensor (engine/tensor/tensor.h); "
            "it may include: nothing",
        )

    def test_tests_are_not_included(self):
        lines = self.violations({"server/main.cc": '#include "tests/support/fake.h"\n'})
        self.assertEqual(len(lines), 1)
        self.assertIn("server may not include tests/support", lines[0])

    def test_external_header_outside_its_home(self):
        self.expect(
            {"engine/base/log.cc": "#  include <dnnl_types.h>\n"},
            "engine/base/log.cc:1: engine/base may not include <dnnl_types.h>; the home of dnnl is: engine/tensor",
        )

    def test_star_gives_folders_but_not_external_headers(self):
        self.expect(
            {"server/main.cc": "#include <dnnl.hpp>\n"},
            "server/main.cc:1: server may not include <dnnl.hpp>; the home of dnnl is: engine/tensor",
        )

    def test_external_header_without_a_row(self):
        self.expect(
            {"engine/base/log.cc": "#include <immintrin.h>\n"},
            "engine/base/log.cc:1: <immintrin.h> is an external header without a row",
        )

    def test_cycle(self):
        rows = GOOD["tests/checks/layers.txt"].replace("engine/base   :", "engine/base   : engine/tensor")
        self.expect(
            {"tests/checks/layers.txt": rows},
            "layers.txt: cycle: engine/base -> engine/tensor -> engine/base",
        )

    def test_folder_without_a_row(self):
        self.expect({"engine/graph/graph.h": ""}, "layers.txt: folder engine/graph has sources but no row")

    def test_row_without_its_folder(self):
        self.expect(self.rows("folder engine/graph :"), "layers.txt: folder engine/graph has a row but does not exist")

    def test_two_rows(self):
        self.expect(self.rows("header dnnl : engine/tensor"), "layers.txt:7: header dnnl has two rows")

    def test_row_that_is_none(self):
        self.expect(
            self.rows("engine/io engine/base"),
            "layers.txt:7: expected 'folder A : B C' or 'header P : A B', got 'engine/io engine/base'",
        )


if __name__ == "__main__":
    unittest.main()
