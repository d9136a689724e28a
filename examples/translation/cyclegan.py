"""Trains a CycleGAN to turn digits by 20 degrees, and back.

python -m examples.translation.cyclegan --logdir=runs/cyclegan

Nobody shows it a digit in both domains: half of the embedded digits are upright, the other half are
turned (Zhu et al., https://arxiv.org/abs/1703.10593). In the folder --logdir you find:

  samples.png    rows: upright digits, turned ones made of them, upright again; and the other way
  metrics.json   how often a classifier reads the same digit, and how far off the drawings are
  config.json    the flags; a second call with the same --logdir trains on from the checkpoint
  ckpt-*         checkpoints
  events.out.*   the losses, for `tensorboard --logdir=...`

The recipe is the paper's: least squares, a history of 50 drawings for each discriminator, Adam with
beta_1 = 0.5. Rates are higher, for a short run, and the cycle weighs less, for it holds generators
back from moving the ink. A small identity loss (section 5.2 there) tells what unpaired data cannot:
that ink stays ink. Without it the first weights decide by chance whether strokes become strokes or
the gaps between them, which is also a translation with a way back.
"""

import contextlib

import numpy as np
import tensorflow as tf
from absl import app, flags, logging

import tfgan_lite as tfgan
from examples import command_line
from examples.mnist_gan import data
from examples.translation import domains, networks, results

DEGREES = 20.0

_LOGDIR = flags.DEFINE_string(
    "logdir", "runs/cyclegan", "Output folder; a run already there is resumed."
)
_MAX_STEPS = flags.DEFINE_integer(
    "max_number_of_steps", 2000, "Rounds to train in this call.", lower_bound=1
)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 8, "Digits of each domain.", lower_bound=1)
_LEARNING_RATE = flags.DEFINE_float(
    "learning_rate", 2e-3, "Adam's; along a cosine it falls to 0.", lower_bound=0.0
)
_CYCLE_WEIGHT = flags.DEFINE_float(
    "cycle_weight", 4.0, "Weight of getting the first drawing back.", lower_bound=0.0
)
_IDENTITY_WEIGHT = flags.DEFINE_float(
    "identity_weight", 0.1, "Weight of leaving a drawing alone that is right.", lower_bound=0.0
)
_POOL_SIZE = flags.DEFINE_integer(
    "pool_size", 50, "Earlier drawings that a discriminator is shown again.", lower_bound=0
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Of weights, order and pools.", lower_bound=0, upper_bound=2**31 - 9
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
        data.check_batch_size(domains.part(digits, 1, 2), _BATCH_SIZE.value)
        start = results.claim(_LOGDIR.value, "cyclegan", {"graph_mode": _GRAPH_MODE.value})

    upright = test.images / np.float32(127.5) - 1.0
    turned = domains.turned(upright, DEGREES)
    last_step = start + _MAX_STEPS.value
    with tf.Graph().as_default() if _GRAPH_MODE.value else contextlib.nullcontext():
        drawn = train(digits, upright, turned, last_step)

    metrics = {"number_of_steps": last_step, **measure(test.labels, upright, turned, drawn)}
    chosen = domains.one_of_each(test.labels)
    names = ("upright", "to_turned", "and_back"), ("turned", "to_upright", "and_forth")
    drawings = {"upright": upright, "turned": turned, **drawn}
    results.save(_LOGDIR.value, [drawings[n][chosen] for row in names for n in row], metrics)


def train(
    digits: data.Digits, upright: np.ndarray, turned: np.ndarray, last_step: int
) -> dict[str, np.ndarray]:
    """Trains up to a round, and returns what becomes of the test drawings there and back."""
    tf.keras.utils.set_random_seed(_SEED.value)
    tf.compat.v1.set_random_seed(_SEED.value)

    # 1. Two generators and two discriminators, connected to digits of both domains.
    first, second = domains.part(digits, 0, 2), domains.part(digits, 1, 2)
    second = data.Digits(domains.turned(second.images, DEGREES), second.labels)
    to_turned = networks.generator(1, 1, filters=16, blocks=3, name="to_turned")
    to_upright = networks.generator(1, 1, filters=16, blocks=3, name="to_upright")
    model = tfgan.cyclegan_model(
        generator_fn=(to_turned, to_upright),
        discriminator_fn=(
            networks.discriminator(1, filters=32, name="is_turned"),
            networks.discriminator(1, filters=32, name="is_upright"),
        ),
        data_x=data.as_dataset(first, _BATCH_SIZE.value, _SEED.value),
        data_y=data.as_dataset(second, _BATCH_SIZE.value, _SEED.value + 1),
    )

    # 2. What each of them minimises: least squares, and for the generators cycle and identity.
    pools = tuple(
        tfgan.features.TensorPool(_POOL_SIZE.value, name=n) for n in ("turned", "upright")
    )
    loss = tfgan.cyclegan_loss(
        model,
        cycle_consistency_loss_weight=_CYCLE_WEIGHT.value,
        identity_loss_weight=_IDENTITY_WEIGHT.value,
        tensor_pool_fn=pools,
    )

    # 3. How each of them is updated.
    rate = tf.keras.optimizers.schedules.CosineDecay(_LEARNING_RATE.value, last_step)
    train_ops = tfgan.gan_train_ops(
        model,
        loss,
        generator_optimizer=tf.keras.optimizers.Adam(rate, beta_1=0.5),
        discriminator_optimizer=tf.keras.optimizers.Adam(rate, beta_1=0.5),
    )

    # 4. Rounds, until a hook stops them; then the test drawings.
    def translate(upright: tf.Tensor, turned: tf.Tensor) -> dict[str, tf.Tensor]:
        there, back = to_turned(upright), to_upright(turned)
        again = {"and_back": to_upright(there), "and_forth": to_turned(back)}
        return {"to_turned": there, "to_upright": back, **again}

    drawn = tfgan.FinalOpsHook(
        tfgan.defer(translate, tfgan.constant(upright), tfgan.constant(turned))
    )
    hooks = [tfgan.StopAtStepHook(last_step=last_step), tfgan.ProgressHook(last_step), drawn]
    with command_line.user_errors((tfgan.NanLossError,)):
        tfgan.gan_train(
            train_ops,
            _LOGDIR.value,
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
    labels: np.ndarray, upright: np.ndarray, turned: np.ndarray, drawn: dict[str, np.ndarray]
) -> dict[str, float]:
    """Returns shares of digits read right, and mean errors of pixels that go from -1 to 1."""

    def read(drawings: np.ndarray, degrees: float = 0.0) -> float:
        return domains.share_read_as(labels, domains.turned(drawings, degrees))

    def error(drawings: np.ndarray, right: np.ndarray) -> float:
        return float(np.mean(np.abs(drawings - right)))

    # Turned drawings are read after the known way back.
    return {
        "upright_read_right": read(upright),
        "to_upright_read_right": read(drawn["to_upright"]),
        "and_back_read_right": read(drawn["and_back"]),
        "turned_read_right": read(turned, -DEGREES),
        "to_turned_read_right": read(drawn["to_turned"], -DEGREES),
        "error_if_nothing_is_done": error(upright, turned),
        "to_turned_error": error(drawn["to_turned"], turned),
        "to_upright_error": error(drawn["to_upright"], upright),
        "and_back_error": error(drawn["and_back"], upright),
        "and_forth_error": error(drawn["and_forth"], turned),
    }


def run() -> None:
    """Runs the program, as the console script does."""
    logging.set_verbosity(logging.WARNING)  # ProgressHook says the rest; --verbosity=0 says more.
    app.run(main)


if __name__ == "__main__":
    run()
