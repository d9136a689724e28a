"""`KerasGAN`: Keras's methods over the four calls."""

from __future__ import annotations

import contextlib
import numbers
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_lite import eval as tfgan_eval
from tfgan_lite.eval.reference_statistics import read_once
from tfgan_lite.features.averaging import WeightAverage
from tfgan_lite.integers import checked_integer
from tfgan_lite.keras_gan import kinds, saving
from tfgan_lite.keras_gan.callbacks_hook import CallbacksHook, as_callback_list
from tfgan_lite.keras_gan.data import Batches
from tfgan_lite.keras_gan.epochs import check_counts, rounds_of
from tfgan_lite.keras_gan.inputs import as_distribution, config_of, from_config
from tfgan_lite.keras_gan.missing_methods import WithoutBatchMethods
from tfgan_lite.keras_gan.samples import samples_of
from tfgan_lite.keras_gan.schedules import hooks_of
from tfgan_lite.keras_gan.training import Training
from tfgan_lite.replicas import is_distributed
from tfgan_lite.sampling import generate
from tfgan_lite.structures import GANTrainOps
from tfgan_lite.train import gan_train
from tfgan_lite.train.jit_choice import JitChoice

__all__ = ["KerasGAN"]


@tf.keras.utils.register_keras_serializable(package="tfgan_lite")
class KerasGAN(WithoutBatchMethods):
    """A GAN as a Keras model: `compile`, `fit`, `evaluate`, `predict`, `save`.

    `fit` calls `gan_model`, `gan_loss`, `gan_train_ops` and `gan_train`, and so trains as they do:
    compiled rounds, fresh data and noise in each sub-step, losses of the updates that ran.

    Args:
      generator: a Keras model of the noise; with conditions or labels, of `[noise, labels]`; of an
        InfoGAN, of `[noise, code, ...]`; of a StarGAN, of `(images, target)`. For a CycleGAN a pair
        of models, x to y and y to x.
      discriminator: a Keras model of the data that gives logits; of an ACGAN and a StarGAN
        `[logits, class_logits]`; of an InfoGAN `[logits, head, ...]` with a head for each code:
        logits of a one-hot code, the mean of any other. For a CycleGAN a pair of models.
      noise: how many standard normal numbers the generator takes, or their shape, or a distribution
        of one example's noise, such as TFP's. CycleGAN and StarGAN have none.
      codes: of an InfoGAN, the distributions of one example's codes, a list.
      kind: "gan", "infogan", "acgan", "cyclegan" or "stargan".

    Attributes:
      gan_model: after the first `fit`, the named tuple that `gan_model` and its like made.
      train_ops: after the first `fit`, the GANTrainOps.
      rounds: rounds trained so far.

    Raises:
      ValueError: an unknown kind; noise or codes that the kind needs, or has none of.

    Example:
      >>> gan = tfgan.KerasGAN(net(3), net(1), noise=2)
      >>> gan.compile("adam", "adam", losses="modified", schedule=tfgan.GANTrainSteps(1, 2))
      >>> history = gan.fit(data, batch_size=8, epochs=2, verbose=0)
      >>> gan.predict(100, seed=0).shape
      (100, 3)
      >>> gan.save("gan.keras")
      >>> tf.keras.models.load_model("gan.keras").rounds
      8
    """

    def __init__(
        self,
        generator: Any,
        discriminator: Any,
        noise: Any = None,
        codes: Sequence[Any] | None = None,
        kind: str = "gan",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        kinds.check(kind, generator, discriminator, noise, codes)
        self.kind = kind
        self.generator, self.discriminator = generator, discriminator
        # Keras does not track what is inside an object that it does not know.
        self._training = Training(
            kind,
            generator,
            discriminator,
            None if noise is None else as_distribution(noise),
            None if codes is None else [as_distribution(code) for code in codes],
        )
        self.optimizer = None  # What Keras looks for in places; a GAN has two.
        self.stop_training = False
        self.built = True  # The networks build themselves.

    def compile(
        self,
        generator_optimizer: Any = "adam",
        discriminator_optimizer: Any = "adam",
        losses: Any = None,
        penalties: Sequence[Any] = (),
        schedule: Any = None,
        *,
        generator_average: WeightAverage | Sequence[WeightAverage] | None = None,
        generator_metrics: Mapping[str, Callable[[Any], Any]] | None = None,
        discriminator_metrics: Mapping[str, Callable[[Any], Any]] | None = None,
        jit_compile: bool | str = "auto",
        seed: int = 0,
        **loss_options: Any,
    ) -> None:
        """Says how `fit` trains.

        Args:
          generator_optimizer: a Keras optimizer or its name.
          discriminator_optimizer: another one for the discriminator.
          losses: a name, such as "modified", "wasserstein", "least_squares", "wasserstein_hinge" or
            "relativistic"; or a pair of functions of the model, as in `tfgan.losses`. By default
            "modified" (non-saturating), of a CycleGAN "least_squares", of a StarGAN "wasserstein".
          penalties: as `gan_loss` takes them: `[(tfgan.losses.r1_penalty, 1.0, 16)]`.
          schedule: a round: `GANTrainSteps(g, d)`, a list of `Phase`s, or what
            `get_joint_train_hooks` and its like give. One step of each by default.
          generator_average: the `features.WeightAverage` to keep and to sample with; for a CycleGAN
            a pair of them.
          generator_metrics: see `gan_train_ops`.
          discriminator_metrics: see `gan_train_ops`.
          jit_compile: whether XLA compiles the updates; "auto" measures which is faster.
          seed: of all noise that the library draws.
          **loss_options: further arguments of the kind's loss: `gradient_penalty_weight`, say.

        Raises:
          ValueError: an unknown name of losses; a schedule that trains nothing.
          TypeError: an unknown argument.
        """
        kinds.loss_functions(self.kind, losses)
        kinds.check_options(self.kind, penalties, loss_options)
        hooks_of(schedule)
        JitChoice(jit_compile)  # Which checks it.
        with self._scope():
            self.generator_optimizer = tf.keras.optimizers.get(generator_optimizer)
            self.discriminator_optimizer = tf.keras.optimizers.get(discriminator_optimizer)
            self._training.compile(
                {
                    "generator_optimizer": self.generator_optimizer,
                    "discriminator_optimizer": self.discriminator_optimizer,
                    "losses": losses,
                    "penalties": list(penalties),
                    "schedule": schedule,
                    "generator_average": generator_average,
                    "generator_metrics": generator_metrics,
                    "discriminator_metrics": discriminator_metrics,
                    "jit_compile": jit_compile,
                    "seed": seed,
                    **loss_options,
                }
            )
        self.compiled = True

    def fit(
        self,
        data: Any,
        epochs: int = 1,
        *,
        rounds: int | None = None,
        steps_per_epoch: int | None = None,
        batch_size: int | None = None,
        callbacks: Any = None,
        initial_epoch: int = 0,
        verbose: Any = "auto",
        validation_data: Any = None,
        validation_metrics: Sequence[Any] | None = None,
        validation_samples: int | None = None,
        validation_freq: int = 1,
        extractor: Any = None,
    ) -> tf.keras.callbacks.History:
        """Trains, and goes on where the last `fit` ended: weights, optimizers, counters and noise.

        With the same data it goes on in them, too. What Keras calls a batch is a round here, and
        the losses in the logs are means over the epoch's updates so far.

        Args:
          data: a dataset of batches, repeated if it ends, or arrays; pairs of them where the kind
            has pairs: (data, conditions), (data, labels), (x, y).
          epochs: the number of the last epoch; with `initial_epoch` 0, how many.
          rounds: or how many rounds, whatever the epochs.
          steps_per_epoch: rounds in an epoch. By default as many as show all data to the
            discriminator.
          batch_size: of arrays; 32 by default. A pass leaves out what does not fill a batch at its
            end.
          callbacks: Keras callbacks.
          initial_epoch: the number of the first epoch.
          verbose: "auto", 0, 1 or 2, as in Keras.
          validation_data: real samples to score generated ones against at the end of epochs; read
            once.
          validation_metrics: as `tfgan.eval.evaluate` takes them. Logs have "val_" before a name.
          validation_samples: how many to generate; as many as there are real ones by default.
          validation_freq: epochs between two validations.
          extractor: see `tfgan.eval.evaluate`.

        Returns:
          Keras's History.

        Raises:
          RuntimeError: `compile` was not called.
          ValueError: data or numbers that make no sense; how long an epoch is, is unknown.
          NanLossError: a loss is not finite; the update was not applied.
        """
        if not self._training.options:
            raise RuntimeError("Call compile() before fit().")
        check_counts(
            epochs=epochs,
            rounds=rounds,
            steps_per_epoch=steps_per_epoch,
            validation_freq=validation_freq,
        )
        training = self._training
        get_hooks_fn = hooks_of(training.options["schedule"])
        batches = Batches(data, batch_size, training.options["seed"])
        rounds, per_epoch = rounds_of(
            batches, get_hooks_fn, epochs, initial_epoch, rounds, steps_per_epoch
        )
        validate = None
        if validation_data is not None:
            arguments = validation_metrics, extractor, validation_samples

            def validate() -> dict[str, float]:
                nonlocal validation_data
                validation_data = read_once(validation_data, extractor, validation_metrics)
                return self.evaluate(validation_data, *arguments).values

        self.stop_training = False
        with self._scope():
            training.connect(batches, self.distribute_strategy)
            epochs = initial_epoch - (-rounds // per_epoch)
            callbacks = as_callback_list(callbacks, self, epochs, min(per_epoch, rounds), verbose)
            hook = CallbacksHook(
                self, callbacks, rounds, per_epoch, initial_epoch, validate, validation_freq
            )
            gan_train(
                training.train_ops,
                None,
                get_hooks_fn,
                hooks=[hook],
                save_checkpoint_secs=None,
                save_summaries_steps=None,
                session=training.session,
            )
        return self.history

    def evaluate(
        self,
        data: Any,
        metrics: Sequence[Any] | None = None,
        extractor: Any = None,
        num_samples: int | None = None,
        **options: Any,
    ) -> Any:
        """Scores generated samples against real ones; for a CycleGAN, translations of x to y.

        Args:
          data: real samples, see `tfgan.eval.evaluate`.
          metrics, extractor, num_samples, **options: see there.

        Returns:
          An `EvaluationResult`.
        """
        model = self._training.model
        if model is None:
            model = self._samples(None, 100)
        elif self.kind == "cyclegan":
            model = model.model_x2y
        options.setdefault("average", self._average())
        return tfgan_eval.evaluate(model, data, metrics, num_samples, extractor, **options)

    def predict(
        self, x: Any, batch_size: int | None = None, verbose: Any = 0, *, seed: int | None = None
    ) -> Any:
        """Samples, in inference mode, with the averaged weights if there are any.

        Args:
          x: how many samples; or what to make them of, with a leading axis: conditions or labels
            (noise is drawn), images of the domain x (CycleGAN), `(images, targets)` (StarGAN).
          batch_size: how many at once; 100 by default.
          verbose: ignored.
          seed: makes them repeatable; None draws new noise in every call.

        Returns:
          NumPy arrays.
        """
        batch_size = 100 if batch_size is None else checked_integer("batch_size", batch_size)
        given = None if isinstance(x, numbers.Integral) else x
        count = int(x) if given is None else len(tf.nest.flatten(given)[0])
        samples = self._samples(given, batch_size)
        drawn = generate(samples, count, seed, batch_size, self._average())
        return tf.nest.map_structure(lambda tensor: tensor.numpy(), drawn)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """The generator's output; for a CycleGAN, the translation of x to y."""
        args = inputs if self.kind == "stargan" else (inputs,)
        return self._generator(*args, training=training)

    @property
    def gan_model(self) -> Any:
        return self._training.model

    @property
    def train_ops(self) -> GANTrainOps | None:
        return self._training.train_ops

    @property
    def rounds(self) -> int:
        return self._training.counts[0]

    # What Keras asks of a model that it saves.

    def get_config(self) -> dict[str, Any]:
        noise, codes = self._training.noise, self._training.codes
        return {
            "name": self.name,
            "generator": saving.network_config_of(self.generator),
            "discriminator": saving.network_config_of(self.discriminator),
            "noise": None if noise is None else config_of(noise),
            "codes": None if codes is None else [config_of(code) for code in codes],
            "kind": self.kind,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> KerasGAN:
        config = dict(config)
        for role in ("generator", "discriminator"):
            config[role] = saving.network_from(config[role], custom_objects)
        if config["noise"] is not None:
            config["noise"] = from_config(config["noise"])
        if config["codes"] is not None:
            config["codes"] = [from_config(code) for code in config["codes"]]
        return cls(**config)

    def get_compile_config(self) -> dict[str, Any] | None:
        if not self.compiled:
            return None
        try:
            return saving.compile_config_of(self._training.options)
        except TypeError as error:
            warnings.warn(
                "The file keeps the networks, but not what compile() was given, because it cannot"
                f" name {error}. After loading, call compile() again: the optimizers begin anew.",
                stacklevel=2,
            )
            return None

    def compile_from_config(self, config: dict[str, Any]) -> None:
        self.compile(**saving.compile_options_from(config))

    def get_build_config(self) -> None:
        return None  # The networks have theirs.

    def save(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        """As Keras saves; ValueError for another file than a `.keras` one."""
        if not str(filepath).endswith(".keras"):
            raise ValueError(f"A KerasGAN is saved as a .keras file, got {str(filepath)!r}.")
        super().save(filepath, *args, **kwargs)

    def save_own_variables(self, store: Any) -> None:
        store["counts"] = np.asarray(self._training.counts)
        for i, variable in enumerate(self._training.average_variables):
            store[f"average_{i}"] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        self._training.counts = np.asarray(store["counts"])
        for i, variable in enumerate(self._training.average_variables):
            variable.assign(np.asarray(store[f"average_{i}"]))

    # How it works.

    @property
    def _generator(self) -> Any:
        return self.generator[0] if self.kind == "cyclegan" else self.generator

    def _average(self) -> WeightAverage | None:
        """That of the generator that samples."""
        averages = self._training.averages
        # One that is not built yet has seen no update.
        return averages[0] if averages and averages[0].averages else None

    def _samples(self, given: Any, batch_size: int) -> Any:
        noise, codes = self._training.noise, self._training.codes
        return samples_of(self.kind, self._generator, noise, codes, given, batch_size)

    def _scope(self) -> contextlib.AbstractContextManager:
        strategy = self.distribute_strategy
        return strategy.scope() if is_distributed(strategy) else contextlib.nullcontext()
