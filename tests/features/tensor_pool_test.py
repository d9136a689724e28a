"""The tensor pool: what it returns and what it keeps, in both worlds, and over a restart."""

import functools

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.linear_gan import LinearGAN, in_world
from tfgan_lite.features import TensorPool, tensor_pool
from tfgan_lite.runs import Run

both_worlds = pytest.mark.parametrize("world", ["graph", "TF2"])


def batch(number, size=3):
    """float32 [size, 2] of records that no other batch has."""
    first = np.arange(number * size, (number + 1) * size, dtype=np.float32)
    return np.stack([first, -first], axis=1)


def pooled(world, batches, **options):
    """What a pool returns for batches, one after the other."""
    with in_world(world):
        tf.random.set_seed(1)
        if world == "TF2":
            pool = tf.function(TensorPool(**options))
            return [pool(tf.constant(each)).numpy() for each in batches]
        fed = tf.compat.v1.placeholder(tf.float32, [None, 2])
        output = tensor_pool(fed, **options)
        with tf.compat.v1.Session() as session:
            session.run(tf.compat.v1.global_variables_initializer())
            return [session.run(output, {fed: each}) for each in batches]


def query_one_by_one(images, chances, slots, pool_size, probability):
    """The pool of the CycleGAN paper in plain Python, on given random numbers."""
    pool, outputs = [], []
    for image, chance, slot in zip(images, chances, slots):
        if len(pool) < pool_size:
            pool.append(image)
            outputs.append(image)
        elif chance < probability:
            outputs.append(pool[slot])
            pool[slot] = image
        else:
            outputs.append(image)
    return np.stack(outputs), np.stack(pool)


@both_worlds
def test_records_pass_while_the_pool_is_filling(world):
    batches = [batch(i) for i in range(4)]
    for given, got in zip(batches, pooled(world, batches, pool_size=12)):
        np.testing.assert_array_equal(got, given)


@both_worlds
def test_a_full_pool_of_one_returns_the_record_before(world):
    images = [batch(i, size=1) for i in range(5)]
    got = pooled(world, images, pool_size=1, pooling_probability=1.0)
    np.testing.assert_array_equal(got[1:], images[:-1])


@both_worlds
def test_within_a_batch_records_come_one_after_the_other(world):
    """Of a pool of one, each record gets its neighbour's: they are not exchanged as a batch."""
    images = batch(0, size=6)
    (got,) = pooled(world, [images], pool_size=1, pooling_probability=1.0)
    np.testing.assert_array_equal(got, images[[0, 0, 1, 2, 3, 4]])


@both_worlds
def test_probability_zero_returns_what_is_given(world):
    batches = [batch(i) for i in range(5)]
    got = pooled(world, batches, pool_size=2, pooling_probability=0.0)
    np.testing.assert_array_equal(got, batches)


@both_worlds
def test_pool_size_zero_is_the_identity(world):
    batches = [batch(i) for i in range(3)]
    np.testing.assert_array_equal(pooled(world, batches, pool_size=0), batches)


def test_batches_are_exchanged_as_one_by_one():
    """For batches smaller and larger than the pool, against the plain program."""
    pool = TensorPool(pool_size=5, pooling_probability=0.7)
    draws = []

    def drawn(size, draw=pool._draw):
        draws.append([x.numpy() for x in draw(size)])
        return [tf.constant(x) for x in draws[-1]]

    pool._draw = drawn
    tf.random.set_seed(3)
    images = batch(0, size=40)
    outputs = [pool(images[a:b]) for a, b in [(0, 3), (3, 7), (7, 20), (20, 21), (21, 40)]]
    chances, slots = (np.concatenate(x) for x in zip(*draws))
    expected, kept = query_one_by_one(images, chances, slots, 5, 0.7)
    np.testing.assert_array_equal(np.concatenate(outputs), expected)
    np.testing.assert_array_equal(pool.buffers[0], kept)


def test_the_share_of_exchanged_records_is_the_probability():
    got = pooled("TF2", [batch(i, size=100) for i in range(41)], pool_size=50)
    got = np.concatenate(got[1:])[:, 0]
    exchanged = got != np.arange(100, 4100)
    assert exchanged.mean() == pytest.approx(0.5, abs=4 * 0.5 / 4000**0.5)


def test_records_stay_whole():
    """No regression of TF-GAN's mismatched labels (tf#18041): all parts of a record move as one."""
    pool = TensorPool(pool_size=4, pooling_probability=0.9)
    for number in range(10):
        images = batch(number)
        record = {"image": images, "label": (images[:, 0].astype(np.int32),)}
        got = pool(record)
        np.testing.assert_array_equal(got["image"][:, 0], got["label"][0])
        np.testing.assert_array_equal(got["image"][:, 0], -got["image"][:, 1])


def test_pooled_records_survive_a_checkpoint(tmp_path):
    first = TensorPool(pool_size=4)
    first(batch(0, size=4))
    path = tf.train.Checkpoint(pool=first).save(str(tmp_path / "pool"))
    second = TensorPool(pool_size=4, pooling_probability=1.0)
    tf.train.Checkpoint(pool=second).restore(path)
    assert first.count.numpy() == 4
    (got,) = second(batch(9, size=1)).numpy()
    assert got.tolist() in batch(0, size=4).tolist()


def trained_pool(images, jit_compile, training=True):
    """Outputs of runs of one compiled program, each with its number as its key."""
    pool = TensorPool(pool_size=3)

    @tf.function(jit_compile=jit_compile, autograph=False)
    def step(key, each):
        with Run(key=key, seed=5, training=training):
            return pool(each)

    got = [step(tf.constant([i, 0]), each).numpy() for i, each in enumerate(images)]
    return np.stack(got), pool


def test_xla_returns_the_same_records():
    images = [batch(i) for i in range(8)]
    plain, compiled = (trained_pool(images, jit)[0] for jit in (False, True))
    np.testing.assert_array_equal(compiled, plain)
    assert (plain != images).any()


def test_a_run_that_trains_nothing_leaves_the_pool_as_it_is():
    assert trained_pool([batch(0)], jit_compile=False, training=False)[1].count.numpy() == 0
    assert trained_pool([batch(0)], jit_compile=False)[1].count.numpy() == 3


@pytest.mark.parametrize("inside", [False, True], ids=["on deferred values", "inside a value"])
def test_a_call_in_a_deferred_program_has_one_pool_in_all_runs(inside):
    numbers = tf.data.Dataset.from_tensor_slices(np.arange(20, dtype=np.float32)).batch(1)
    data = tfgan.from_dataset(numbers)
    fn = functools.partial(tensor_pool, pool_size=1, pooling_probability=1.0)
    # A function of tensors, or one that makes deferred values of deferred values.
    node = tfgan.defer(lambda x: fn(x) + 0.0, data) if inside else fn(data)
    with_two = tfgan.defer(lambda a, b: (a, b), node, data)
    traces = []

    @tf.function(autograph=False)
    def evaluate(value, key, other):
        traces.append(other)
        source = data.trace.sources[0]
        with Run({source: [value]}, key=key, training=True):
            return node() if other else with_two[0]()

    got = [
        evaluate(tf.constant([float(i)]), tf.constant([i, 0]), bool(i % 2)).numpy()
        for i in range(6)
    ]
    assert np.concatenate(got).tolist() == [0.0, 0.0, 1.0, 2.0, 3.0, 4.0]
    assert len(traces) == 2
    assert {v.name for v in node.trace.variables} == {
        "tensor_pool/count:0",
        "tensor_pool/buffer_0:0",
    }


def test_two_calls_in_a_deferred_program_have_two_pools():
    data = tfgan.from_dataset(tf.data.Dataset.from_tensors(tf.zeros([1])).repeat())
    nodes = [tfgan.defer(tensor_pool, data) for _ in range(2)]
    first, second = ({id(v) for v in node.trace.variables} for node in nodes)
    assert len(first) == len(second) == 2
    assert not first & second


def counts_after(network, jit_compile):
    """The records in a pool of 6 after each of three sub-steps of a network, of 4 records each."""
    pool, counts = TensorPool(6), []
    gan = LinearGAN()
    loss = tfgan.gan_loss(gan.model, gan.generator.loss, gan.critic.loss, tensor_pool_fn=pool)
    ops = tfgan.gan_train_ops(gan.model, loss, *(tf.keras.optimizers.SGD(0.1) for _ in range(2)))
    op = getattr(ops, f"{network}_train_op")

    class Look(tfgan.TrainingHook):
        def after_run(self, run_context, run_values):
            run_context.session.run(loss.discriminator_loss)  # A look, which must not count.
            counts.append(int(pool.count.numpy()))

    tfgan.gan_train(
        ops,
        logdir=None,
        get_hooks_fn=lambda ops: [tfgan.RunTrainOpsHook(op, 1)],
        hooks=[tfgan.StopAtStepHook(num_steps=3), Look()],
        save_checkpoint_secs=None,
        save_summaries_steps=None,
        jit_compile=jit_compile,
    )
    return counts


@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", [False, True], ids=["plain", "XLA"])
def test_in_training_only_the_discriminators_sub_steps_fill_the_pool(jit_compile):
    assert counts_after("discriminator", jit_compile) == [4, 6, 6]
    assert counts_after("generator", jit_compile) == [0, 0, 0]


def pool_after(rounds, logdir):
    """The pool after so many rounds in all, on data and noise that are always the same."""
    pool = TensorPool(pool_size=6, pooling_probability=0.7)
    same = [tf.data.Dataset.from_tensors(each).repeat() for each in (batch(1, 4), batch(0, 4))]
    gan = LinearGAN(*(data.map(lambda x: x[:, :1] / 8) for data in same))
    loss = tfgan.gan_loss(gan.model, gan.generator.loss, gan.critic.loss, tensor_pool_fn=pool)
    ops = tfgan.gan_train_ops(gan.model, loss, *(tf.keras.optimizers.SGD(0.1) for _ in range(2)))
    tfgan.gan_train(
        ops,
        logdir=str(logdir),
        hooks=[tfgan.StopAtStepHook(last_step=rounds)],
        save_summaries_steps=None,
        jit_compile=False,
    )
    return pool.buffers[0].numpy(), gan.critic.c.numpy()


def test_training_that_is_resumed_goes_on_with_the_same_pool(tmp_path):
    """No regression of TF-GAN's queue, whose contents a restart lost."""
    pool, weight = pool_after(6, tmp_path / "at once")
    pool_after(3, tmp_path / "resumed")
    resumed_pool, resumed_weight = pool_after(6, tmp_path / "resumed")
    np.testing.assert_array_equal(resumed_pool, pool)
    assert resumed_weight == weight


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pool_size": -1}, "pool_size must be an integer of at least 0"),
        ({"pool_size": 2.5}, "pool_size must be an integer of at least 0"),
        ({"pool_size": True}, "pool_size must be an integer of at least 0"),
        ({"pooling_probability": 1.5}, "pooling_probability must be in"),
        ({"pooling_probability": float("nan")}, "pooling_probability must be in"),
    ],
)
def test_bad_argument_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        TensorPool(**options)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((), "input_values is empty"),
        (1.0, "input_values must be tensors"),
        ([np.zeros([2, 1]), np.zeros([3, 1])], "one batch size"),
    ],
)
def test_bad_records_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        TensorPool()(values)


def test_a_record_unlike_the_first_is_refused():
    pool = TensorPool()
    pool(np.zeros([2, 3]))
    with pytest.raises(ValueError, match="the pool holds records of"):
        pool(np.zeros([2, 4]))


def test_an_eager_call_of_the_function_names_the_class():
    with pytest.raises(ValueError, match="TensorPool"):
        tensor_pool(batch(0))
