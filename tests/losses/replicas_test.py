"""Losses with state, on two replicas: both remember what one replica of the whole batch would."""

import numpy as np
import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.strategies import on_two_replicas
from tfgan_lite.losses import LeCam, wargs

NOTHING = tfgan.GANModel(*[None] * len(tfgan.GANModel._fields))
LOGITS = np.random.default_rng(0).normal(size=(3, 2, 8, 1)).astype(np.float32)


def penalty(lecam, logits):
    return lecam(
        NOTHING._replace(discriminator_real_outputs=logits[0], discriminator_gen_outputs=logits[1])
    )


def found(strategy):
    """What the tests below look at."""
    with strategy.scope():
        replicated = LeCam(0.5)
    alone = LeCam(0.5)

    @tf.function(autograph=False)
    def on_replicas(logits):
        return strategy.run(lambda x: penalty(replicated, x), (logits,))

    values = []
    for batch in LOGITS:
        halves = [batch[:, :4], batch[:, 4:]]
        per_replica = strategy.experimental_distribute_values_from_function(
            lambda context, halves=halves: tf.constant(halves[context.replica_id_in_sync_group])
        )
        parts = strategy.experimental_local_results(on_replicas(per_replica))
        values.append([float(np.mean(parts)), float(penalty(alone, tf.constant(batch)))])

    state = [[float(v.numpy()) for v in lecam.variables] for lecam in (replicated, alone)]
    try:
        strategy.run(lambda: penalty(alone, tf.constant(LOGITS[0])))
        error = ""
    except ValueError as caught:
        error = str(caught)

    with strategy.scope():
        weights = tf.Variable([3.0, 4.0])

    @tf.function(autograph=False)
    def combined():
        def of_replica():
            main, adversarial = tf.reduce_sum(weights), 10.0 * tf.reduce_sum(weights)
            return wargs.combine_adversarial_loss(
                main,
                adversarial,
                gradient_ratio=1.0,
                variables=[weights],
                gradient_ratio_epsilon=0.0,
            )

        return strategy.run(of_replica)

    ratio = [float(x) for x in strategy.experimental_local_results(combined())]
    return {"values": values, "state": state, "error": error, "ratio": ratio}


@pytest.fixture(scope="module")
def facts():
    return on_two_replicas(found)


def test_penalties_are_those_of_the_whole_batch(facts):
    for replicated, alone in facts["values"]:
        assert replicated == pytest.approx(alone, rel=1e-5)


def test_state_is_that_of_the_whole_batch(facts):
    replicated, alone = facts["state"]
    assert replicated == pytest.approx(alone, rel=1e-5)


def test_state_made_outside_the_strategys_scope_is_an_error(facts):
    assert "inside the strategy's scope" in facts["error"]


def test_ratio_of_gradients_is_found_on_each_replica(facts):
    """The gradients' ratio is 10, so that the weight is 0.1: 7 + 0.1 * 70."""
    assert facts["ratio"] == pytest.approx([14.0, 14.0])
