"""`evaluate`: several metrics of a generator, from one pass over its samples."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_lite.eval.distribution_metrics import FrechetDistance, KernelDistance
from tfgan_lite.eval.evaluation_result import EvaluationResult
from tfgan_lite.eval.metric import Collected, Metric, Sampler
from tfgan_lite.eval.reference_statistics import ReferenceStatistics
from tfgan_lite.eval.sample_statistics import SampleStatistics, collect, extractor_protocol
from tfgan_lite.eval.sample_streams import is_generator, open_stream
from tfgan_lite.sampling import generate, sample_inputs
from tfgan_lite.version import __version__

__all__ = ["evaluate", "run_eagerly"]


def evaluate(
    generator_or_samples: Any,
    reference: Any = None,
    metrics: Sequence[Metric] | None = None,
    num_samples: int | None = None,
    extractor: Any = None,
    *,
    seed: int = 0,
    batch_size: int = 100,
    average: Any = None,
    training: bool = False,
    labels_fn: Callable[[Any], Any] | None = None,
    split: str | None = None,
    allow_rank_deficient: bool = False,
    progress: bool = True,
) -> EvaluationResult:
    """Scores generated samples against real ones.

    Features are extracted once for all metrics, batch by batch. Memory is that of a few
    D x D matrices, and of the features where a metric needs all of them; many (such as twice 410 MB
    for 50,000 of width 2048) are in temporary files, from which the system reads what is needed.

    In a `tf.Graph` it builds ops: the result's values are tensors, computed when a session runs
    them. So `FinalOpsHook(lambda: evaluate(...).values)` gives a run's final scores in both worlds.

    Args:
      generator_or_samples: a model tuple with `generator_inputs`, which samples in inference mode;
        a function of (n, seed) or (n) that gives n samples; or samples: an array, a dataset of
        batches. All may give pairs of samples and labels.
      reference: real samples: an array, a pair with labels, a dataset of batches, or
        `ReferenceStatistics`. None if no metric compares.
      metrics: what to compute; Fréchet and kernel distance by default.
      num_samples: how many to generate; as many as there are real ones by default.
      extractor: gives features and logits of images, see `Extractor`; None where samples are
        features [N, D].
      seed: equal seeds give equal results, where the samples are repeatable.
      batch_size: samples that are drawn and processed together. It changes which samples a model
        draws from a given seed.
      average: the `features.WeightAverage` whose weights a model draws with; None for its own.
      training: whether a model's batch norm works as in training.
      labels_fn: for a model, gives the labels asked for, from the generator's inputs; None where
        it generates pairs of samples and labels, or where no metric needs labels.
      split: what to call the reference in the protocol: "test".
      allow_rank_deficient: whether to allow Fréchet distances of no more samples than features.
      progress: whether a terminal shows progress bars.

    Returns:
      The `EvaluationResult`; print it.

    Raises:
      ValueError: samples that are out of the declared range, not finite or of the wrong shape; too
        few samples; what a metric needs is missing; a reference made with another extractor.
      TypeError: samples of an unknown kind.

    Example:
      >>> result = tfgan.eval.evaluate(model, data, num_samples=64, seed=0)
      >>> sorted(result.values)
      ['frechet_distance', 'kernel_distance']
    """
    metrics = _checked_metrics(metrics)
    if not tf.executing_eagerly():
        return _evaluate_in_graph(
            generator_or_samples,
            metrics,
            reference=reference,
            num_samples=num_samples,
            extractor=extractor,
            seed=seed,
            batch_size=batch_size,
            average=average,
            training=training,
            labels_fn=labels_fn,
            split=split,
            allow_rank_deficient=allow_rank_deficient,
            progress=progress,
        )
    needs_of_reference = _union(metrics, "needs_of_reference")
    if needs_of_reference and reference is None:
        names = [metric.name for metric in metrics if metric.needs_of_reference]
        raise ValueError(f"reference is needed by {', '.join(names)}: give real samples.")
    sampler = _sampler(generator_or_samples, metrics)
    prepare = functools.partial(
        _real_statistics, extractor=extractor, batch_size=batch_size, seed=seed
    )
    with _progress_bars(progress) as bar:
        real = None
        if needs_of_reference:
            real = prepare(reference, needs_of_reference, split=split, bar=bar)
        if num_samples is None and is_generator(generator_or_samples) and real is not None:
            num_samples = real.count
        stream = open_stream(
            generator_or_samples,
            num_samples,
            batch_size=batch_size,
            seed=seed,
            average=average,
            training=training,
            labels_fn=labels_fn,
        )
        width = real.num_features if real else getattr(extractor, "feature_size", None)
        counts = {"generated": stream.count, "reference": real and real.count}
        for metric in metrics:
            metric.check(counts, width, allow_rank_deficient)
        others = {
            name: prepare(data, metric.needs_of_further_data, split=name, bar=bar)
            for metric in metrics
            for name, data in metric.further_data.items()
        }
        generated = collect(
            stream,
            _union(metrics, "needs") - {"sampler"},
            extractor,
            max_images=max(metric.num_images for metric in metrics),
            seed=seed,
            on_batch=bar("generated", stream.count),
        )
        _check_widths(generated, real, others)
        collected = Collected(
            generated, real, others, sampler, extractor, seed, allow_rank_deficient
        )
        estimates = {}
        done = bar("metrics", len(metrics))
        for metric in metrics:
            with average.averaged() if average is not None else contextlib.nullcontext():
                estimates |= metric.compute(collected)
            done(1)
    return EvaluationResult(
        values={name: each.value for name, each in estimates.items()},
        standard_errors={
            name: each.standard_error
            for name, each in estimates.items()
            if each.standard_error is not None
        },
        protocol={
            "generated": {**generated.protocol, "batch_size": batch_size},
            "reference": None if real is None else real.protocol,
            **{name: each.protocol for name, each in others.items()},
            "extractor": extractor_protocol(extractor),
            "metrics": [repr(metric) for metric in metrics],
            "statistics_dtype": "float64",
            "seed": seed,
            "versions": {
                "tfgan_lite": __version__,
                "tensorflow": tf.__version__,
                "numpy": np.__version__,
                "python": platform.python_version(),
            },
        },
    )


def run_eagerly(function: Callable[[], Any]) -> Any:
    """Calls a function in eager mode, wherever the caller is.

    A thread of its own has no default graph, which is the only public way out of a `tf.Graph`.
    """
    if tf.executing_eagerly():
        return function()
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        return thread.submit(function).result()


def _evaluate_in_graph(source: Any, metrics: Sequence[Metric], **options: Any) -> EvaluationResult:
    if tf.inside_function():
        raise ValueError("evaluate has no place inside a tf.function: call it outside.")
    tensors = []
    if hasattr(source, "generator_fn"):
        if (
            options["training"]
            or options["labels_fn"] is not None
            or options["num_samples"] is None
        ):
            raise ValueError(
                "In a tf.Graph, evaluate samples a model with generate(): num_samples is needed,"
                " and training and labels_fn have no meaning."
            )
        chosen = {name: options[name] for name in ("num_samples", "seed", "batch_size", "average")}
        drawn = generate(source, **chosen)
        tensors = list(drawn) if isinstance(drawn, (tuple, list)) else [drawn]
        options["average"] = None
    elif tf.is_tensor(source):
        tensors = [source]
    names = [name for metric in metrics for name in metric.value_names]

    def values_of(*arrays: np.ndarray) -> np.ndarray:
        samples = source if not arrays else arrays[0] if len(arrays) == 1 else arrays
        result = run_eagerly(lambda: evaluate(samples, metrics=metrics, **options))
        return np.array([result[name] for name in names], np.float64)

    values = tf.numpy_function(values_of, tensors, tf.float64)
    values.set_shape([len(names)])
    return EvaluationResult(
        dict(zip(names, tf.unstack(values))), {}, {"metrics": [repr(metric) for metric in metrics]}
    )


def _checked_metrics(metrics: Sequence[Metric] | None) -> list[Metric]:
    if isinstance(metrics, (str, Metric)):
        raise TypeError(f"metrics must be a list of metric objects: [{metrics!r}].")
    metrics = [FrechetDistance(), KernelDistance()] if metrics is None else list(metrics)
    for metric in metrics:
        if not isinstance(metric, Metric):
            made = " Call it." if isinstance(metric, type) else ""
            raise TypeError(
                f"metrics must be metric objects, FrechetDistance() say: {metric!r}.{made}"
            )
    names = [name for metric in metrics for name in metric.value_names]
    twice = sorted({name for name in names if names.count(name) > 1})
    if not names or twice:
        raise ValueError(
            f"metrics gives {', '.join(twice)} twice." if twice else "metrics is empty: name one."
        )
    return metrics


def _sampler(source: Any, metrics: Sequence[Metric]) -> Sampler | None:
    needy = [metric.name for metric in metrics if "sampler" in metric.needs]
    if not needy:
        return None
    if not hasattr(source, "generator_inputs"):
        raise ValueError(
            f"{', '.join(needy)} chooses the generator's inputs, and so needs a model tuple in"
            f" place of a {type(source).__name__}. For any other generator call"
            " perceptual_path_length."
        )
    return Sampler(functools.partial(sample_inputs, source), source.generator_fn.sampler)


def _real_statistics(
    data: Any,
    needs: Any,
    *,
    extractor: Any,
    batch_size: int,
    seed: int,
    split: str | None,
    bar: Any,
) -> SampleStatistics:
    if hasattr(data, "generator_inputs"):
        raise ValueError("reference is a model: samples, or their model, come first.")
    if not isinstance(data, SampleStatistics):
        stream = open_stream(data, batch_size=batch_size, seed=seed)
        found = collect(
            stream, needs, extractor, seed=seed, on_batch=bar(split or "reference", stream.count)
        )
        found.protocol["split"] = split
        return found
    if isinstance(data, ReferenceStatistics):
        data.check_extractor(extractor)
    missing = sorted(need for need in needs if not data.has(need))
    if missing:
        raise ValueError(
            f"The reference statistics hold no {', '.join(missing)}, which the metrics need."
            " Compute them with these metrics: ReferenceStatistics.compute(..., metrics=[...])."
        )
    return data


def _check_widths(generated: SampleStatistics, real: Any, others: dict[str, Any]) -> None:
    for name, each in {"reference": real, **others}.items():
        widths = generated.num_features, each and each.num_features
        if None not in widths and widths[0] != widths[1]:
            raise ValueError(
                f"Generated samples have {widths[0]} features and those of {name} {widths[1]}: take"
                " both from the same extractor."
            )


def _union(metrics: Sequence[Metric], attribute: str) -> set[str]:
    return set().union(*(getattr(metric, attribute) for metric in metrics))


@contextlib.contextmanager
def _progress_bars(wanted: bool) -> Iterator[Callable[[str, int | None], Callable[[int], None]]]:
    """Gives a function of a task and its size, which gives what to call as the task is done."""
    if not wanted or not sys.stderr.isatty():
        yield lambda unused_name, unused_total: lambda unused_done: None
        return
    from rich import console, progress

    columns = (*progress.Progress.get_default_columns(), progress.MofNCompleteColumn())
    with progress.Progress(*columns, console=console.Console(file=sys.stderr)) as shown:

        def bar(name: str, total: int | None) -> Callable[[int], None]:
            task = shown.add_task(name, total=total)
            return lambda done: shown.advance(task, done)

        yield bar
