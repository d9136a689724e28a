"""How much arithmetic and memory traffic a round is: what no way of writing the loop can avoid.

Counted are the matrix products and convolutions of `benchmarks.updates`, forward and backward:
their floating-point operations as TensorFlow's profiler counts them, and the bytes of their inputs
and outputs, once for each product. All else counts as fused into them, except the update by Adam:
it reads weight, gradient and two moments and writes all but the gradient, seven arrays in all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import tensorflow as tf

from benchmarks.cases import Case, make_dataset, make_networks
from benchmarks.updates import Draws, SubSteps, sub_steps

__all__ = ["Work", "work_of_round"]

_PRODUCTS = ("MatMul", "Conv2D", "Conv2DBackpropFilter", "Conv2DBackpropInput")
_ARRAYS_OF_ADAM = 7


class Work(NamedTuple):
    """Floating-point operations and bytes."""

    flops: int
    bytes: int

    def seconds(self, flops_per_second: float, bytes_per_second: float) -> float:
        """The roofline: arithmetic and traffic at these rates, one after the other."""
        return self.flops / flops_per_second + self.bytes / bytes_per_second


def work_of_round(case: Case, joint: bool = False) -> Work:
    """What a round takes by `benchmarks.handwritten.FusedLoop`.

    Args:
      case: what is trained.
      joint: whether both networks are updated from one draw and one forward pass.
    """
    steps = sub_steps(case)
    generator, discriminator, both = _work_of_steps(case, steps)
    g_steps, d_steps = case.steps
    if joint:
        counted = [(1, both), (d_steps - g_steps, discriminator)]
    else:
        counted = [(g_steps, generator), (d_steps, discriminator)]
    return Work(*(sum(n * work[i] for n, work in counted) for i in range(2)))


def _work_of_steps(case: Case, steps: SubSteps) -> list[Work]:
    draws = Draws(case, iter(make_dataset(case)).get_next)
    weights = [network.count_params() for network in make_networks(case)[:2]]
    calls = zip(
        steps,
        (draws.generator(), draws.discriminator(), draws.discriminator()),
        (weights[0], weights[1], sum(weights)),
    )
    return [_work(step, arguments, updated) for step, arguments, updated in calls]


def _work(step: Callable[..., Any], arguments: tuple[Any, ...], updated: int) -> Work:
    program = tf.function(step).get_concrete_function(*arguments)
    flops = dict(_counted_flops(program.graph))
    products = [op for op in _needed(program) if op.type in _PRODUCTS]
    tensors = [each for op in products for each in (*op.inputs, *op.outputs)]
    traffic = sum(each.dtype.size * each.shape.num_elements() for each in tensors)
    update = _ARRAYS_OF_ADAM * tf.float32.size * updated
    return Work(sum(flops[op.name] for op in products), traffic + update)


def _needed(program: Any) -> list[tf.Operation]:
    """Operations that results or updates depend on: gradients that nobody asks for are pruned."""
    ends = [*(each.op.name for each in program.outputs)]
    ends += [op.name for op in program.graph.control_outputs]
    left = tf.compat.v1.graph_util.extract_sub_graph(program.graph.as_graph_def(), ends)
    return [program.graph.get_operation_by_name(node.name) for node in left.node]


def _counted_flops(graph: tf.Graph) -> Iterator[tuple[str, int]]:
    """The operations' names and floating-point operations."""
    options = tf.compat.v1.profiler.ProfileOptionBuilder
    options = options(options.float_operation()).with_empty_output().build()
    nodes = [tf.compat.v1.profiler.profile(graph, cmd="scope", options=options)]
    while nodes:
        node = nodes.pop()
        nodes.extend(node.children)
        yield node.name, node.float_ops
