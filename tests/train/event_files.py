"""What TensorBoard's event files hold."""

import pathlib

import tensorflow as tf


def summaries(logdir):
    """(step, tag) -> value of all scalars, of all event files."""
    found = {}
    for path in sorted(pathlib.Path(logdir).glob("events.out.tfevents.*")):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "hparams":
                    continue
                number = (
                    float(tf.make_ndarray(value.tensor))
                    if value.HasField("tensor")
                    else value.simple_value
                )
                found[event.step, value.tag] = number
    return found


def hyper_parameters(logdir):
    """Name -> value, as TensorBoard reads them."""
    from tensorboard.plugins.hparams import metadata

    found = {}
    for path in sorted(pathlib.Path(logdir).glob("events.out.tfevents.*")):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "hparams":
                    content = value.metadata.plugin_data.content
                    parsed = metadata.parse_session_start_info_plugin_data(content).hparams
                    found |= {k: getattr(v, v.WhichOneof("kind")) for k, v in parsed.items()}
    return found
