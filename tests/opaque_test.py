"""Deferred values that are no tensors: objects that TensorFlow does not know."""

import tensorflow as tf

import tfgan_lite as tfgan
from tfgan_lite.counters import Counters
from tfgan_lite.deferred import Deferred, defer
from tfgan_lite.runs import Run, random_key
from tfgan_lite.tracing import sources_of


class Box:
    """TensorFlow cannot take it out of a function."""

    def __init__(self, content):
        self.content = content


def boxed(value):
    """A deferred box, and the list that grows with every computation of it."""
    calls = []

    def compute():
        calls.append(1)
        return Box(value())

    return Deferred(compute, "box", opaque=True), calls


def noise():
    return tfgan.from_callable(lambda: tf.random.normal([3]), name="noise")


def test_object_is_computed_once_in_a_run():
    box, calls = boxed(noise())
    first = defer(lambda b: b.content + 1.0, box)
    second = defer(lambda b: b.content * 2.0, box)
    assert first.shape == second.shape == [3]
    calls.clear()
    with Run(key=random_key(0, 0)):
        assert box() is box()
        first()
        second()
    assert len(calls) == 1


def test_who_reads_an_object_needs_what_it_needs():
    value, variable = noise(), tf.Variable(1.0)
    box, _ = boxed(Deferred(lambda: value() * variable, "product"))
    content = defer(lambda b: b.content, box)
    assert [source.name for source in sources_of([content])] == ["noise"]
    direct, _ = boxed(value)
    assert defer(lambda b: b.content * variable, direct).trace.variables == (variable,)


def test_object_passes_through_compiled_runs():
    value = noise()
    box, _ = boxed(value)
    content, drawn = tfgan.Session(Counters()).run([defer(lambda b: b.content + 1.0, box), value])
    assert (content == drawn + 1.0).all()


def test_object_called_outside_a_run_is_an_object_of_eager_tensors():
    box, _ = boxed(noise())
    assert box().content.numpy().shape == (3,)
