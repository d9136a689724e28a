"""Values that the tests of this folder compare: computed once, and only if a test asks for them."""

import os

import pytest

from tests.parity import parity_table


@pytest.fixture(scope="session")
def given():
    return parity_table.inputs()


@pytest.fixture(scope="session")
def own(given):
    return parity_table.own_values(given)


@pytest.fixture(scope="session")
def formulas(given):
    return parity_table.formulas_values(given)


@pytest.fixture(scope="session")
def peers(given):
    return parity_table.peers_values(given)


_COMPARED = []


@pytest.fixture
def assert_equal():
    """A function of rows of the table, none of which may differ by more than is allowed."""

    def check(table):
        _COMPARED.extend(table)
        bad = [row for row in table if not row.error <= row.allowed]
        assert not bad, "\n".join(map(str, bad))

    return check


def pytest_terminal_summary(terminalreporter):
    """Prints the figures, where peers are named: `make parity`."""
    if _COMPARED and "TFGAN_LITE_PEERS_PYTHON" in os.environ:
        terminalreporter.section("parity")
        terminalreporter.write_line(parity_table.shown(_COMPARED))
