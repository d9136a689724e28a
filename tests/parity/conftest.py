"""Values that the tests of this folder compare: computed once, and only if a test asks for them."""

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
