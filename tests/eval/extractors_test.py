"""The interface of feature extractors: what they take, what they give, what they refuse."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_lite.eval.extractors import Extractor, arrays_hash

WEIGHTS = np.random.default_rng(0).normal(size=[3, 5]).astype(np.float32)


def means(images):
    return tf.reduce_mean(tf.cast(images, tf.float32), axis=[1, 2])


def mean_and_product(images):
    return means(images), means(images) @ WEIGHTS


def images(count, seed=0, low=-1.0, high=1.0):
    return np.random.default_rng(seed).uniform(low, high, [count, 8, 6, 3]).astype(np.float32)


class Counting:
    """A function that counts how often it is traced."""

    def __init__(self):
        self.traces = 0

    def __call__(self, batch):
        self.traces += 1
        return mean_and_product(batch)


class TestOutputs:
    @pytest.mark.parametrize(
        ("function", "names"),
        [
            (means, ["features"]),
            (mean_and_product, ["features", "logits"]),
            (lambda x: list(mean_and_product(x)), ["features", "logits"]),
            (lambda x: {"features": means(x)}, ["features"]),
            (lambda x: {"features": means(x), "logits": None}, ["features"]),
            (
                lambda x: {"logits": means(x) @ WEIGHTS, "features": means(x)},
                ["features", "logits"],
            ),
        ],
    )
    def test_come_by_name(self, function, names):
        batch = images(4)
        outputs = Extractor(function, name="means")(batch)
        assert sorted(outputs) == names
        features = batch.mean(axis=(1, 2))
        np.testing.assert_allclose(outputs["features"], features, rtol=1e-5, atol=1e-6)
        if "logits" in names:
            np.testing.assert_allclose(outputs["logits"], features @ WEIGHTS, rtol=1e-4, atol=1e-6)

    def test_are_flattened_and_float32(self):
        pooled = Extractor(lambda x: tf.cast(means(x), tf.float16)[:, None, None], name="pool")
        features = pooled(images(4))["features"]
        assert features.shape == [4, 3]
        assert features.dtype == tf.float32

    def test_sizes_are_known_before_an_image_is_seen(self):
        extractor = Extractor(mean_and_product, name="means")
        assert (extractor.feature_size, extractor.num_classes) == (3, 5)
        assert Extractor(means, name="means").num_classes is None

    @pytest.mark.parametrize(
        ("function", "error", "message"),
        [
            (lambda x: x, ValueError, r"features .* must be \[B, D\]"),
            (lambda x: tf.reduce_mean(x), ValueError, r"features .* must be \[B, D\]"),
            (lambda x: {"pool": means(x)}, ValueError, r"mapping with \['pool'\]"),
            (lambda x: "seen", TypeError, "'seen' for features, not a tensor of numbers"),
            ("means", TypeError, "function must be callable"),
        ],
    )
    def test_of_another_kind_are_an_error_when_it_is_made(self, function, error, message):
        with pytest.raises(error, match=message):
            Extractor(function, name="bad")


class TestBatches:
    @pytest.mark.parametrize("count", [1, 4, 9])
    def test_do_not_change_what_is_seen(self, count):
        batch = images(count)
        whole = Extractor(mean_and_product, name="whole", batch_size=100)(batch)
        parts = Extractor(mean_and_product, name="parts", batch_size=4)(batch)
        for name in ("features", "logits"):
            np.testing.assert_allclose(whole[name], parts[name], rtol=1e-6)

    def test_b53_of_any_size_never_trace_it_again(self):
        function = Counting()
        extractor = Extractor(function, name="counting", batch_size=4)
        for count in (1, 4, 7, 3):
            extractor(images(count))
        extractor(np.zeros([2, 30, 40, 3], np.float32))
        extractor(tf.zeros([2, 8, 6, 3], tf.float16))
        assert function.traces == 1


class TestValues:
    def test_b35_uint8_images_are_scaled_to_the_declared_range(self):
        pixels = np.random.default_rng(0).integers(0, 256, [4, 8, 6, 3]).astype(np.uint8)
        whole = pixels.astype(np.float32)
        for value_range, expected in [
            ((-1, 1), whole / 127.5 - 1.0),
            ((0, 1), whole / 255.0),
            ("uint8", whole),
        ]:
            seen = Extractor(means, name="means", value_range=value_range)(pixels)["features"]
            np.testing.assert_allclose(seen, expected.mean(axis=(1, 2)), rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize(
        ("value_range", "low", "high"),
        [((-1, 1), -2.0, 1.0), ((0, 1), -1.0, 1.0), ((0, 1), 0.0, 255.0), ((-1, 1), 0.0, 255.0)],
    )
    def test_out_of_range_are_told_with_the_values(self, value_range, low, high):
        batch = images(4)
        batch[2, 0, 0, 0], batch[3, 0, 0, 0] = low, high
        extractor = Extractor(means, name="means", value_range=value_range)
        with pytest.raises(
            ValueError, match=f"values from .* to {high:g}.*'means' takes values.*clip"
        ):
            extractor(batch)

    def test_that_rounding_left_outside_are_taken(self):
        extractor = Extractor(means, name="means")
        extractor(tf.constant(1.0009765625, tf.float16, [1, 2, 2, 3]))

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_that_are_not_finite_are_told_with_the_first_image(self, bad):
        batch = images(9)
        batch[6, 1, 1, 1] = batch[7, 1, 1, 1] = bad
        extractor = Extractor(means, name="means", batch_size=4)
        with pytest.raises(ValueError, match="NaN or infinity in 2 of 4 images .* number 6"):
            extractor(batch)

    @pytest.mark.parametrize("bad", [7.0, np.nan])
    def test_that_only_the_run_knows_are_checked_by_it(self, bad):
        extractor = Extractor(means, name="means")
        batch = images(3)
        batch[0, 0, 0, 0] = bad
        with pytest.raises(tf.errors.InvalidArgumentError, match="must be finite and in range"):
            tf.function(lambda x: extractor(x)["features"], autograph=False)(batch)
        with (
            tf.Graph().as_default(),
            tf.compat.v1.Session() as session,
            pytest.raises(tf.errors.InvalidArgumentError, match="values from|NaN or infinity"),
        ):
            session.run(extractor(batch)["features"])

    @pytest.mark.parametrize(
        ("shape", "message"),
        [
            ([4, 8, 6, 1], r"grayscale_to_rgb"),
            ([4, 3, 8, 6], r"Channels come last"),
            ([4, 8, 6, 4], r"\[N, any, any, 3\].*\(4, 8, 6, 4\)"),
            ([8, 6, 3], r"\[N, any, any, 3\].*\(8, 6, 3\)"),
            ([0, 8, 6, 3], "nothing to extract"),
        ],
    )
    def test_of_another_shape_are_told(self, shape, message):
        with pytest.raises(ValueError, match=message):
            Extractor(means, name="means")(np.zeros(shape, np.float32))

    @pytest.mark.parametrize(
        ("value_range", "dtype", "message"),
        [
            ((-1, 1), np.int32, "int32, but extractor 'means' takes values from -1 to 1"),
            ("uint8", np.float32, "float32, but extractor 'means' takes uint8 images.*tf.round"),
        ],
    )
    def test_of_another_dtype_are_told(self, value_range, dtype, message):
        extractor = Extractor(means, name="means", value_range=value_range)
        with pytest.raises(ValueError, match=message):
            extractor(np.zeros([4, 8, 6, 3], dtype))


class TestWorlds:
    def test_a_tf_function_gives_what_eager_gives(self):
        extractor, batch = Extractor(mean_and_product, name="means"), images(5)
        inside = tf.function(lambda x: extractor(x), autograph=False)(batch)
        for name, value in extractor(batch).items():
            np.testing.assert_allclose(inside[name], value, rtol=1e-6)

    def test_a_graph_gives_what_eager_gives(self):
        variable = tf.Variable(WEIGHTS)
        extractor = Extractor(lambda x: (means(x), means(x) @ variable), name="means")
        batch = images(5)
        with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
            outputs = extractor(tf.compat.v1.placeholder_with_default(batch, [None, 8, 6, 3]))
            assert outputs["logits"].shape.as_list() == [None, 5]
            inside = session.run(outputs)
            assert not graph.get_collection(tf.compat.v1.GraphKeys.GLOBAL_VARIABLES)
        for name, value in extractor(batch).items():
            np.testing.assert_array_equal(inside[name], value)

    def test_a_graph_can_be_where_it_is_made(self):
        with tf.Graph().as_default():
            extractor = Extractor(lambda x: means(x) @ WEIGHTS, name="means")
        assert extractor(images(5))["features"].shape == [5, 5]


class TestHash:
    def test_is_the_same_for_the_same_weights(self):
        first, second = (Extractor(lambda x: means(x) @ WEIGHTS, name="m") for _ in range(2))
        assert first.hash == second.hash
        assert len(first.hash) == 64

    def test_differs_for_other_constants_other_variables_and_other_operations(self):
        variables = [tf.Variable(WEIGHTS), tf.Variable(WEIGHTS + 1e-6)]
        functions = [
            lambda x: means(x) @ WEIGHTS,
            lambda x: means(x) @ (WEIGHTS + 1e-6),
            lambda x: means(x) @ variables[0],
            lambda x: means(x) @ variables[1],
            lambda x: tf.nn.relu(means(x) @ variables[0]),
        ]
        assert len({Extractor(function, name="m").hash for function in functions}) == 5

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (lambda x: tf.nn.leaky_relu(means(x), 0.1), lambda x: tf.nn.leaky_relu(means(x), 0.2)),
            (lambda x: means(x[:, 1:]) - means(x), lambda x: means(x) - means(x[:, 1:])),
            (tf.function(lambda x: 2.0 * means(x)), tf.function(lambda x: 3.0 * means(x))),
            (
                lambda x: tf.map_fn(lambda y: 2.0 * y, means(x)),
                lambda x: tf.map_fn(lambda y: 3.0 * y, means(x)),
            ),
        ],
        ids=["attributes", "order", "functions", "loops"],
    )
    def test_differs_for_other(self, first, second):
        hashes = [Extractor(function, name="m").hash for function in (first, second, first)]
        assert hashes[0] == hashes[2] != hashes[1]

    def test_can_be_given(self):
        assert Extractor(means, name="m", hash="0ab1").hash == "0ab1"
        with pytest.raises(ValueError, match="hash must be hexadecimal"):
            Extractor(means, name="m", hash="version 1")

    def test_of_arrays_tells_values_shapes_dtypes_and_order(self):
        ones, zeros = np.ones([2, 3], np.float32), np.zeros([2, 3], np.float32)
        lists = [[ones, zeros], [zeros, ones], [ones], [ones.T, zeros], [ones.astype(int), zeros]]
        assert len({arrays_hash(arrays) for arrays in lists}) == 5
        assert arrays_hash([tf.Variable(ones)]) == arrays_hash([ones])


def test_protocol_says_what_it_is():
    extractor = Extractor(
        means, name="m", hash="0a", value_range=(0, 1), resize_mode="clean", note="a toy"
    )
    assert extractor.protocol == {
        "extractor": "m",
        "extractor_hash": "0a",
        "feature_size": 3,
        "value_range": (0.0, 1.0),
        "resize_mode": "clean",
        "note": "a toy",
    }


def test_a_function_that_gives_nothing_is_told():
    with pytest.raises(ValueError, match="must give features.* but it gave None"):
        Extractor(lambda images: None, name="m")


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"value_range": (0, 255)}, r"value_range must be \(-1, 1\), \(0, 1\) or \"uint8\", not"),
        ({"value_range": "float"}, "value_range must be"),
        ({"image_shape": (8, 6)}, "image_shape must be .height, width, channels."),
        ({"image_shape": (8, 6, 0)}, "image_shape must be"),
        ({"batch_size": 0}, "batch_size must be a positive integer"),
        ({"name": ""}, "name must be a string"),
    ],
)
def test_bad_argument_is_told(argument, message):
    with pytest.raises(ValueError, match=message):
        Extractor(means, **{"name": "m", **argument})
