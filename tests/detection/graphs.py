"""Tiny ONNX detectors, which give the same known outputs for any picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZE = (64, 96)
"""(height, width) of their input: 96 + 24 + 6 = 126 cells at the strides 8, 16 and 32."""
CELLS = 126


def write_detector(
    file: Path,
    outputs: Mapping[str, NDArray[Any]],
    *,
    takes: Sequence[int | str] = (1, 3, *SIZE),
    sizes: bool = False,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """A detector that gives these arrays; float ones depend on the picture, which is multiplied by zero and added.

    Args:
        file: Where to write it.
        outputs: What it gives.
        takes: The shape of its input.
        sizes: Whether it also takes `orig_target_sizes`, by which boxes from 0 to 1 are multiplied.
        metadata: What its file says.
    """
    import onnx

    helper = onnx.helper
    inputs = [helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, takes)]
    constants = [onnx.numpy_helper.from_array(np.array([0.0], np.float32), "zero")]
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
    ]
    if sizes:
        inputs.append(helper.make_tensor_value_info("orig_target_sizes", onnx.TensorProto.INT64, (1, 2)))
        nodes += [
            helper.make_node("Cast", ["orig_target_sizes"], ["size"], to=onnx.TensorProto.FLOAT),
            helper.make_node("Concat", ["size", "size"], ["size_twice"], axis=1),
        ]
    for name, values in outputs.items():
        constants.append(onnx.numpy_helper.from_array(values, f"{name}_known"))
        if sizes and name == "boxes":
            nodes.append(helper.make_node("Mul", [f"{name}_known", "size_twice"], [name]))
        elif values.dtype == np.float32:
            nodes.append(helper.make_node("Add", [f"{name}_known", "nothing"], [name]))
        else:
            nodes.append(helper.make_node("Identity", [f"{name}_known"], [name]))
    gives = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(values.dtype), values.shape)
        for name, values in outputs.items()
    ]
    model = helper.make_model(
        helper.make_graph(nodes, "detector", inputs, gives, constants),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=10,
    )
    helper.set_model_props(model, dict(metadata or {}))
    onnx.save(model, file)
    return file


def yolox(
    boxes: Sequence[tuple[int, tuple[float, float, float, float], float]], classes: int = 2
) -> NDArray[np.float32]:
    """The raw grid of YOLOX (1, 126, 5 + classes): in some cells a box as the network gives it, and a person of that score."""
    found = np.zeros((1, CELLS, 5 + classes), np.float32)
    for cell, box, score in boxes:
        found[0, cell, :4], found[0, cell, 4], found[0, cell, 5] = box, 1, score
    return found
