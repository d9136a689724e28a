"""Metrics and resizing equal other packages' on the same inputs. `parity_table` prints the figures.

The peers are left out, and the test says so, where they are not installed. The published formulas,
written with NumPy, SciPy and Pillow, are always compared.
"""

import pytest

from tests.parity import parity_table

pytestmark = pytest.mark.slow


def assert_equal(table):
    bad = [row for row in table if not row.error <= row.allowed]
    assert not bad, "\n".join(map(str, bad))


def test_values_equal_the_published_formulas(own, formulas):
    table = parity_table.rows(own, formulas)
    assert {row.peer for row in table} == {"NumPy", "SciPy", "Pillow"}
    assert_equal(table)


@pytest.mark.parametrize("peer", parity_table.PEERS)
def test_values_equal_those_of(peer, own, peers):
    table = [row for row in parity_table.rows(own, peers) if row.peer == peer]
    if not table:
        pytest.skip(
            f"{peer} is not installed: pip install 'tfgan_lite[parity]', in an environment whose "
            "Python TFGAN_LITE_PEERS_PYTHON names."
        )
    assert_equal(table)
