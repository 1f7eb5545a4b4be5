"""A recorded network as a model of ONNX."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalereid import __version__
from scalereid.inference.export.operators import Input, nodes
from scalereid.inference.export.recording import INPUT, Recorded, Value

OPSET = 20
"""Version of ONNX's operators."""
_FORMAT = 10  # of the file: the first with that operator set is 9, and later ones are not read by older runtimes
OUTPUT, BATCH = "embeddings", "batch"


def onnx_model(recorded: Recorded, image: Tensor) -> Any:
    """The `ModelProto` of a network for any number of images.

    Args:
        recorded: What `record` found.
        image: An image (1, ...) as the network takes it.

    Raises:
        NotRecordedError: It calls a function that has no operator here.
    """
    from onnx import TensorProto, helper, numpy_helper

    written, numbers = [], dict[str, NDArray[Any]]()

    def name(value: Input) -> str:
        if isinstance(value, Value):
            return value.name
        if value is None:  # left out
            return ""
        array = np.array(value, np.float32 if isinstance(value, float) else np.int64)
        numbers.setdefault(label := f"number {array.tolist()} {array.dtype}", array)
        return label

    for call in recorded.calls:
        for node, result in zip(nodes(call), call.results, strict=True):
            attributes: Any = node.attributes
            inputs = [name(each) for each in node.inputs]
            written.append(helper.make_node(node.operator, inputs, [result.name], result.name, **attributes))
    written.append(helper.make_node("Identity", [recorded.output.name], [OUTPUT]))
    constants = {label: tensor.contiguous().numpy() for label, tensor in recorded.constants.items()} | numbers
    kind = TensorProto.UINT8 if image.dtype == torch.uint8 else TensorProto.FLOAT
    graph = helper.make_graph(
        written,
        "scalereid",
        [helper.make_tensor_value_info(INPUT, kind, [BATCH, *image.shape[1:]])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [BATCH, *recorded.output_shape[1:]])],
        [numpy_helper.from_array(array, label) for label, array in constants.items()],
    )
    return helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=_FORMAT,
        producer_name="scalereid",
        producer_version=__version__,
    )
