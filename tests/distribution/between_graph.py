"""Two workers and a parameter server of TF1, for between_graph_test: `between_graph.py sync`.

Prints, as JSON, the rounds of each worker and what the parameter server holds in the end.
TensorFlow cannot stop such servers, so that they need a process of their own.
"""

import json
import os
import socket
import sys
import threading

import numpy as np
import tensorflow as tf

import tfgan_lite as tfgan

v1 = tf.compat.v1
ROUNDS = 4
RATE = 0.01


def free_ports(count):
    sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return [f"localhost:{port}" for port in ports]


class Rounds(v1.train.SessionRunHook):
    """Tells when the session is there, waits for the other one, and counts rounds to the last."""

    def __init__(self, started, wait_for, at_last):
        self._started, self._wait_for, self._at_last, self.done = started, wait_for, at_last, 0

    def after_create_session(self, session, coord):
        self._started.set()
        self._wait_for.wait()  # Or one worker alone would be done before the other begins.

    def after_run(self, run_context, run_values):
        self.done += 1
        if self.done == ROUNDS:
            self._at_last(run_context)


def linear(values):
    weight = v1.get_variable("weight", [1, 1], initializer=tf.ones_initializer())
    return values @ weight


def train(index, cluster, servers, hook, is_sync):
    setter = v1.train.replica_device_setter(
        cluster=cluster, worker_device=f"/job:worker/task:{index}"
    )
    with tf.Graph().as_default(), v1.device(setter):
        data = tf.data.Dataset.from_tensors(np.ones([4, 1], np.float32)).repeat()
        model = tfgan.gan_model(
            linear, lambda x, noise: linear(x), data, lambda size: tf.ones([size, 1])
        )
        optimizers = [v1.train.GradientDescentOptimizer(RATE) for _ in range(2)]
        if is_sync:
            optimizers = [
                v1.train.SyncReplicasOptimizer(each, replicas_to_aggregate=2, total_num_replicas=2)
                for each in optimizers
            ]
        ops = tfgan.gan_train_ops(model, tfgan.gan_loss(model), *optimizers, is_chief=index == 0)
        tfgan.gan_train(
            ops,
            logdir=None,
            master=servers[index].target,
            is_chief=index == 0,
            hooks=[hook],
            save_checkpoint_secs=None,
            save_summaries_steps=None,
        )


def tell(target, hooks):
    """Prints what is there, and ends the process: the servers' threads wait for each other."""
    names = ["global_step", "tfgan_lite/generator_updates", "tfgan_lite/discriminator_updates"]
    with tf.Graph().as_default(), v1.device("/job:ps/task:0"):
        counters = {name.split("/")[-1]: v1.get_variable(name, [], tf.int64) for name in names}
        with v1.Session(target) as session:
            held = {name: int(session.run(counter)) for name, counter in counters.items()}
    print(json.dumps({"rounds": [hook.done for hook in hooks], **held}), flush=True)
    os._exit(0)


def main(kind):
    parameter_server, *workers = free_ports(3)
    cluster = tf.train.ClusterSpec({"ps": [parameter_server], "worker": workers})
    server = tf.distribute.Server(cluster, job_name="ps", task_index=0)
    servers = [tf.distribute.Server(cluster, job_name="worker", task_index=i) for i in range(2)]
    started = [threading.Event(), threading.Event()]
    # Synchronous workers cannot end without each other, and TensorFlow then waits two minutes.
    ends = [lambda context: context.request_stop()] * 2
    if kind == "sync":
        ends = [lambda context: tell(server.target, hooks), lambda context: None]
    hooks = [Rounds(started[i], started[1 - i], ends[i]) for i in range(2)]
    threads = [
        threading.Thread(target=train, args=(i, cluster, servers, hooks[i], kind == "sync"))
        for i in range(2)
    ]
    threads[0].start()
    started[0].wait()  # The chief makes the variables; a worker looks for them every 30 seconds.
    threads[1].start()
    for thread in threads:
        thread.join()
    tell(server.target, hooks)


if __name__ == "__main__":
    main(sys.argv[1])
