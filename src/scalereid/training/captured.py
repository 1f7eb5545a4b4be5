"""A training step on a GPU, captured once as a CUDA graph and replayed."""

import warnings
from collections.abc import Hashable

import torch
from torch import Tensor

from scalereid.models.cuda_graphs import WARM_UP, CudaGraph
from scalereid.training.state import TrainingState
from scalereid.training.step import Step


class CapturedStep:
    """A capturable step of `state`, with the same result and without launching its kernels one by one.

    It is captured anew whenever its phase changes. A step that turns out to ask the host something is taken uncaptured, with a
    warning.
    """

    capturable = False  # a second time

    def __init__(self, step: Step, state: TrainingState) -> None:
        self.step, self.state = step, state
        self.graph = CudaGraph(step, state.device)
        self.phase: Hashable = None
        self.taken = 0  # steps of this phase before it is captured
        self.failed = False  # to capture this phase

    def begin_epoch(self) -> None:
        """Prepare the step, and forget what was captured if it computes something else from now on."""
        self.step.begin_epoch()
        if self.step.phase == self.phase:
            return
        self.phase, self.taken, self.failed = self.step.phase, 0, False
        self.graph.reset()
        for group in self.state.optimizer.param_groups:
            group["lr"] = torch.zeros((), device=self.state.device)  # which the graph reads at each replay

    def __call__(self, images: Tensor, labels: Tensor) -> Tensor:
        """See `Step`. The first few steps of a phase are taken uncaptured, which warms up the kernels' libraries."""
        if self.taken >= WARM_UP and not self.graph.captured and not self.failed:
            self._capture(images, labels)
        if self.graph.captured:
            return self.graph(images, labels)
        self.taken += 1
        return self.graph.eager(images, labels)

    def _capture(self, images: Tensor, labels: Tensor) -> None:
        self.state.optimizer.zero_grad()  # so that the gradients lie in the graph's own memory
        try:
            self.graph.capture(images, labels)
        except RuntimeError as error:
            self.failed = True
            reason = str(error).splitlines()[0]
            message = f"The training step cannot be captured as a CUDA graph, so training is slower: {reason}"
            warnings.warn(message, stacklevel=3)
