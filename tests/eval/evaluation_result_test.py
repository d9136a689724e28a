"""A result in a file and on the screen: whole, or named as what it is."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_lite import eval as tfeval


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"values": 1, "standard_errors": {}}'])
def test_another_file_is_named(content, tmp_path):
    path = tmp_path / "scores.json"
    path.write_text(content)
    with pytest.raises(ValueError, match="scores.json holds no result of evaluate"):
        tfeval.EvaluationResult.load(path)


def test_a_graphs_result_prints_its_names_and_is_no_json():
    features = np.random.default_rng(0).normal(size=[40, 3])
    with tf.Graph().as_default():
        result = tfeval.evaluate(features, features, [tfeval.PrecisionRecall()])
        shown = str(result)
        with pytest.raises(ValueError, match="run result.values in a session"):
            result.to_json()
    assert "precision" in shown and "a tensor of a graph" in shown
