"""The stream of batches, in order and resumed, and the card."""

import json
import os

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.data.pictures import encoded, noise, numbers_in, write, write_numbered

NUM_IMAGES = 21


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Images that are as bright as their number says, in classes 0, 1, 2, 0, ..."""
    return write_numbered(tmp_path_factory.mktemp("numbered"), NUM_IMAGES)


def test_batches_are_known_to_be_endless(images):
    """A round need not ask whether there is a next one, and several machines may read them."""
    assert int(images.batches(4).cardinality()) == tf.data.INFINITE_CARDINALITY


@pytest.fixture(scope="module", params=["in memory", "decoded anew"])
def images(request, folder):
    limit = {"memory_limit": 0} if request.param == "decoded anew" else {}
    loaded = tfgan.data.load(folder, **limit)
    assert (loaded.pixels is None) == bool(limit)
    return loaded


def first(count, stream):
    return [numbers_in(batch) for batch in stream.take(count)]


def test_shape_dtype_and_range_are_declared(images):
    assert images.batches(4).element_spec == tf.TensorSpec((4, 8, 8, 1), tf.float32)
    spec = images.batches(4, value_range="uint8", with_labels=True).element_spec
    assert spec == (tf.TensorSpec((4, 8, 8, 1), tf.uint8), tf.TensorSpec((4, 3), tf.float32))


@pytest.mark.parametrize("value_range, low, high", [((-1, 1), -1, 1), ((0, 1), 0, 1)])
def test_black_and_white_are_the_ends_of_the_range(value_range, low, high):
    black_and_white = np.stack([np.zeros((2, 2)), np.full((2, 2), 255)]).astype(np.uint8)
    images = tfgan.data.from_arrays(black_and_white)
    (batch,) = images.one_pass(2, value_range=value_range)
    assert (batch[0] == low).numpy().all() and (batch[1] == high).numpy().all()


def test_a_pass_shows_every_image_once_in_an_order_of_its_own(images):
    passes = first(3, images.batches(NUM_IMAGES))
    assert [sorted(each) for each in passes] == [list(range(NUM_IMAGES))] * 3
    assert passes[0] != passes[1] != passes[2] != passes[0]


def test_what_fills_no_batch_is_left_out_of_that_pass_only(images):
    batches = first(40, images.batches(8))
    for one, other in zip(batches[::2], batches[1::2], strict=True):
        assert len({*one, *other}) == 16
    assert set(sum(batches, [])) == set(range(NUM_IMAGES))


def test_the_seed_decides_the_order(images):
    assert first(9, images.batches(4, seed=1)) == first(9, images.batches(4, seed=1))
    assert first(9, images.batches(4, seed=1)) != first(9, images.batches(4, seed=2))


def test_labels_belong_to_their_images(images):
    for batch, labels in images.batches(4, with_labels=True).take(6):
        np.testing.assert_array_equal(labels, np.eye(3)[np.array(numbers_in(batch)) % 3])


def test_one_pass_is_in_order_and_complete(images):
    batches = [numbers_in(batch) for batch in images.one_pass(8)]
    assert list(map(len, batches)) == [8, 8, 5]
    assert [images.names[i] for i in range(3)] == ["c0/000.png", "c0/003.png", "c0/006.png"]
    assert sum(batches, [])[:3] == [0, 3, 6]


def test_a_graph_gives_the_eager_stream_and_does_not_hold_the_images(images):
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        batch = tf.compat.v1.data.make_one_shot_iterator(images.batches(4, flip=True)).get_next()
        in_graph = [session.run(batch) for _ in range(7)]
        assert graph.as_graph_def().ByteSize() < 60_000
    np.testing.assert_array_equal(in_graph, list(images.batches(4, flip=True).take(7)))


def test_flips_are_half_of_all_and_pure():
    left_is_bright = np.zeros((100, 2, 2), np.uint8)
    left_is_bright[:, :, 0] = 255
    images = tfgan.data.from_arrays(left_is_bright)

    def flipped(**options):
        return [b[:, 0, 1, 0].numpy() > 0 for b in images.batches(100, **options).take(20)]

    drawn = flipped(flip=True)
    assert not np.any(flipped())
    assert abs(np.mean(drawn) - 0.5) < 4 * 0.5 / np.sqrt(2000)  # Four standard deviations.
    assert not np.array_equal(drawn[0], drawn[1])
    np.testing.assert_array_equal(drawn, flipped(flip=True))


def test_a_saved_stream_resumes_exactly_and_its_checkpoint_is_small(tmp_path):
    colours = {f"a{i}_png": encoded(noise(64, 64, seed=i)) for i in range(12)}
    images = tfgan.data.load(write(tmp_path / "photos", **colours), memory_limit=0)

    def stream():
        return iter(images.batches(8, flip=True, seed=5))

    running = stream()
    _ = [next(running) for _ in range(7)]
    path = tf.train.Checkpoint(stream=running).write(str(tmp_path / "stream"))
    expected = [next(running) for _ in range(9)]
    assert os.path.getsize(f"{path}.data-00000-of-00001") < 10_000  # One image has 12,288 bytes.
    resumed = stream()
    tf.train.Checkpoint(stream=resumed).read(path)
    np.testing.assert_array_equal([next(resumed) for _ in range(9)], expected)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"memory_limit": 0}], ids=["in memory", "decoded anew"])
def test_training_on_a_folder_resumes_exactly(folder, tmp_path, options):
    import tensorflow_probability as tfp

    def train(rounds, logdir):
        tf.keras.utils.set_random_seed(0)
        layers = tf.keras.layers
        generator = tf.keras.Sequential(
            [tf.keras.Input([4]), layers.Dense(64, "tanh"), layers.Reshape([8, 8, 1])]
        )
        discriminator = tf.keras.Sequential(
            [tf.keras.Input([8, 8, 1]), layers.Flatten(), layers.Dense(1)]
        )
        model = tfgan.gan_model(
            generator,
            discriminator,
            real_data=tfgan.data.load(folder, **options).batches(4, flip=True),
            generator_inputs=tfp.distributions.Normal(tf.zeros([4]), 1.0),
        )
        loss = tfgan.gan_loss(
            model,
            tfgan.losses.modified_generator_loss,
            tfgan.losses.modified_discriminator_loss,
        )
        adam = tf.keras.optimizers.Adam
        train_ops = tfgan.gan_train_ops(model, loss, adam(0.01), adam(0.01))
        stop = tfgan.StopAtStepHook(num_steps=rounds)
        saving = {"save_checkpoint_secs": 600 if logdir else None, "save_summaries_steps": None}
        tfgan.gan_train(train_ops, logdir, hooks=[stop], jit_compile=False, **saving)
        return [*generator.get_weights(), *discriminator.get_weights()]

    whole = train(9, None)
    train(6, tmp_path)  # Into the second pass.
    for expected, found in zip(whole, train(3, tmp_path), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_file_that_goes_bad_while_training_is_named(tmp_path):
    write_numbered(tmp_path, 3)
    images = tfgan.data.load(tmp_path, memory_limit=0)
    (tmp_path / "c1" / "001.png").write_bytes(b"")
    with pytest.raises(tf.errors.OpError, match="c1/001.png: is empty"):
        list(images.one_pass(3))


@pytest.mark.parametrize("batch_size", [0, -1, NUM_IMAGES + 1])
def test_a_batch_size_out_of_range_is_an_error(images, batch_size):
    with pytest.raises(ValueError, match=f"batch_size={batch_size} must be from 1 to 21"):
        images.batches(batch_size)


def test_labels_of_arrays_may_be_a_list():
    images = tfgan.data.from_arrays(np.zeros((3, 2, 2), np.uint8), [0, 1, 1])
    assert images.labels.tolist() == [0, 1, 1] and images.class_names == ("0", "1")


def test_other_wrong_arguments(images):
    with pytest.raises(ValueError, match="value_range must be"):
        images.batches(4, value_range=(0, 255))
    unlabelled = tfgan.data.from_arrays(np.zeros((3, 2, 2), np.uint8))
    with pytest.raises(ValueError, match="needs labels.*folder of its own"):
        unlabelled.batches(2, with_labels=True)
    with pytest.raises(ValueError, match="class_names has 1 names, but the labels need 3"):
        tfgan.data.from_arrays(np.zeros((3, 2, 2), np.uint8), np.arange(3), class_names=["a"])


class TestCard:
    def test_tells_what_there_is(self, tmp_path):
        same = encoded(np.full((12, 12, 3), 7, np.uint8))
        write(tmp_path, cats__a_png=same, cats__b_bmp=encoded(noise(20, 30), "bmp"))
        write(tmp_path, dogs__c_png=same, dogs__d_png=same, notes_txt=b"x")
        card = tfgan.data.load(tmp_path, image_size=8).card
        assert card.num_images == 4 and card.image_shape == (8, 8, 3)
        assert card.kept_sizes == {(12, 12): 3, (20, 30): 1}
        assert card.kept_formats == {"png": 3, "bmp": 1}
        assert card.classes == {"cats": 2, "dogs": 2}
        assert card.levels[0] <= 7 and card.levels[1] > 130
        assert card.num_duplicates == 2 and card.num_contradictions == 2
        assert card.duplicates[0] == ("dogs/c.png", "cats/a.png")
        for said in ("4, 8 x 8, colour", "png 3, bmp 1", "2: cats 2, dogs 2", ".txt 1"):
            assert said in str(card)
        json.dumps(card.to_dict())

    def test_is_the_same_however_images_are_kept(self, folder):
        in_memory, anew = (tfgan.data.load(folder, memory_limit=n).card for n in (2**30, 0))
        assert in_memory.fingerprint == anew.fingerprint
        assert anew.megabytes_in_memory == 0.0 and "decoded in each pass" in str(anew)

    def test_the_fingerprint_tells_pixels_and_labels_apart(self):
        pixels = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)
        labels = np.array([0, 1])
        cards = [
            tfgan.data.from_arrays(pixels, labels).card,
            tfgan.data.from_arrays(pixels, labels[::-1]).card,
            tfgan.data.from_arrays(pixels[::-1], labels).card,
            tfgan.data.from_arrays(pixels).card,
        ]
        assert len({card.fingerprint for card in cards}) == 4
