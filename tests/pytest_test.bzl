"""A Bazel test that is a pytest file."""

load("@rules_python//python:defs.bzl", "py_test")

def pytest_test(name, deps = [], data = [], size = "medium", **kwargs):
    """Runs pytest on the file `<name>.py` of the calling folder.

    Args:
      name: name of the target, and of the file without its `.py`.
      deps: what the file imports. TensorFlow and pytest come from the `python3` on PATH.
      data: files that the test reads.
      size: Bazel's size. The default gives five minutes; importing TensorFlow alone takes many seconds.
      **kwargs: handed on to py_test: `tags`, `timeout` and the like.
    """
    py_test(
        name = name,
        size = size,
        srcs = [name + ".py", "//tests:pytest_main.py"],
        main = "//tests:pytest_main.py",
        args = ["$(rootpath %s.py)" % name],
        data = data + ["//:pytest.ini"],
        deps = deps,
        **kwargs
    )
