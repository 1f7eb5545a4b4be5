"""torch: the model itself, on a CPU or a GPU."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scalereid.data.augmentation import normalise
from scalereid.inference.metadata import Precision
from scalereid.inference.runtimes.pytorch_program import ProgramRuntime, inspect_program
from scalereid.models.cuda_graphs import CapturedSizes
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.fusing import fuse_batch_norms
from scalereid.models.merging import merge_streams


class PyTorchRuntime:
    """A copy of a model with fused batch norms, channels last.

    On a GPU it is captured as CUDA graphs, with merged streams where that is faster. Its files are of `ProgramRuntime`.
    """

    name = "torch"
    workers = 1  # each thread that calls torch would start a team of threads of its own

    def __init__(
        self, model: EmbeddingModel, precision: Precision, device: torch.device, *, capture: bool = True
    ) -> None:
        self.precision, self.device = precision, device
        dtype: torch.dtype = getattr(torch, precision)
        network = fuse_batch_norms(model)
        self.compute = _on_pixels(network, device, dtype)
        if capture and device.type == "cuda" and model.capturable:
            merged = merge_streams(network)
            functions = [self.compute] if merged is None else [self.compute, _on_pixels(merged, device, dtype)]
            self.compute = CapturedSizes(functions)

    @classmethod
    def of_model(cls, model: EmbeddingModel, _: object, precision: Precision, device: torch.device) -> "PyTorchRuntime":
        """See `RuntimeClass`."""
        return cls(model, precision, device)

    of_file = staticmethod(ProgramRuntime.of_file)
    as_written: ClassVar = ProgramRuntime
    inspect = staticmethod(inspect_program)

    @torch.inference_mode()
    def __call__(self, pixels: NDArray[np.uint8], *, concurrent: bool = False) -> NDArray[np.float32]:  # noqa: ARG002 - one worker
        """See `Runtime`."""
        embeddings: NDArray[np.float32] = self.compute(torch.from_numpy(pixels).to(self.device)).cpu().numpy()
        return embeddings


def _on_pixels(network: nn.Module, device: torch.device, dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    placed: Any = network.to(device, dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    exact = device.type == "cuda" and dtype == torch.float32

    def compute(pixels: Tensor) -> Tensor:
        with _without_tf32() if exact else nullcontext():
            embeddings: Tensor = placed(normalise(pixels).to(dtype)).float()
        return embeddings

    return compute


_SETTING = threading.Lock()


@contextmanager
def _without_tf32() -> Iterator[None]:
    """Without TF32, which a GPU uses for float32 convolutions by default: 10 bits of 23. The setting is the process's."""
    with _SETTING:
        allowed = torch.backends.cudnn.allow_tf32
        torch.backends.cudnn.allow_tf32 = False
        try:
            yield
        finally:
            torch.backends.cudnn.allow_tf32 = allowed
