"""Runs pytest on the files in the arguments: the `main` of every Bazel test.

With SLOW=0 in the environment it leaves the slow tests out, as `make test SLOW=0` does.
"""

import os
import sys

import pytest

if __name__ == "__main__":
    # Bazel's runfiles are links into the source tree; the options keep pytest within the runfiles.
    options = ["-c", "pytest.ini", "--rootdir=.", "-p", "no:cacheprovider", "-v"]
    if report := os.environ.get("XML_OUTPUT_FILE"):
        options.append(f"--junitxml={report}")
    without_slow = os.environ.get("SLOW") == "0"
    if without_slow:
        options += ["-m", "not slow"]
    code = pytest.main([*options, *sys.argv[1:]])
    # A file may have slow tests only.
    sys.exit(0 if without_slow and code == pytest.ExitCode.NO_TESTS_COLLECTED else code)
