"""Runs pytest on the files in the arguments: the `main` of every Bazel test."""

import os
import sys

import pytest

if __name__ == "__main__":
    # Bazel's runfiles are links into the source tree; the options keep pytest within the runfiles.
    options = ["-c", "pytest.ini", "--rootdir=.", "-p", "no:cacheprovider", "-v"]
    if report := os.environ.get("XML_OUTPUT_FILE"):
        options.append(f"--junitxml={report}")
    sys.exit(pytest.main([*options, *sys.argv[1:]]))
