"""What the tests in this folder share."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

SKIPPED = 77  # ctest's SKIP_RETURN_CODE


def main():
    """Runs the calling module's tests; skipped when nothing could run, with the reasons."""
    result = unittest.main(module="__main__", exit=False, verbosity=2).result
    if not result.wasSuccessful():
        sys.exit(1)
    if len(result.skipped) == result.testsRun:
        print("skipped:", "; ".join(sorted({reason for _, reason in result.skipped})) or "no tests")
        sys.exit(SKIPPED)
