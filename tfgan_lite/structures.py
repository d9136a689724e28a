"""The named tuples that carry a GAN from one call to the next.

Field names and their order are TF-GAN's, so that positional construction, `_replace` and
unpacking in old programs keep working. A *value* is a `tf.Tensor` in a `tf.Graph` or inside a
`tf.function`, and a `tfgan_lite.Deferred` otherwise; `B` is the batch size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

__all__ = [
    "ACGANModel",
    "CycleGANLoss",
    "CycleGANModel",
    "GANLoss",
    "GANModel",
    "GANTrainOps",
    "GANTrainSteps",
    "InfoGANModel",
    "StarGANModel",
    "as_list",
    "skeleton",
]

Value = Any
Variables = Sequence[Any]


class GANModel(NamedTuple):
    """A generator and a discriminator, connected to data.

    Example:
      >>> model.generated_data
      <Deferred 'generated_data' shape=(8, 3) dtype=float32>
      >>> model._replace(generated_data=model.real_data).generated_data is model.real_data
      True
    """

    generator_inputs: Value  # Noise, or any structure the generator takes; leading axis B.
    generated_data: Value  # generator_fn(generator_inputs).
    generator_variables: Variables  # Trainable variables that the generator owns.
    generator_scope: Any  # A VariableScope in a graph, the scope's name otherwise.
    generator_fn: Callable[..., Any]
    real_data: Value  # Same structure, shape and dtype as generated_data.
    discriminator_real_outputs: Value  # Logits for real_data.
    discriminator_gen_outputs: Value  # Logits for generated_data.
    discriminator_variables: Variables  # Trainable variables that the discriminator owns.
    discriminator_scope: Any
    discriminator_fn: Callable[..., Any]


class InfoGANModel(NamedTuple):
    """A GANModel whose discriminator also predicts the generator's structured inputs.

    Example:
      >>> model = tfgan.infogan_model(
      ...     lambda inputs: generator(tf.concat(inputs, 1)),
      ...     lambda x: (discriminator(x), [tfd.Normal(x[:, :1], 1.0)]),
      ...     dataset,
      ...     [tfd.Normal([0.0], 1.0)],
      ...     [tfd.Uniform([-1.0], [1.0])],
      ... )
      >>> model.structured_generator_inputs[0].shape.as_list()
      [8, 1]
    """

    generator_inputs: Value
    generated_data: Value
    generator_variables: Variables
    generator_scope: Any
    generator_fn: Callable[..., Any]
    real_data: Value
    discriminator_real_outputs: Value
    discriminator_gen_outputs: Value
    discriminator_variables: Variables
    discriminator_scope: Any
    discriminator_fn: Callable[..., Any]  # Gives the logits alone.
    structured_generator_inputs: Value  # The codes.
    predicted_distributions: Any  # One distribution for each code.
    discriminator_and_aux_fn: Callable[..., Any]  # Gives the logits and the distributions.


class ACGANModel(NamedTuple):
    """A GANModel whose discriminator also classifies.

    Example:
      >>> images, labels = tfgan.from_dataset(labelled)
      >>> model = tfgan.acgan_model(
      ...     generator, lambda x: tf.split(classifier(x), [1, 2], 1), images, noise, labels
      ... )
      >>> model.discriminator_gen_classification_logits.shape.as_list()
      [8, 2]
    """

    generator_inputs: Value
    generated_data: Value
    generator_variables: Variables
    generator_scope: Any
    generator_fn: Callable[..., Any]
    real_data: Value
    discriminator_real_outputs: Value
    discriminator_gen_outputs: Value
    discriminator_variables: Variables
    discriminator_scope: Any
    discriminator_fn: Callable[..., Any]
    one_hot_labels: Value  # [B, classes], for real and generated data alike.
    discriminator_real_classification_logits: Value  # [B, classes].
    discriminator_gen_classification_logits: Value  # [B, classes].


class CycleGANModel(NamedTuple):
    """Two GANModels that translate between two domains.

    Example:
      >>> model = tfgan.cyclegan_model((net(3), net(3)), (net(1), net(1)), dataset, dataset)
      >>> model.model_x2y.generated_data.shape.as_list()
      [8, 3]
    """

    model_x2y: GANModel
    model_y2x: GANModel
    reconstructed_x: Value  # y2x(x2y(x)).
    reconstructed_y: Value  # x2y(y2x(y)).


class StarGANModel(NamedTuple):
    """One generator that translates images between many domains (names as in TF-GAN).

    Example:
      >>> images, domains = tfgan.from_dataset(labelled)
      >>> translator = net(3)
      >>> model = tfgan.stargan_model(
      ...     lambda images, target: translator(tf.concat([images, target], 1)),
      ...     lambda images, domains: tf.split(classifier(images), [1, domains], 1),
      ...     images,
      ...     domains,
      ... )
      >>> model.reconstructed_data.shape.as_list()
      [8, 3]
    """

    input_data: Value  # [B, H, W, C].
    input_data_domain_label: Value  # One-hot, [B, domains].
    generated_data: Value
    generated_data_domain_target: Value  # One-hot, [B, domains].
    reconstructed_data: Value
    discriminator_input_data_source_predication: Value
    discriminator_generated_data_source_predication: Value
    discriminator_input_data_domain_predication: Value
    discriminator_generated_data_domain_predication: Value
    generator_variables: Variables
    generator_scope: Any
    generator_fn: Callable[..., Any]
    discriminator_variables: Variables
    discriminator_scope: Any
    discriminator_fn: Callable[..., Any]


class GANLoss(NamedTuple):
    """What each network minimises.

    Example:
      >>> twice = tfgan.GANLoss(2.0 * loss.generator_loss, loss.discriminator_loss)
      >>> twice.generator_loss.shape.as_list()
      []
    """

    generator_loss: Value  # Scalar.
    discriminator_loss: Value  # Scalar.


class CycleGANLoss(NamedTuple):
    """One GANLoss for each direction.

    Example:
      >>> model = tfgan.cyclegan_model((net(3), net(3)), (net(1), net(1)), dataset, dataset)
      >>> tfgan.cyclegan_loss(model).loss_x2y.generator_loss.shape.as_list()
      []
    """

    loss_x2y: GANLoss
    loss_y2x: GANLoss


class GANTrainOps(NamedTuple):
    """One update of each network, and one step of the round counter.

    Example:
      >>> before = generator.get_weights()[0]
      >>> _ = train_ops.generator_train_op()  # One update; gives the loss.
      >>> bool((generator.get_weights()[0] != before).any())
      True
    """

    generator_train_op: Value  # One update; its value is the generator's loss.
    discriminator_train_op: Value  # One update; its value is the discriminator's loss.
    global_step_inc_op: Value  # Adds one to the global step; its value is the new step.
    train_hooks: Sequence[Any] = ()  # Session hooks that the optimizers need.


class GANTrainSteps(NamedTuple):
    """How many sub-steps of each network one round has.

    Example:
      >>> tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(1, 5)).phases
      (Phase(networks=('generator',), steps=1), Phase(networks=('discriminator',), steps=5))
    """

    generator_train_steps: int
    discriminator_train_steps: int


def as_list(values: Any) -> list[Any]:
    """`values` as a list; a single value becomes a list of one."""
    return list(values) if isinstance(values, (list, tuple)) else [values]


def skeleton(values: Any) -> Any:
    """What has to agree of two structures: keys and lengths. A list may stand for a tuple."""
    if isinstance(values, Mapping):
        return {key: skeleton(value) for key, value in values.items()}
    return [skeleton(value) for value in values] if isinstance(values, (list, tuple)) else None
