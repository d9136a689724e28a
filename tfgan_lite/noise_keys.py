"""Which numbers the keys of noise have, so that no two runs of one seed draw the same.

A run's noise is a pure function of the seed, of its key (round, place in the round), of the replica
and of the source's name:

    round                 place                   a run of
    0, 1, ...             0, 1, ...               a sub-step of training
    0, 1, ...             FIRST_LOOK, ...         what hooks look at meanwhile
    0, 1, ...             FIRST_FINAL_LOOK, ...   what they look at when training ends
    -1, ..., -2**30       0                       values that are called outside any session
    SAMPLING_ROUND        0, 1, ...               a chunk of `generate`
    EXPORTED_ROUND        the caller's seed       an exported generator's `sample`

Each rollback moves a session's rounds on by ROUNDS_APART, modulo 2**32, and so they may be negative
as well. But after any of the first ten it takes more than 10**8 further rounds to meet the two
rounds of sampling, and as many rounds and single calls together to meet one of those.
"""

from __future__ import annotations

__all__ = [
    "EXPORTED_ROUND",
    "FIRST_FINAL_LOOK",
    "FIRST_LOOK",
    "ROUNDS_APART",
    "SAMPLING_ROUND",
    "SINGLE_CALLS",
]

FIRST_LOOK, FIRST_FINAL_LOOK = 1 << 29, 1 << 30
SINGLE_CALLS = 1 << 30  # How many there are before their rounds come again.
SAMPLING_ROUND, EXPORTED_ROUND = -(1 << 31), -(1 << 31) + 1
ROUNDS_APART = 0x3779B1B5  # Odd, so that no rollback comes back to where another began.
