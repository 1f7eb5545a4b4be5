"""How the functions of torch that networks call are written in ONNX; what is not here, torch's own exporter writes."""

# ruff: noqa: ARG001 - names and arguments are those of torch's functions

import inspect
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import partial
from typing import Any, NamedTuple

import torch

from scalereid.inference.export.recording import Call, NotRecordedError, Value

_FLOAT32 = 1  # in ONNX


class Of(Enum):
    """An input that the result tells: its shape, or which of several results it is."""

    SHAPE = "shape"
    NUMBER = "number"


Input = Value | float | int | tuple[int, ...] | Of | None


class Node(NamedTuple):
    """An operator of ONNX that gives one tensor."""

    operator: str
    inputs: Sequence[Input]
    """Names of tensors, numbers (float32 or int64), axes, and None for what is left out."""
    attributes: Mapping[str, int | float | list[int]] = {}


def nodes(call: Call) -> list[Node]:
    """A call as a node for each of its results.

    Raises:
        NotRecordedError: The function or an argument is not known here.
    """
    _must(call.function in _WRITERS, f"{call.function} is not known here")
    write = _WRITERS[call.function]
    try:
        inspect.signature(write).bind(*call.arguments, **call.keywords)
    except TypeError as error:
        raise NotRecordedError(f"{call.function}: {error}") from error
    node = write(*call.arguments, **call.keywords)
    _must(node.operator != "Gemm" or len(call.shapes[0]) == 2, "linear of more than two dimensions")
    _must(Of.SHAPE not in node.inputs or call.shapes[0][:1] == (-1,), f"{call.function} of several images at once")
    _must(Of.NUMBER in node.inputs or len(call.results) == 1, f"{call.function} gives several tensors")
    return [_told(node, shape, number) for number, shape in enumerate(call.shapes)]


def _told(node: Node, shape: tuple[int, ...], number: int) -> Node:
    """A node with what its result tells."""
    told: dict[Of, Input] = {Of.SHAPE: shape, Of.NUMBER: number}
    return node._replace(inputs=[told[each] if isinstance(each, Of) else each for each in node.inputs])


def _must(condition: bool, otherwise: str) -> None:
    if not condition:
        raise NotRecordedError(otherwise)


def _pair(value: Any) -> list[int]:
    """The numbers for height and width."""
    pair = (value, value) if isinstance(value, int) else value
    _must(isinstance(pair, tuple) and len(pair) == 2, f"{value!r} is not for height and width")
    return [*pair]


def _windows(kernel_size: Any, stride: Any, padding: Any) -> dict[str, list[int]]:
    return {"kernel_shape": _pair(kernel_size), "strides": _pair(stride or kernel_size), "pads": 2 * _pair(padding)}


def _conv2d(
    input: Value,
    weight: Value,
    bias: Value | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Node:
    sizes = {"strides": _pair(stride), "pads": 2 * _pair(padding), "dilations": _pair(dilation)}
    return Node("Conv", [input, weight, bias], {**sizes, "group": groups})


def _avg_pool2d(
    input: Value,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Node:
    _must(not ceil_mode and divisor_override is None, "average pooling of another kind")
    windows = _windows(kernel_size, stride, padding)
    return Node("AveragePool", [input], {**windows, "count_include_pad": int(count_include_pad)})


def _max_pool2d(
    input: Value,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Node:
    _must(not ceil_mode and not return_indices, "max pooling of another kind")
    return Node("MaxPool", [input], {**_windows(kernel_size, stride, padding), "dilations": _pair(dilation)})


def _global_pool(operator: str, input: Value, output_size: Any, return_indices: bool = False) -> Node:
    _must(output_size in (1, (1, 1)) and not return_indices, "pooling to more than one number")
    return Node(operator, [input])


def _instance_norm(
    input: Value,
    running_mean: Value | None = None,
    running_var: Value | None = None,
    weight: Value | None = None,
    bias: Value | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Node:
    _must(use_input_stats and weight is not None and bias is not None, "instance norm of another kind")
    return Node("InstanceNormalization", [input, weight, bias], {"epsilon": eps})


def _batch_norm(
    input: Value,
    running_mean: Value | None,
    running_var: Value | None,
    weight: Value | None = None,
    bias: Value | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Node:
    _must(not training and None not in (running_mean, running_var, weight, bias), "batch norm of another kind")
    return Node("BatchNormalization", [input, weight, bias, running_mean, running_var], {"epsilon": eps})


def _linear(input: Value, weight: Value, bias: Value | None = None) -> Node:
    return Node("Gemm", [input, weight, bias], {"transB": 1})


def _of_one(operator: str, input: Value, inplace: bool = False) -> Node:
    return Node(operator, [input])


def _of_two(operator: str, input: Value | float, other: Value | float) -> Node:
    return Node(operator, [each if isinstance(each, Value) else float(each) for each in (input, other)])


def _clip(input: Value, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Node:
    return Node("Clip", [input, float(min_val), float(max_val)])


def _reduce(operator: str, input: Value, dim: int | tuple[int, ...], keepdim: bool = False) -> Node:
    return Node(operator, [input, (dim,) if isinstance(dim, int) else dim], {"keepdims": int(keepdim)})


def _softmax(input: Value, dim: int) -> Node:
    return Node("Softmax", [input], {"axis": dim})


def _cat(tensors: tuple[Value, ...], dim: int = 0) -> Node:
    return Node("Concat", tensors, {"axis": dim})


def _unbind(input: Value, dim: int = 0) -> Node:
    return Node("Gather", [input, Of.NUMBER], {"axis": dim})


def _permute(input: Value, *dims: Any) -> Node:
    order = dims[0] if isinstance(dims[0], tuple) else dims
    return Node("Transpose", [input], {"perm": [dim % len(order) for dim in order]})


def _new_shape(input: Value, *shape: Any) -> Node:
    return Node("Reshape", [input, Of.SHAPE])


def _to_float32(input: Value, dtype: torch.dtype = torch.float32) -> Node:
    return Node("Cast", [input], {"to": _FLOAT32})  # of another type would not have been recorded


_WRITERS: dict[str, Callable[..., Node]] = {
    "conv2d": _conv2d,
    "linear": _linear,
    "batch_norm": _batch_norm,
    "instance_norm": _instance_norm,
    "avg_pool2d": _avg_pool2d,
    "max_pool2d": _max_pool2d,
    "adaptive_avg_pool2d": partial(_global_pool, "GlobalAveragePool"),
    "adaptive_max_pool2d": partial(_global_pool, "GlobalMaxPool"),
    "mean": partial(_reduce, "ReduceMean"),
    "sum": partial(_reduce, "ReduceSum"),
    "amax": partial(_reduce, "ReduceMax"),
    "relu": partial(_of_one, "Relu"),
    "sigmoid": partial(_of_one, "Sigmoid"),
    "contiguous": partial(_of_one, "Identity"),
    "detach": partial(_of_one, "Identity"),
    "add": partial(_of_two, "Add"),
    "sub": partial(_of_two, "Sub"),
    "mul": partial(_of_two, "Mul"),
    "div": partial(_of_two, "Div"),
    "pow": partial(_of_two, "Pow"),
    "clamp_min": partial(_of_two, "Max"),
    "hardtanh": _clip,
    "softmax": _softmax,
    "cat": _cat,
    "unbind": _unbind,
    "permute": _permute,
    "flatten": _new_shape,
    "unflatten": _new_shape,
    "reshape": _new_shape,
    "view": _new_shape,
    "float": _to_float32,
    "to": _to_float32,
}
