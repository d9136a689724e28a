"""Walks through latent points."""

import numpy as np
import pytest

import tfgan_lite as tfgan


def test_a_walk_turns_evenly_from_point_to_point():
    points = np.array([[[1.0, 0.0]], [[0.0, 1.0]], [[-1.0, 0.0]]])
    walk = tfgan.eval.latent_walk(points, 5)
    angles = np.radians([0, 45, 90, 135, 180])
    np.testing.assert_allclose(walk[:, 0], np.stack([np.cos(angles), np.sin(angles)], 1), atol=1e-9)


def test_lengths_change_evenly():
    walk = tfgan.eval.latent_walk(np.array([[[1.0, 0.0]], [[0.0, 3.0]]]), 3)
    np.testing.assert_allclose(np.linalg.norm(walk[:, 0], axis=1), [1, 2, 3])


def test_a_closed_walk_goes_on_where_it_began():
    points = np.array([[[1.0, 0.0]], [[0.0, 1.0]], [[-1.0, 0.0]], [[0.0, -1.0]]])
    walk = tfgan.eval.latent_walk(points, 8, closed=True)
    angles = np.arange(8) * np.pi / 4
    np.testing.assert_allclose(walk[:, 0], np.stack([np.cos(angles), np.sin(angles)], 1), atol=1e-9)


def test_several_walks_go_at_once_and_begin_and_end_at_their_points():
    points = np.random.default_rng(0).normal(size=[2, 3, 7]).astype(np.float32)
    walk = tfgan.eval.latent_walk(points, 4)
    assert walk.shape == (4, 3, 7) and walk.dtype == np.float32
    np.testing.assert_allclose(walk[[0, -1]], points, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "steps", "message"),
    [((1, 2, 3), 4, "K >= 2"), ((2, 3), 4, "K >= 2"), ((2, 2, 3), 1, "at least 2")],
)
def test_what_it_refuses(shape, steps, message):
    with pytest.raises(ValueError, match=message):
        tfgan.eval.latent_walk(np.ones(shape), steps)
