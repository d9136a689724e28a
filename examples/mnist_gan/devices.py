"""--strategy: the devices and machines that train, as `tf.distribute` calls them."""

from __future__ import annotations

import json
import os

import tensorflow as tf

STRATEGIES = ("auto", "one", "mirrored", "multiworker", "tpu")


def make_strategy(name: str) -> tf.distribute.Strategy | None:
    """Returns the strategy of a name; call it before anything else uses TensorFlow.

    Args:
      name: "one" device; "mirrored" over all GPUs of this machine; "multiworker" over the machines
        that the environment variable TF_CONFIG lists; "tpu" for the cores of a TPU VM; "auto" for
        what there is: the machines of TF_CONFIG, a TPU, several GPUs, or else None.

    Raises:
      ValueError: If there are no such devices, or TF_CONFIG is missing or not JSON.
    """
    if name == "auto":
        name = _found()
    if name == "multiworker":
        if not _machines():
            raise ValueError(
                "--strategy=multiworker needs the environment variable TF_CONFIG, such as "
                '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
                '"task": {"type": "worker", "index": 0}}, with another index on each machine.'
            )
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "tpu":
        return _tpu_strategy()
    if name == "mirrored":
        return tf.distribute.MirroredStrategy()
    if name == "one":
        return tf.distribute.OneDeviceStrategy("/gpu:0" if _gpus() else "/cpu:0")
    return None


def check_batch_size(strategy: tf.distribute.Strategy | None, batch_size: int) -> None:
    """Raises ValueError where a batch cannot be cut into equal parts for all devices."""
    devices = 1 if strategy is None else strategy.num_replicas_in_sync
    if batch_size % devices:
        raise ValueError(f"--batch_size={batch_size} must be a multiple of the {devices} devices.")


def _found() -> str:
    if len(_machines()) > 1:
        return "multiworker"
    if os.path.exists("/dev/accel0") or os.path.exists("/dev/vfio/0"):  # Of a TPU VM.
        return "tpu"
    return "mirrored" if len(_gpus()) > 1 else ""


def _machines() -> list[str]:
    text = os.environ.get("TF_CONFIG", "{}")
    try:
        cluster = json.loads(text).get("cluster", {})
    except (ValueError, AttributeError) as error:
        raise ValueError(f"TF_CONFIG is not a JSON object: {text!r}") from error
    return [*cluster.get("chief", ()), *cluster.get("worker", ())]


def _gpus() -> list[tf.config.PhysicalDevice]:
    return tf.config.list_physical_devices("GPU")


def _tpu_strategy() -> tf.distribute.Strategy:
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu="local")
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        raise ValueError(f"--strategy=tpu found no TPU: {str(error).splitlines()[0]}") from error
    return tf.distribute.TPUStrategy(resolver)
