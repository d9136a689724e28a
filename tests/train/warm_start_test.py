"""One network's weights out of a checkpoint: of TF2, of TF-GAN's graphs, and of strangers."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.linear_gan import LinearGAN
from tfgan_lite.train import warm_start

layers = tf.keras.layers


def network(units=(3, 2)):
    """Dense layers, the first with batch norm after it."""
    first, second = units
    return tf.keras.Sequential(
        [
            tf.keras.Input([4]),
            layers.Dense(first),
            layers.BatchNormalization(),
            layers.Dense(second),
        ]
    )


def numbers(shape, start):
    return (start + np.arange(np.prod(shape))).reshape(shape).astype(np.float32)


# What TF-GAN's estimator leaves of such a generator, with Adam's moments and an average.
GRAPH = {
    "Generator/dense/kernel": numbers([4, 3], 0),
    "Generator/dense/bias": numbers([3], 100),
    "Generator/batch_normalization/gamma": numbers([3], 200),
    "Generator/batch_normalization/beta": numbers([3], 300),
    "Generator/batch_normalization/moving_mean": numbers([3], 400),
    "Generator/batch_normalization/moving_variance": numbers([3], 500),
    "Generator/dense_1/kernel": numbers([3, 2], 600),
    "Generator/dense_1/bias": numbers([2], 700),
    "Generator/dense/kernel/Adam": numbers([4, 3], 800),
    "Generator/dense/kernel/ExponentialMovingAverage": numbers([4, 3], 900),
    "Discriminator/dense/kernel": numbers([2, 1], 1000),
    "global_step": np.int64(7),
}
IN_ORDER = [name for name in GRAPH if name.startswith("Generator") and name.count("/") == 2]


def saved_by_a_graph(folder, values):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, value in values.items():
            tf.compat.v1.get_variable(name, initializer=value)
        session.run(tf.compat.v1.global_variables_initializer())
        return tf.compat.v1.train.Saver().save(session, str(folder / "model.ckpt"), 7)


def assert_weights(model, names, values=GRAPH):
    assert len(model.weights) == len(names)
    for weight, name in zip(model.weights, names):
        np.testing.assert_array_equal(weight.numpy(), values[name])


def test_a_generator_takes_the_weights_of_tf_gans_graph(tmp_path):
    path = saved_by_a_graph(tmp_path, GRAPH)
    model = network()
    found = warm_start(model, path, "Generator")
    assert_weights(model, IN_ORDER)
    assert list(found.loaded.values()) == IN_ORDER
    assert not found.not_loaded and not found.not_used


def test_layers_of_other_numbers_match_in_their_order(tmp_path):
    """Keras numbers the layers of a process: the eleventh comes after the ninth."""
    values = {n.replace("/dense/", "/dense_9/").replace("/dense_1/", "/dense_11/"): v
              for n, v in GRAPH.items()}  # fmt: skip
    model = network()
    warm_start(model, saved_by_a_graph(tmp_path, values), "Generator")
    names = [n.replace("/dense/", "/dense_9/").replace("/dense_1/", "/dense_11/") for n in IN_ORDER]
    assert_weights(model, names, values)


def test_slims_names_are_known(tmp_path):
    slim = {
        "dense/kernel": "fully_connected/weights",
        "dense/bias": "fully_connected/biases",
        "batch_normalization/": "fully_connected/BatchNorm/",
        "dense_1/kernel": "fully_connected_1/weights",
        "dense_1/bias": "fully_connected_1/biases",
    }

    def renamed(name):
        for old, new in slim.items():
            name = name.replace(f"Generator/{old}", f"Generator/{new}")
        return name

    values = {renamed(name): value for name, value in GRAPH.items()}
    model = network()
    warm_start(model, saved_by_a_graph(tmp_path, values), "Generator")
    assert_weights(model, [renamed(name) for name in IN_ORDER], values)


def test_what_matched_and_what_did_not_is_printed(tmp_path):
    path = saved_by_a_graph(tmp_path, GRAPH)
    model = network((3, 5))
    before = [w.numpy() for w in model.weights]
    found = warm_start(model, path, "Generator", partially=True)
    assert len(found.loaded) == 6 and len(found.not_loaded) == 2
    assert found.not_used == ["Generator/dense_1/bias", "Generator/dense_1/kernel"]
    text = str(found)
    assert "loaded 6:" in text and "<- Generator/batch_normalization/beta" in text
    assert "[3, 5] here, [3, 2] of Generator/dense_1/kernel" in text
    np.testing.assert_array_equal(model.weights[-1].numpy(), before[-1])


def test_what_does_not_match_is_an_error_that_leaves_the_network_as_it_was(tmp_path):
    path = saved_by_a_graph(tmp_path, GRAPH)
    model = network((3, 5))
    before = [w.numpy() for w in model.weights]
    with pytest.raises(ValueError, match=r"(?s)none were loaded.*\[3, 5\] here"):
        warm_start(model, path, "Generator")
    for weight, value in zip(model.weights, before):
        np.testing.assert_array_equal(weight.numpy(), value)


def test_names_may_be_given(tmp_path):
    path = saved_by_a_graph(tmp_path, {"Generator/mystery": numbers([4, 3], 0)})
    model = tf.keras.Sequential([tf.keras.Input([4]), layers.Dense(3, use_bias=False)])
    kernel = model.weights[0]
    warm_start(model, path, "Generator", names={kernel.path: "Generator/mystery"})
    np.testing.assert_array_equal(kernel.numpy(), numbers([4, 3], 0))


def test_an_unknown_scope_is_an_error_that_says_which_there_are(tmp_path):
    path = saved_by_a_graph(tmp_path, GRAPH)
    with pytest.raises(ValueError, match="nothing under 'G'; it has Discriminator, Generator"):
        warm_start(network(), path, "G")


def test_a_network_takes_its_part_of_a_checkpoint_of_gan_train(tmp_path):
    trained, fresh = LinearGAN(), LinearGAN()
    trained.train(2, tmp_path, save_checkpoint_secs=600)
    untouched = fresh.critic.c.numpy()
    found = warm_start(fresh.generator, tmp_path, "generator")
    assert len(found.loaded) == 3 and not found.not_loaded and not found.not_used
    assert fresh.generator.a.numpy() == trained.generator.a.numpy() != 1.0
    assert fresh.critic.c.numpy() == untouched


def test_a_keras_model_takes_its_part_of_a_checkpoint_of_tf2(tmp_path):
    saved, model = network(), network()
    path = tf.train.Checkpoint(generator=saved).write(str(tmp_path / "ckpt"))
    warm_start(model, path)
    for mine, theirs in zip(model.weights, saved.weights):
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())


def test_a_checkpoint_that_was_cut_short_is_an_error(tmp_path):
    path = saved_by_a_graph(tmp_path, GRAPH)
    data = next(tmp_path.glob("*.data-*"))
    data.write_bytes(data.read_bytes()[:20])
    with pytest.raises(ValueError, match="declares [0-9,]+ bytes.*has only 20.*cut short"):
        warm_start(network(), path, "Generator")


@pytest.mark.parametrize("content", [b"", b"\x80\x04\x95not an index", b"\0" * 100])
def test_what_is_no_index_is_an_error(tmp_path, content):
    path = saved_by_a_graph(tmp_path, GRAPH)
    next(tmp_path.glob("*.index")).write_bytes(content)
    with pytest.raises(ValueError, match="Cannot read the checkpoint"):
        warm_start(network(), path, "Generator")


def test_a_huge_declared_shape_is_an_error_before_memory_is_taken(tmp_path):
    """An index of 2^40 numbers, without the data."""
    path = saved_by_a_graph(tmp_path, {"Generator/x": np.zeros([64], np.float32)})
    index = next(tmp_path.glob("*.index"))
    huge = declared_larger(index.read_bytes())
    index.write_bytes(huge)
    with pytest.raises(ValueError, match="Cannot read|declares"):
        warm_start(network(), path, "Generator")


def declared_larger(index):
    """The index with dimension 64 written as one of many more; its checksum no longer fits."""
    return index.replace(b"\x12\x04\x12\x02\x08\x40", b"\x12\x04\x12\x02\x08\x7f")


@pytest.mark.parametrize("name", ["lr[1e-3]", "run*", "run?"])
def test_a_logdir_that_tensorflow_takes_for_a_pattern_is_refused(name, tmp_path):
    """It finds no checkpoint in lr[1e-3] again, and saving in run* removes those of run1."""
    with pytest.raises(ValueError, match="takes it for a pattern"):
        LinearGAN().train(1, tmp_path / name, save_checkpoint_steps=1)


def test_a_list_of_checkpoints_that_points_out_of_its_folder_is_refused(tmp_path):
    victim, logdir = tmp_path / "victim", tmp_path / "logdir"
    LinearGAN().train(1, victim, save_checkpoint_secs=600)
    logdir.mkdir()
    (logdir / "checkpoint").write_text(
        'model_checkpoint_path: "../victim/ckpt-1"\n'
        'all_model_checkpoint_paths: "../victim/ckpt-1"\n'
    )
    with pytest.raises(ValueError, match="not in this folder"):
        LinearGAN().train(1, logdir, save_checkpoint_steps=1, max_to_keep=1)
    assert tf.train.latest_checkpoint(victim)


def test_numbers_of_another_kind_are_cast(tmp_path):
    path = saved_by_a_graph(tmp_path, {"Generator/a": np.float64(2.5)})
    module = tf.Module()
    module.a = tf.Variable(0.0, name="a")
    warm_start(module, path, "generator")
    assert module.a.numpy() == 2.5
    assert tfgan.train.warm_start is warm_start


def test_in_a_graph_it_says_what_to_call_instead(tmp_path):
    path = tf.train.Checkpoint(generator=network()).save(str(tmp_path / "model"))
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="works in TF2.*init_from_checkpoint"):
            warm_start(network(), path)
