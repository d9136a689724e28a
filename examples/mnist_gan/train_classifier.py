"""Trains the digit classifier and writes its weights.

python -m examples.mnist_gan.train_classifier --dataset=digits
python -m examples.mnist_gan.train_classifier --dataset=mnist --data_path=mnist.npz
"""

import math
import pathlib

import numpy as np
import tensorflow as tf
from absl import app, flags

from examples import command_line, files
from examples.mnist_gan import classifier, data

_DROPOUT = 0.4
_LEARNING_RATE = 2e-3

_DATASET = flags.DEFINE_enum("dataset", "digits", classifier.DATASETS, "What to train on.")
_DATA_PATH = flags.DEFINE_string("data_path", None, "Where MNIST is; see data.load.")
_STEPS = flags.DEFINE_integer("steps", 5000, "Training steps.", lower_bound=1)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 128, "Images per step.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", 1, "Equal seeds give equal weights on one machine.")
_OUTPUT = flags.DEFINE_string("output", None, "The weights file; the shipped one by default.")
_DRY_RUN = command_line.define_dry_run()


@flags.multi_flags_validator(["dataset", "data_path"], data.PATH_RULE)
def _path_fits(values) -> bool:
    return data.path_fits(**values)


def initial_weights(seed: int) -> dict[str, tf.Variable]:
    """Returns new weights: He's normal kernels and zero biases."""
    random = np.random.default_rng(seed)
    weights = {}
    for name, shape in classifier.WEIGHT_SHAPES.items():
        scale = math.sqrt(2.0 / math.prod(shape[:-1])) if name.endswith("kernel") else 0.0
        value = scale * random.standard_normal(shape)
        weights[name] = tf.Variable(value.astype(np.float32), name=name)
    return weights


def augment(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Turns, scales, shears and shifts each image a little: [B, 28, 28, 1] in [-1, 1]."""
    limits = tf.constant([math.radians(12.0), 0.12, 0.15, 2.5, 2.5])
    drawn = tf.random.stateless_uniform([tf.shape(images)[0], 5], seed, -1.0, 1.0) * limits
    angle, zoom, shear, right, down = tf.unstack(drawn, axis=1)
    cos, sin = (1.0 + zoom) * tf.cos(angle), (1.0 + zoom) * tf.sin(angle)
    across, along = cos * shear - sin, sin * shear + cos
    # The map from output to input pixels keeps the middle of the image in place, up to the shift.
    middle = 13.5
    offset_x = middle - middle * (cos + across) + right
    offset_y = middle - middle * (sin + along) + down
    zeros = tf.zeros_like(angle)
    rows = [cos, across, offset_x, sin, along, offset_y, zeros, zeros]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack(rows, axis=1),
        output_shape=tf.shape(images)[1:3],
        fill_value=-1.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )


def train(digits: data.Digits, steps: int, batch_size: int, seed: int) -> dict[str, tf.Variable]:
    """Returns weights trained on `digits`."""
    weights = initial_weights(seed)
    variables = list(weights.values())
    schedule = tf.keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, steps)
    optimizer = tf.keras.optimizers.Adam(schedule)
    optimizer.build(variables)
    images, labels = tf.constant(digits.images), tf.constant(digits.labels)

    @tf.function
    def update(step: tf.Tensor) -> tf.Tensor:
        seeds = tf.random.split(tf.stack([tf.constant(seed), step]), 3)
        chosen = tf.random.stateless_uniform(
            [batch_size], seeds[0], maxval=len(digits.labels), dtype=tf.int32
        )
        batch = augment(tf.cast(tf.gather(images, chosen), tf.float32) / 127.5 - 1.0, seeds[1])
        with tf.GradientTape() as tape:
            features, _ = classifier.forward(weights, batch)
            thinned = tf.nn.experimental.stateless_dropout(features, _DROPOUT, seeds[2])
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels=tf.gather(labels, chosen), logits=classifier.head(weights, thinned)
            )
            loss = tf.reduce_mean(losses)
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    for step in range(steps):
        loss = update(tf.constant(step))
        if (step + 1) % 500 == 0:
            print(f"step {step + 1:5d}  loss {loss.numpy():.4f}", flush=True)
    return weights


def serialise(weights: dict[str, tf.Variable], test: data.Digits) -> bytes:
    """Returns the weights file: float16 weights, and the test counts of just those."""
    arrays = {name: value.numpy().astype(np.float16) for name, value in weights.items()}
    total = len(test.labels)
    untested = files.npz(**arrays, test_correct=0, test_total=total)
    correct = count_correct(classifier.DigitClassifier.from_bytes(untested), test)
    return files.npz(**arrays, test_correct=correct, test_total=total)


def count_correct(model: classifier.DigitClassifier, digits: data.Digits) -> int:
    """Returns how many of the images `model` gives their label."""
    _, logits = model.features_and_logits(digits.images.astype(np.float32) / 127.5 - 1.0)
    return int(np.sum(np.argmax(logits, axis=1) == digits.labels))


def main(argv: list[str]) -> None:
    command_line.refuse_arguments(argv)
    path = pathlib.Path(_OUTPUT.value or classifier.weights_path(_DATASET.value))
    if _DRY_RUN.value:
        config = command_line.flag_values(__name__) | {"output": str(path)}
        command_line.print_configuration(config)
        return
    tf.config.experimental.enable_op_determinism()
    training = data.load(_DATASET.value, _DATA_PATH.value, "train")
    test = data.load(_DATASET.value, _DATA_PATH.value, "test")
    weights = train(training, _STEPS.value, _BATCH_SIZE.value, _SEED.value)
    content = serialise(weights, test)
    files.write_file(path, content)
    model = classifier.DigitClassifier.from_bytes(content)
    print(
        f"test accuracy {model.test_accuracy:.2%} ({model.test_correct} of {model.test_total})\n"
        f"{path}: {len(content)} bytes, sha256 {model.sha256}"
    )


if __name__ == "__main__":
    app.run(main)
