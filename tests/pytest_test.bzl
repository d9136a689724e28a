"""Bazel tests that are pytest files."""

load("@rules_python//python:defs.bzl", "py_test")

def pytest_test(name, deps = [], data = [], size = "medium", timeout = "long", **kwargs):
    """Runs pytest on the file `<name>.py` of the calling folder.

    Args:
      name: name of the target, and of the file without its `.py`.
      deps: what the file imports. TensorFlow and pytest come from the `python3` on PATH.
      data: files that the test reads.
      size: Bazel's size.
      timeout: Bazel's. The default is fifteen minutes, for two cores that other tests use, too.
      **kwargs: handed on to py_test: `tags` and the like.
    """
    py_test(
        name = name,
        size = size,
        timeout = timeout,
        srcs = [name + ".py", "//tests:pytest_main.py"],
        main = "//tests:pytest_main.py",
        args = ["$(rootpath %s.py)" % name],
        data = data + ["//:pytest.ini"],
        deps = deps,
        **kwargs
    )

def pytest_tests(name, files, deps = [], size = "large", timeout = "eternal", **kwargs):
    """Runs pytest on several files in one process: to import TensorFlow takes longer than most.

    Args:
      name: name of the target.
      files: the files of the calling folder, without their `.py`.
      deps: what they import.
      size: Bazel's size.
      timeout: Bazel's. The default is an hour.
      **kwargs: handed on to py_test.
    """
    py_test(
        name = name,
        size = size,
        timeout = timeout,
        srcs = [file + ".py" for file in files] + ["//tests:conftest.py", "//tests:pytest_main.py"],
        main = "//tests:pytest_main.py",
        args = ["$(rootpath %s.py)" % file for file in files],
        data = ["//:pytest.ini"],
        deps = deps,
        **kwargs
    )
