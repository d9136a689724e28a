"""Trains a StarGAN to redraw digits in another ink: red, green, blue or orange.

python -m examples.translation.stargan --logdir=runs/stargan

One generator does all translations, told by a label which ink is wanted (Choi et al.,
https://arxiv.org/abs/1711.09020). Each ink has a quarter of the embedded digits, so no digit is
seen in two colours. In the folder --logdir you find:

  samples.png    rows: digits in their own ink, in each of the four, and from the last one back
  metrics.json   how often the ink is the one asked for, and the digit read is still the same
  config.json    the flags; a second call with the same --logdir trains on from the checkpoint
  ckpt-*         checkpoints
  events.out.*   the losses, for `tensorboard --logdir=...`

The losses are the paper's: Wasserstein's with the gradient penalty, the classification of
domains, and the reconstruction. The discriminator's five sub-steps in a round are two here, and the
rates are higher, for a short run.
"""

import contextlib

import numpy as np
import tensorflow as tf
from absl import app, flags, logging

import tfgan_lite as tfgan
from examples import command_line
from examples.mnist_gan import data
from examples.translation import domains, networks, results

PAPER = (255, 255, 255)
INKS = {
    "red": (230, 30, 30),
    "green": (20, 150, 50),
    "blue": (30, 60, 220),
    "orange": (255, 160, 0),
}
COLOURS = [domains.Colours(ink, PAPER) for ink in INKS.values()]

_LOGDIR = flags.DEFINE_string(
    "logdir", "runs/stargan", "Output folder; a run already there is resumed."
)
_MAX_STEPS = flags.DEFINE_integer(
    "max_number_of_steps", 1500, "Rounds to train in this call.", lower_bound=1
)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 4, "Digits of each ink.", lower_bound=1)
_LEARNING_RATE = flags.DEFINE_float(
    "learning_rate", 1e-3, "Adam's; along a cosine it falls to 0.", lower_bound=0.0
)
_DISCRIMINATOR_STEPS = flags.DEFINE_integer(
    "discriminator_steps", 2, "Updates of the discriminator in a round.", lower_bound=1
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Of weights, order and targets.", lower_bound=0, upper_bound=2**31 - 9
)
_GRAPH_MODE = flags.DEFINE_bool("graph_mode", False, "Whether to run in a tf.Graph, as TF1 did.")
_DRY_RUN = command_line.define_dry_run()


def main(argv: list[str]) -> None:
    command_line.refuse_arguments(argv)
    if _DRY_RUN.value:
        command_line.print_configuration(command_line.flag_values(__name__))
        return
    with command_line.user_errors():
        digits, test = data.load("digits"), data.load("digits", split="test")
        data.check_batch_size(domains.part(digits, 3, 4), _BATCH_SIZE.value)
        start = results.claim(_LOGDIR.value, "stargan", {"graph_mode": _GRAPH_MODE.value})

    grey = test.images / np.float32(127.5) - 1.0
    own = np.arange(len(grey)) % len(INKS)
    originals = np.choose(own[:, None, None, None], [c.paint(grey) for c in COLOURS])
    last_step = start + _MAX_STEPS.value
    with tf.Graph().as_default() if _GRAPH_MODE.value else contextlib.nullcontext():
        drawn = train(digits, originals, np.eye(len(INKS), dtype=np.float32)[own], last_step)

    metrics = {"number_of_steps": last_step, **measure(test.labels, grey, originals, drawn)}
    chosen = domains.one_of_each(test.labels)
    results.save(_LOGDIR.value, [originals[chosen], *(row[chosen] for row in drawn)], metrics)


def train(
    digits: data.Digits, originals: np.ndarray, own: np.ndarray, last_step: int
) -> list[np.ndarray]:
    """Trains up to a round, and redraws test digits in each ink, then in their own.

    Args:
      digits: What to learn from.
      originals: float32 [N, 28, 28, 3] in [-1, 1], the test digits in their own inks.
      own: float32 [N, inks], one-hot: which inks those are.
      last_step: The round to stop after.

    Returns:
      As many arrays like `originals` as there are inks, and one more.
    """
    tf.keras.utils.set_random_seed(_SEED.value)
    tf.compat.v1.set_random_seed(_SEED.value)

    # 1. A generator that is told the ink, and a discriminator that tells it.
    inks, size = len(INKS), _BATCH_SIZE.value
    network = networks.generator(3 + inks, 3, filters=16, blocks=2, name="redraw")
    critic = networks.discriminator(3, filters=32, name="critic", domains=inks)

    def redraw(drawings: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        everywhere = tf.ones_like(drawings[..., :1]) * target[:, tf.newaxis, tf.newaxis, :]
        return network(tf.concat([drawings, everywhere], axis=-1))

    model = tfgan.stargan_model(
        generator_fn=redraw,
        discriminator_fn=lambda drawings, num_domains: critic(drawings),
        input_data=[
            data.as_dataset(domains.part(digits, i, inks), size, _SEED.value + i).map(colour.paint)
            for i, colour in enumerate(COLOURS)
        ],
        input_data_domain_label=[
            tfgan.constant(tf.one_hot(tf.fill([size], i), inks)) for i in range(inks)
        ],
    )

    # 2. What each of them minimises: by default, the paper's losses with its weights.
    loss = tfgan.stargan_loss(model)

    # 3. How each of them is updated.
    def adam(updates: int) -> tf.keras.optimizers.Optimizer:
        rate = tf.keras.optimizers.schedules.CosineDecay(_LEARNING_RATE.value, updates * last_step)
        return tf.keras.optimizers.Adam(rate, beta_1=0.5)

    train_steps = tfgan.GANTrainSteps(1, _DISCRIMINATOR_STEPS.value)
    train_ops = tfgan.gan_train_ops(model, loss, *(adam(updates) for updates in train_steps))

    # 4. Rounds, until a hook stops them; then the test digits.
    def redraw_in_all(originals: tf.Tensor, own: tf.Tensor) -> list[tf.Tensor]:
        targets = [tf.one_hot(tf.fill(tf.shape(own)[:1], i), inks) for i in range(inks)]
        rows = [redraw(originals, target) for target in targets]
        return [*rows, redraw(rows[-1], own)]

    drawn = tfgan.FinalOpsHook(
        tfgan.defer(redraw_in_all, tfgan.constant(originals), tfgan.constant(own))
    )
    hooks = [tfgan.StopAtStepHook(last_step=last_step), tfgan.ProgressHook(last_step), drawn]
    with command_line.user_errors((tfgan.NanLossError,)):
        tfgan.gan_train(
            train_ops,
            _LOGDIR.value,
            get_hooks_fn=tfgan.get_sequential_train_hooks(train_steps),
            hooks=hooks,
            save_checkpoint_secs=60,
            save_summaries_steps=50,
            seed=_SEED.value,
            # More rounds than at first stretch the decay of the learning rates.
            allow_changes=True,
            jit_compile=False,  # Measured: here XLA compiles long, and its rounds are not faster.
        )
    return drawn.final_ops_values


def measure(
    labels: np.ndarray, grey: np.ndarray, originals: np.ndarray, drawn: list[np.ndarray]
) -> dict[str, float]:
    """Returns shares of digits read right and of inks that are right, and mean errors of pixels."""
    metrics = {"read_right_before": domains.share_read_as(labels, grey)}
    wanted = np.array(list(INKS.values()))
    for index, name in enumerate(INKS):
        colour = domains.ink_colour(drawn[index], PAPER)
        nearest = np.argmin(np.linalg.norm(colour[:, np.newaxis] - wanted, axis=-1), axis=1)
        ink = COLOURS[index]
        metrics |= {
            f"{name}_is_{name}": float(np.mean(nearest == index)),
            f"{name}_read_right": domains.share_read_as(labels, ink.grey(drawn[index])),
            f"{name}_error": float(np.mean(np.abs(drawn[index] - ink.paint(grey)))),
        }
    return {**metrics, "and_back_error": float(np.mean(np.abs(drawn[-1] - originals)))}


def run() -> None:
    """Runs the program, as the console script does."""
    logging.set_verbosity(logging.WARNING)  # ProgressHook says the rest; --verbosity=0 says more.
    app.run(main)


if __name__ == "__main__":
    run()
