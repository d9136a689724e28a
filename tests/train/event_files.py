"""What TensorBoard's event files hold."""

import pathlib

import tensorflow as tf


def summaries(logdir):
    """(step, tag) -> value, of all event files."""
    found = {}
    for path in sorted(pathlib.Path(logdir).glob("events.out.tfevents.*")):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                number = (
                    float(tf.make_ndarray(value.tensor))
                    if value.HasField("tensor")
                    else value.simple_value
                )
                found[event.step, value.tag] = number
    return found
