"""The programs' flags: each does something, and the pages name no others."""

import pathlib
import re

import pytest

# Under Bazel this file is a link into the source tree.
ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = (
    *("examples/mnist_gan", "examples/translation", "benchmarks"),
    *("tfgan_lite/data", "tfgan_lite/report"),
)
OF_ABSL = {"verbosity", "help"}


def flags_of(source):
    """The flags that a program defines: the variable of each, by the flag's name."""
    pairs = re.findall(r"(?m)^(_\w+) = flags\.DEFINE_\w+\(\s*\"(\w+)\"", source)
    pairs += re.findall(r"(?m)^(_\w+) = command_line\.define_(dry_run)\(\)", source)
    added = re.findall(r"add_argument\(\s*\"--([\w-]+)\"", source)
    return {name: variable for variable, name in pairs} | dict.fromkeys(added)


def accepted(source):
    """What may be written after `--`: absl has --noNAME, too."""
    return {prefix + name for name in flags_of(source) for prefix in ("", "no")} | OF_ABSL


SOURCES = {
    f"{folder}/{file.name}".replace("/", ".").removesuffix(".py"): file.read_text(encoding="utf-8")
    for folder in FOLDERS
    for file in sorted((ROOT / folder).glob("*.py"))
}
PROGRAMS = {module: source for module, source in SOURCES.items() if flags_of(source)}
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_programs_were_found():
    assert {"examples.mnist_gan.train", "examples.translation.stargan"} <= set(PROGRAMS)
    assert {"tfgan_lite.report.command", "tfgan_lite.data.__main__"} <= set(PROGRAMS)
    assert "gan_type" in flags_of(PROGRAMS["examples.mnist_gan.train"])


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_can_say_what_it_would_do(program):
    assert "dry_run" in flags_of(PROGRAMS[program])


@pytest.mark.parametrize("program", [p for p in PROGRAMS if p.startswith("examples")])
def test_no_flag_is_ignored(program):
    """TF-GAN's examples had flags that nothing read (fault B39)."""
    source = PROGRAMS[program]
    for name, variable in flags_of(source).items():
        assert f"{variable}.value" in source or f'config["{name}"]' in source, name


@pytest.mark.parametrize("page", [*PAGES, *PROGRAMS], ids=lambda page: getattr(page, "name", page))
def test_no_page_names_a_flag_that_a_program_does_not_have(page):
    """TF-GAN's READMEs did (fault B40). A program's own page is its docstring."""
    text = page.read_text(encoding="utf-8") if page in PAGES else PROGRAMS[page].split('"""')[1]
    known = {program: accepted(source) for program, source in PROGRAMS.items()}
    all_known = set().union(*known.values())
    for command in re.findall(r"python -m ([\w.]+)((?:\s+\\?\s*--\S+)*)", text):
        module, flags = command[0], re.findall(r"--([\w-]+)", command[1])
        if module in known:
            assert set(flags) <= known[module], command
    in_words = re.findall(r"`--([a-z_]+)", text)
    assert set(in_words) <= all_known
