"""The examples of docstrings run, and the API page has every public name."""

import doctest
import importlib.util
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
_spec = importlib.util.spec_from_file_location("api", ROOT / "docs" / "api.py")
api = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(api)

PUBLIC = dict(api.public())
EXAMPLES = {}  # By what they are of: a name may be in several modules, and share its docstring.
for path, thing in PUBLIC.items():
    if ">>>" in (thing.__doc__ or ""):
        EXAMPLES.setdefault(thing.__doc__, (path, thing))
# These train, or make several networks; the others have examples of the same in a few seconds.
SLOW = {
    *("ACGANModel", "CycleGANLoss", "CycleGANModel", "InfoGANModel", "KerasGAN", "StarGANModel"),
    *("LossLoggingHook", "NanGuardHook", "ProgressHook", "cyclegan_loss", "cyclegan_model"),
    *(
        "eval.MetricHook",
        "export",
        "gan_train",
        "losses.PathLength",
        "losses.cycle_consistency_loss",
    ),
    *("stargan_loss", "stargan_model", "train.TrainingRun"),
}


@pytest.fixture(scope="module")
def beginning(tmp_path_factory):
    """What the page says that examples begin with; they leave each other their training."""
    names = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("examples"))
        exec(api.BEGINNING, names)
        yield names


@pytest.mark.parametrize(
    ("path", "thing"),
    [
        pytest.param(path, thing, id=path, marks=[pytest.mark.slow] if path in SLOW else [])
        for path, thing in EXAMPLES.values()
    ],
)
def test_the_example_of_a_docstring_runs(path, thing, beginning):
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    parsed = doctest.DocTestParser().get_doctest(thing.__doc__, dict(beginning), path, None, None)
    told = []
    doctest.DocTestRunner(optionflags=options).run(parsed, out=told.append)
    assert not told, "".join(told)


def test_the_page_has_every_public_name_and_its_example():
    page = api.page()
    for path in PUBLIC:
        assert f"\n### {path}\n" in page
    assert page.count("```") % 2 == 0
    assert page.count("```pycon") >= len(EXAMPLES)


def test_every_name_has_an_example():
    assert not [path for path, thing in PUBLIC.items() if ">>>" not in (thing.__doc__ or "")]


def test_no_example_is_skipped():
    assert not [path for path, thing in EXAMPLES.values() if "+SKIP" in thing.__doc__]
