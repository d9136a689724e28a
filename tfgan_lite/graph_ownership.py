"""Which variables a graph's operations use, and which regularisation losses are of these alone."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from tfgan_lite.variables import whole_variables

__all__ = ["losses_of_weights", "variables_touched"]

_GraphKeys = tf.compat.v1.GraphKeys
_OF_VARIABLES = frozenset(["VarHandleOp", "ReadVariableOp", "Variable", "VariableV2"])


def variables_touched(graph: tf.Graph, operations: Sequence[tf.Operation]) -> list[tf.Variable]:
    """The variables that any of the operations makes, reads or writes."""
    owners = {}
    for variable in graph.get_collection(_GraphKeys.GLOBAL_VARIABLES):
        for each in getattr(variable, "_variable_list", [variable]):
            handle = each.handle if hasattr(each, "handle") else each.value()
            owners[handle.op] = variable
            owners[each.op] = variable
    touched = {}
    for operation in operations:
        for tensor in (*operation.inputs, *operation.outputs):
            if tensor.op in owners:
                touched.setdefault(id(owners[tensor.op]), owners[tensor.op])
    return list(touched.values())


def losses_of_weights(graph: tf.Graph, variables: Sequence[tf.Variable]) -> list[tf.Tensor]:
    """The collected regularisation losses of these variables, whoever made them.

    `get_variable` collects a regulariser's loss where it makes the variable, and not where it gives
    it again. Losses of activities are not among them: they are of other data.
    """
    owned = {id(variable) for variable in variables}
    losses = []
    for loss in graph.get_collection(_GraphKeys.REGULARIZATION_LOSSES):
        operations = _computation(loss.op)
        touched = whole_variables(variables_touched(graph, operations))
        trained = {id(variable) for variable in touched if variable.trainable}
        if trained and trained <= owned and all(map(_is_fixed, operations)):
            losses.append(loss)
    return losses


def _computation(operation: tf.Operation) -> list[tf.Operation]:
    """The operation and all that it is computed from."""
    found, left = {operation}, [operation]
    while left:
        for tensor in left.pop().inputs:
            if tensor.op not in found:
                found.add(tensor.op)
                left.append(tensor.op)
    return list(found)


def _is_fixed(operation: tf.Operation) -> bool:
    """Whether it gives the same as long as variables do: it draws and is fed nothing."""
    if operation.type in _OF_VARIABLES or operation.type == "Const":
        return True
    return bool(operation.inputs) and not operation.op_def.is_stateful
