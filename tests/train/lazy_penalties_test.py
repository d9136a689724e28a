"""Penalties that are due in every k-th update of their network."""

import pytest
import tensorflow as tf

import tfgan_lite as tfgan
from tests.train.linear_gan import LEARNING_RATE, LinearGAN, in_world, noise_of, real_of

WORLDS = {
    "graph": ("graph", {}),
    "TF2": ("TF2", {}),
    "several rounds": ("TF2", {"rounds_per_call": 4}),
    "XLA": ("TF2", {"jit_compile": True}),
    "eager": ("eager", {}),
}
worlds = pytest.mark.parametrize("world", WORLDS)
ROUNDS, WEIGHT = 7, 0.25


def half_square_of_c(gan):
    return lambda model: tf.square(gan.critic.c) / 2.0


def train(world, make_penalties, steps=(0, 1), final=lambda gan: gan.weights, **options):
    """What is left after some rounds."""
    kind, arguments = WORLDS[world]
    with in_world(kind):
        gan = LinearGAN(penalties=make_penalties, **options)
        hook = tfgan.FinalOpsHook(final(gan))
        get_hooks = tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(*steps))
        gan.train(ROUNDS, get_hooks_fn=get_hooks, hooks=[hook], **arguments)
    return hook.final_ops_values


def critic_after(rounds, *periods):
    """c after updates on c (g - r) + weight c^2 / 2, the latter due every k-th time, k-fold."""
    a, b, c = 1.0, 0.5, -0.75
    for t in range(rounds):
        slope = a * noise_of(t).mean() + b - real_of(t).mean()
        slope += sum(WEIGHT * k * c for k in periods if t % k == 0)
        c -= LEARNING_RATE * slope
    return c


@pytest.mark.slow
@worlds
@pytest.mark.parametrize("every", [1, 2, 3])
def test_a_penalty_counts_k_fold_in_every_kth_update(world, every):
    weights = train(world, lambda gan: [(half_square_of_c(gan), WEIGHT, every)])
    assert float(weights["c"]) == pytest.approx(critic_after(ROUNDS, every), rel=1e-5)


@worlds
def test_each_penalty_has_a_period_of_its_own(world):
    def both(gan):
        return [(half_square_of_c(gan), WEIGHT, 2), (half_square_of_c(gan), WEIGHT, 3)]

    weights = train(world, both)
    assert float(weights["c"]) == pytest.approx(critic_after(ROUNDS, 2, 3), rel=1e-5)


@worlds
def test_a_penalty_that_is_not_due_is_not_computed(world):
    def counting(gan):
        gan.computed = tf.Variable(0, trainable=False)

        def penalty(model):
            with tf.control_dependencies([gan.computed.assign_add(1)]):
                return tf.square(gan.critic.c)

        return [(penalty, WEIGHT, 3)]

    assert train(world, counting, final=lambda gan: gan.computed) == 3  # In updates 0, 3 and 6.


@pytest.mark.slow
@worlds
@pytest.mark.parametrize("schedule", ["sequential", "joint"])
def test_a_generators_penalty_goes_by_the_generators_updates(world, schedule):
    def of_generator(gan):
        def penalty(model):
            return tf.square(gan.generator.b) * 0.0 + 1.0

        penalty.network = "generator"
        return [(penalty, WEIGHT, 2)]

    class Reported(tfgan.TrainingHook):
        seen = []

        def after_round(self, run_context, global_step):
            self.seen += self.run.values()["generator_loss/penalty"].tolist()

    kind, arguments = WORLDS[world]
    get_hooks = getattr(tfgan, f"get_{schedule}_train_hooks")(tfgan.GANTrainSteps(3, 1))
    hook = Reported()
    hook.seen = []
    with in_world(kind):
        gan = LinearGAN(penalties=of_generator)
        gan.train(2, get_hooks_fn=get_hooks, hooks=[hook], **{**arguments, "rounds_per_call": 1})
    assert hook.seen == [0.5, 0.0, 0.5, 0.0, 0.5, 0.0]


def test_a_resumed_run_goes_on_with_the_count(tmp_path):
    def one(model):
        return tf.constant(1.0)

    class Reported(tfgan.TrainingHook):
        def after_round(self, run_context, global_step):
            seen.extend(self.run.values()["discriminator_loss/one"].tolist())

    seen = []
    for rounds in (4, 3):
        gan = LinearGAN(penalties=lambda gan: [(one, WEIGHT, 3)])
        get_hooks = tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(0, 1))
        arguments = {"get_hooks_fn": get_hooks, "hooks": [Reported()], "save_checkpoint_secs": 600}
        gan.train(rounds, tmp_path, **arguments)
    assert seen == [3 * WEIGHT, 0.0, 0.0] * 2 + [3 * WEIGHT]


def test_periods_that_hardly_ever_meet_are_refused():
    def penalties(gan):
        return [(half_square_of_c(gan), 1.0, k) for k in (101, 103, 107)]

    with pytest.raises(ValueError, match="repeats only after 1113121"):
        train("TF2", penalties)
