"""Runs pytest on the files in the arguments: the `main` of every Bazel test.

With SLOW=0 in the environment it leaves the slow tests out, as `make test SLOW=0` does. With
CASES=first it runs one case of each test function, which is enough to show that the files and the
dependencies that a target declares are all there.
"""

import os
import sys

import pytest


class FirstCases:
    """Leaves out all cases of a test function but the first of those that would run."""

    @pytest.hookimpl(trylast=True)  # After `-m`.
    def pytest_collection_modifyitems(self, items):
        items[:] = {(item.parent, item.originalname): item for item in reversed(items)}.values()
        items.reverse()


if __name__ == "__main__":
    # Bazel's runfiles are links into the source tree; the options keep pytest within the runfiles.
    options = ["-c", "pytest.ini", "--rootdir=.", "-p", "no:cacheprovider", "-v"]
    if report := os.environ.get("XML_OUTPUT_FILE"):
        options.append(f"--junitxml={report}")
    without_slow = os.environ.get("SLOW") == "0"
    if without_slow:
        options += ["-m", "not slow"]
    plugins = [FirstCases()] if os.environ.get("CASES") == "first" else []
    code = pytest.main([*options, *sys.argv[1:]], plugins)
    # A file may have slow tests only.
    sys.exit(0 if without_slow and code == pytest.ExitCode.NO_TESTS_COLLECTED else code)
