"""Metrics and resizing equal other packages' on the same inputs. `make parity` prints the figures.

A peer is left out, and the test says so, where it is not installed and nobody says that it is. The
published formulas, written with NumPy, SciPy and Pillow, are always compared.
"""

import os

import pytest

from tests.parity import parity_table

pytestmark = pytest.mark.slow


def test_values_equal_the_published_formulas(own, formulas, assert_equal):
    table = parity_table.rows(own, formulas)
    assert {row.peer for row in table} == {"NumPy", "SciPy", "Pillow"}
    assert_equal(table)


@pytest.mark.parametrize("peer", parity_table.PEERS)
def test_values_equal_those_of(peer, own, peers, assert_equal):
    table = [row for row in parity_table.rows(own, peers) if row.peer == peer]
    if not table:
        assert "TFGAN_LITE_PEERS_PYTHON" not in os.environ, f"{peer} is not in that environment"
        pytest.skip(
            f"{peer} is not installed: pip install 'tfgan_lite[parity]', in an environment whose "
            "Python TFGAN_LITE_PEERS_PYTHON names."
        )
    assert_equal(table)
