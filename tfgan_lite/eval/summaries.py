"""What TensorBoard shows of a model: its images, its variables, its regularisation losses.

Each function gives a list of `Summary`. In a graph it also adds the summaries to the graph, where
`tf.compat.v1.train.SummarySaverHook` and `tf.compat.v1.summary.merge_all` find them. TF2 has no
such place: there `ImageSummaryHook` takes the lists, or `write_summaries` in your own loop.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfgan_lite.deferred import defer
from tfgan_lite.eval.image_grids import padded_grid
from tfgan_lite.eval.image_ranges import ValueRange, as_bytes, checked_range
from tfgan_lite.integers import checked_integer
from tfgan_lite.structures import CycleGANModel, StarGANModel
from tfgan_lite.variables import unwrapped
from tfgan_lite.worlds import in_plain_graph

__all__ = [
    "Summary",
    "add_cyclegan_image_summaries",
    "add_gan_model_image_summaries",
    "add_gan_model_summaries",
    "add_image_comparison_summaries",
    "add_regularization_loss_summaries",
    "add_stargan_image_summaries",
]

_CENTRED = (-1.0, 1.0)


class Summary(NamedTuple):
    """A value for TensorBoard.

    Example:
      >>> real, generated = tfgan.eval.add_gan_model_image_summaries(image_model, 2, False)
      >>> real.kind, real.name, real.value().shape.as_list()
      ('image', 'real_data', [1, 8, 8, 1])
    """

    kind: str  # "image", "histogram" or "scalar".
    name: str
    value: Any  # A graph's tensor, a deferred value or a variable; images uint8 [1, H, W, C].


def add_gan_model_image_summaries(
    gan_model: Any,
    grid_size: int = 4,
    model_summaries: bool = True,
    value_range: ValueRange = _CENTRED,
) -> list[Summary]:
    """Shows real and generated images in grids: `real_data` and `generated_data`.

    Args:
      gan_model: a GANModel, InfoGANModel or ACGANModel of images [B, H, W, C], C 1, 3 or 4.
      grid_size: rows and columns. What a batch has too few images for stays black.
      model_summaries: whether to add `add_gan_model_summaries`, too.
      value_range: of images that are not uint8: (-1, 1) or (0, 1).

    Returns:
      The summaries.

    Raises:
      ValueError: a model of another kind, or data that are no images.

    Example:
      >>> summaries = tfgan.eval.add_gan_model_image_summaries(image_model, model_summaries=False)
      >>> [summary.name for summary in summaries]
      ['real_data', 'generated_data']
    """
    if isinstance(gan_model, (CycleGANModel, StarGANModel)):
        kind = "cyclegan" if isinstance(gan_model, CycleGANModel) else "stargan"
        raise ValueError(
            f"gan_model is a {type(gan_model).__name__}: call add_{kind}_image_summaries for it."
        )
    grid_size = checked_integer("grid_size", grid_size)
    summaries = []
    for name in ("real_data", "generated_data"):

        def grid(images: tf.Tensor) -> tf.Tensor:
            return padded_grid(_pixels(images, value_range), grid_size, grid_size)

        summaries.append(_image(name, grid, {name: getattr(gan_model, name)}, value_range))
    if model_summaries:
        summaries += add_gan_model_summaries(gan_model)
    return summaries


def add_image_comparison_summaries(
    gan_model: Any,
    num_comparisons: int = 2,
    display_diffs: bool = False,
    value_range: ValueRange = _CENTRED,
) -> list[Summary]:
    """Shows what a generator that translates images makes of some: `image_comparison`.

    The rows are its inputs, what it made of them, and real data.

    Args:
      gan_model: a GANModel whose generator's inputs are images of the shape of its outputs.
      num_comparisons: columns, the first images of a batch.
      display_diffs: one row more: the absolute differences of generated and real images.
      value_range: see `add_gan_model_image_summaries`.

    Returns:
      The summary, in a list.

    Raises:
      ValueError: a CycleGANModel or StarGANModel, no images, or images of different shapes.

    Example:
      >>> redraw = tf.keras.Sequential([layers.Conv2D(1, 3, padding="same")])
      >>> judge = tf.keras.Sequential([layers.Flatten(), layers.Dense(1)])
      >>> translator = tfgan.gan_model(redraw, judge, batches(images), batches(images))
      >>> [summary] = tfgan.eval.add_image_comparison_summaries(translator, num_comparisons=2)
      >>> summary.value().shape.as_list()  # Three rows of two images.
      [1, 12, 8, 1]
    """
    if isinstance(gan_model, (CycleGANModel, StarGANModel)):
        raise ValueError(f"gan_model is a {type(gan_model).__name__}, which has its own summaries.")
    rows = {
        name: getattr(gan_model, name)
        for name in ("generator_inputs", "generated_data", "real_data")
    }
    return [_comparison("image_comparison", rows, num_comparisons, display_diffs, value_range)]


def add_cyclegan_image_summaries(
    cyclegan_model: CycleGANModel, value_range: ValueRange = _CENTRED
) -> list[Summary]:
    """Shows an image, its translation, and the translation back, for each direction.

    Args:
      cyclegan_model: of images. The first of each batch is shown, in `x2y_image_comparison` and
        `y2x_image_comparison`.
      value_range: see `add_gan_model_image_summaries`.

    Returns:
      The two summaries.

    Raises:
      ValueError: another kind of model, or data that are no images.

    Example:
      >>> redraw = lambda: tf.keras.Sequential([layers.Conv2D(1, 3, padding="same")])
      >>> judge = lambda: tf.keras.Sequential([layers.Flatten(), layers.Dense(1)])
      >>> photos = batches(images)
      >>> cycle = tfgan.cyclegan_model((redraw(), redraw()), (judge(), judge()), photos, photos)
      >>> [summary.name for summary in tfgan.eval.add_cyclegan_image_summaries(cycle)]
      ['x2y_image_comparison', 'y2x_image_comparison']
    """
    if not isinstance(cyclegan_model, CycleGANModel):
        raise ValueError(
            f"cyclegan_model must be a CycleGANModel, not a {type(cyclegan_model).__name__}."
        )
    summaries = []
    for direction, back in (("x2y", "reconstructed_x"), ("y2x", "reconstructed_y")):
        model = getattr(cyclegan_model, f"model_{direction}")
        images = {
            f"model_{direction}.generator_inputs": model.generator_inputs,
            f"model_{direction}.generated_data": model.generated_data,
            back: getattr(cyclegan_model, back),
        }
        name = f"{direction}_image_comparison"
        summaries.append(_comparison(name, images, 1, False, value_range, across=True))
    return summaries


def add_stargan_image_summaries(
    stargan_model: StarGANModel,
    num_images: int = 2,
    display_diffs: bool = False,
    value_range: ValueRange = _CENTRED,
) -> list[Summary]:
    """Shows images, and what each becomes in every domain: `stargan_image_generation`.

    Args:
      stargan_model: of images.
      num_images: how many, one in each row: the first of a batch.
      display_diffs: below each row another: the absolute differences from the image.
      value_range: see `add_gan_model_image_summaries`.

    Returns:
      The summary, in a list.

    Raises:
      ValueError: another kind of model, or data that are no images.

    Example:
      >>> photos, domains = tfgan.from_dataset(batches(images, labels))
      >>> tint, judge = net(1), tf.keras.Sequential([layers.Flatten(), layers.Dense(3)])
      >>> painter = tfgan.stargan_model(
      ...     lambda images, target: images + tint(target)[:, None, None],
      ...     lambda images, domains: tf.split(judge(images), [1, domains], 1),
      ...     photos,
      ...     domains,
      ... )
      >>> [summary] = tfgan.eval.add_stargan_image_summaries(painter, num_images=2)
      >>> summary.value().shape.as_list()  # Two rows: an image, and what it becomes in two domains.
      [1, 8, 12, 1]
    """
    if not isinstance(stargan_model, StarGANModel):
        raise ValueError(
            f"stargan_model must be a StarGANModel, not a {type(stargan_model).__name__}."
        )
    num_images = checked_integer("num_images", num_images)
    domains = int(stargan_model.input_data_domain_label.shape[1])
    generator = stargan_model.generator_fn

    def grid(images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        images, made = images[:num_images], []
        for domain in range(domains):
            target = tf.one_hot(tf.fill([tf.shape(images)[0]], domain), domains, dtype=labels.dtype)
            made.append(generator(images, target))
        pixels = [_pixels(each, value_range) for each in (images, *made)]
        rows = [tf.stack(pixels, axis=1)]
        if display_diffs:
            rows.append(tf.stack([_difference(each, pixels[0]) for each in pixels], axis=1))
        # [images, rows of an image, columns, H, W, C].
        flat = tf.reshape(tf.stack(rows, axis=1), [-1, *images.shape[1:]])
        return padded_grid(flat, num_images * len(rows), domains + 1)

    given = {
        "input_data": stargan_model.input_data,
        "input_data_domain_label": stargan_model.input_data_domain_label,
    }
    return [_image("stargan_image_generation", grid, given, value_range, images=["input_data"])]


def add_gan_model_summaries(gan_model: Any) -> list[Summary]:
    """Shows histograms of the networks' trainable variables.

    Args:
      gan_model: a model tuple of any kind.

    Returns:
      The summaries, named by network and variable.

    Example:
      >>> len(tfgan.eval.add_gan_model_summaries(model))  # Two networks: a kernel and a bias each.
      4
    """
    summaries: dict[str, Summary] = {}
    for prefix, model in _directions(gan_model):
        for role in ("generator", "discriminator"):
            for variable in getattr(model, f"{role}_variables"):
                path = getattr(variable, "path", variable.name).split(":")[0]
                name, number = f"{prefix}{role}/{path}", 1
                while name in summaries:
                    number += 1
                    name = f"{prefix}{role}/{path}_{number}"
                summaries[name] = _added(Summary("histogram", name, unwrapped(variable)))
    return list(summaries.values())


def add_regularization_loss_summaries(gan_model: Any) -> list[Summary]:
    """Shows `generator_regularization_loss` and `discriminator_regularization_loss`.

    They are the sums of what the networks' layers declare, zero where none does.

    Args:
      gan_model: a model tuple of any kind.

    Returns:
      The summaries.

    Example:
      >>> summaries = tfgan.eval.add_regularization_loss_summaries(model)
      >>> [(summary.name, float(summary.value)) for summary in summaries]
      [('generator_regularization_loss', 0.0), ('discriminator_regularization_loss', 0.0)]
    """
    summaries = []
    for prefix, model in _directions(gan_model):
        for role in ("generator", "discriminator"):
            losses = getattr(model, f"{role}_fn").regularization_losses
            name = f"{prefix}{role}_regularization_loss"
            value = defer(_sum, *losses, name=name) if losses else tf.zeros([])
            summaries.append(_added(Summary("scalar", name, value)))
    return summaries


def _directions(model: Any) -> list[tuple[str, Any]]:
    """The parts of a model that have a generator and a discriminator, each with a prefix."""
    if isinstance(model, CycleGANModel):
        return [("x2y/", model.model_x2y), ("y2x/", model.model_y2x)]
    return [("", model)]


def _comparison(
    name: str,
    rows: dict[str, Any],
    columns: int,
    display_diffs: bool,
    value_range: ValueRange,
    across: bool = False,
) -> Summary:
    columns = checked_integer("num_comparisons", columns)
    shapes = {each: value.shape[1:] for each, value in rows.items() if hasattr(value, "shape")}
    if len(shapes) < len(rows) or len({str(shape) for shape in shapes.values()}) > 1:
        given = ", ".join(f"{each}: {shape}" for each, shape in shapes.items())
        raise ValueError(f"Images to compare must have the same shape, but they have {given}.")

    def grid(*images: tf.Tensor) -> tf.Tensor:
        pixels = [_pixels(each, value_range) for each in images]
        if display_diffs:
            pixels.append(_difference(pixels[1], pixels[2]))
        parts = [padded_grid(each, 1, columns) for each in pixels]
        return tf.concat(parts, axis=2 if across else 1)

    return _image(name, grid, rows, value_range)


def _image(
    name: str,
    grid: Callable[..., tf.Tensor],
    values: dict[str, Any],
    value_range: ValueRange,
    images: Sequence[str] | None = None,
) -> Summary:
    """The summary of a grid of these values, which are images, or some of which are."""
    checked_range(value_range)
    for each in values if images is None else images:
        shape = getattr(values[each], "shape", None)
        if shape is None or shape.rank != 4 or shape[3] not in (1, 3, 4):
            raise ValueError(
                f"{each} must be images [B, H, W, C] with 1, 3 or 4 channels, but it is "
                f"{values[each]!r}."
            )
    grid = tf.autograph.experimental.do_not_convert(grid)
    return _added(Summary("image", name, defer(grid, *values.values(), name=name)))


def _added(summary: Summary) -> Summary:
    """The same, which the graph knows now, if there is one."""
    if in_plain_graph():
        v1 = tf.compat.v1.summary
        add = {
            "image": functools.partial(v1.image, max_outputs=1),
            "histogram": v1.histogram,
            "scalar": v1.scalar,
        }[summary.kind]
        add(summary.name, summary.value)
    return summary


def _pixels(images: tf.Tensor, value_range: ValueRange) -> tf.Tensor:
    if images.dtype == tf.uint8:
        return images
    return tf.cast(as_bytes(images, value_range, rounded=True), tf.uint8)


def _difference(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """The absolute difference of uint8 images."""
    return tf.maximum(first, second) - tf.minimum(first, second)


def _sum(*losses: tf.Tensor) -> tf.Tensor:
    return tf.add_n([tf.cast(loss, tf.float32) for loss in losses])
