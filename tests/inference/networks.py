"""Small ONNX and OpenVINO networks that scalereid did not write, whose embeddings are known functions of the pixels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

SIZE = (16, 32)
PIXELS = 3 * 16 * 32


def write_onnx(
    file: Path,
    nodes: Sequence[tuple[Any, ...]] = (("Flatten", ["images"], ["embeddings"]),),
    *,
    takes: Sequence[int | str] = ("n", 3, *SIZE),
    gives: Sequence[Sequence[int | str]] = (("n", PIXELS),),
    dtype: str = "FLOAT",
    constants: dict[str, Any] | None = None,
) -> Path:
    """A network from `images`, by nodes (operation, inputs, outputs, attributes), to `embeddings`.

    By default it gives the pixels as they go in.
    """
    import onnx

    kind, helper = getattr(onnx.TensorProto, dtype), onnx.helper
    names = ["embeddings", *(f"other{i}" for i in range(1, len(gives)))]
    graph = helper.make_graph(
        [helper.make_node(*node[:3], **(node[3] if len(node) > 3 else {})) for node in nodes],
        "network",
        [helper.make_tensor_value_info("images", kind, takes)],
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in zip(names, gives, strict=True)],
        [onnx.numpy_helper.from_array(np.array(value), name) for name, value in (constants or {}).items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), file)
    return file


def write_openvino(file: Path, *, batch: int = 1, fixed: bool = False) -> Path:
    """The pixels as they go in; `fixed` for a network that can only compute so many at a time."""
    import openvino
    from openvino import opset13 as ops

    images = ops.parameter([batch, 3, *SIZE], np.float32, name="images")
    shape = [batch, PIXELS] if fixed else [0, -1]
    flat = ops.reshape(images, ops.constant(np.array(shape, np.int64)), special_zero=not fixed)
    openvino.save_model(openvino.Model([flat], [images]), file, compress_to_fp16=False)
    return file
