"""One training step, recorded once and replayed on a GPU."""

import sys
import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from scalereid.models.embedding_model import EmbeddingModel
from scalereid.training.objective import Objective

Precision = Literal["float32", "bfloat16", "float16"]
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_WARM_UP = 3  # steps before recording: libraries choose their kernels and allocate their workspaces


@dataclass
class Training:
    """Everything that changes while a model is trained, and so everything that a resumed training needs."""

    model: EmbeddingModel
    objective: Objective
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    trainable: list[nn.Parameter]  # of the model; frozen while the classifier trains alone
    sums: Tensor  # of each logged loss over the steps done in this epoch; not finite as soon as one was not
    epoch: int = 0  # in progress
    step: int = 0  # done in it

    def means(self) -> dict[str, float]:
        """The mean of each loss over the epoch so far."""
        return dict(zip(self.objective.logged, (self.sums / max(self.step, 1)).tolist(), strict=True))


class TrainingStep:
    """Forward, backward and optimizer for one batch: weights change, losses come back.

    A network of many small layers keeps a GPU waiting for the host, which takes longer to launch a kernel than the GPU to
    run it. So the kernels of a step are recorded (as a CUDA graph) and from then on replayed, with the same result. Not in
    float16, whose loss scale may skip a step; and a network that asks the host something in between goes on unrecorded,
    with a warning.

    Args:
        training: advanced in place by each call.
        precision: of the layers.
        samples: forwards whose mean loss a step follows, for a network that draws something in each.
        bilevel: the first half of each batch moves the optimizer's first group of parameters, then the second half the
            second: weights and architecture, in a search.
    """

    def __init__(self, training: Training, precision: Precision, *, samples: int = 1, bilevel: bool = False) -> None:
        self.training, self.precision, self.samples, self.bilevel = training, precision, samples, bilevel
        self.device = training.sums.device
        fixed = not training.scaler.is_enabled() and not training.model.backbone.asks_host
        self.recordable = self.device.type == "cuda" and fixed
        self.phase: Hashable = None
        self.graph: torch.cuda.CUDAGraph | None = None
        self.taken = 0  # steps of this phase, unrecorded
        self.images = self.labels = self.losses = torch.empty(0)  # what the recording reads and writes
        if self.recordable:
            self.stream = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
            self.rate = torch.zeros((), device=self.device)
            for group in training.optimizer.param_groups:
                group["lr"] = self.rate  # read at each replay

    def __call__(self, images: Tensor, labels: Tensor, *, rate: float, phase: Hashable) -> Tensor:
        """Take a step at the given learning rate; returns the losses that `Objective.logged` names.

        A step is recorded anew whenever `phase` changes: when other weights are trained, or for another loss.
        """
        if not self.recordable:
            for group in self.training.optimizer.param_groups:
                group["lr"] = rate
            return self._take(images, labels)
        if phase != self.phase:
            self.phase, self.graph, self.taken = phase, None, 0
        self.rate.fill_(rate)
        if self.graph is None and self.taken >= _WARM_UP:
            self._record(images, labels)
        if self.graph is None:
            self.taken += 1
            self.stream.wait_stream(torch.cuda.current_stream(self.device))
            with torch.cuda.stream(self.stream):  # where it will be recorded, as autograd remembers its streams
                losses = self._take(images, labels)
            torch.cuda.current_stream(self.device).wait_stream(self.stream)
            return losses
        self.images.copy_(images)
        self.labels.copy_(labels)
        self.graph.replay()
        return self.losses

    def _take(self, images: Tensor, labels: Tensor) -> Tensor:
        if not self.bilevel:
            return self._descend(images, labels, self.training.optimizer.param_groups)
        weights, architecture = self.training.optimizer.param_groups
        half = len(images) // 2
        losses = self._descend(images[:half], labels[:half], [weights])
        self._descend(images[half:], labels[half:], [architecture])
        return losses

    def _descend(self, images: Tensor, labels: Tensor, groups: Sequence[dict[str, Any]]) -> Tensor:
        """A step of these parameter groups alone, down the gradient of the mean over `samples` forwards."""
        training = self.training
        training.optimizer.zero_grad()
        sums = torch.zeros_like(training.sums)
        for _ in range(self.samples):
            with torch.autocast(self.device.type, _DTYPES[self.precision], enabled=self.precision != "float32"):
                embeddings, stage_maps = training.model.with_stages(images)
                losses = training.objective(embeddings, labels, stage_maps, epoch=training.epoch)
            training.scaler.scale(losses.total / self.samples).backward()
            sums += torch.stack([*losses.parts().values()]).detach()
        for group in training.optimizer.param_groups:
            if not any(group is moving for moving in groups):
                for parameter in group["params"]:
                    parameter.grad = None  # and so left as it is
        training.scaler.step(training.optimizer)
        training.scaler.update()
        return sums / self.samples

    def _record(self, images: Tensor, labels: Tensor) -> None:
        self.images, self.labels = images.clone(), labels.clone()
        self.training.optimizer.zero_grad()  # so that the gradients are the recording's own
        graph = torch.cuda.CUDAGraph()
        try:
            # Other threads may go on talking to the GPU: one may be reading the next batches.
            with torch.cuda.graph(graph, stream=self.stream, capture_error_mode="thread_local"):
                self.losses = self._take(self.images, self.labels)
        except RuntimeError as error:
            self.taken = -sys.maxsize  # not again
            reason = str(error).splitlines()[0]
            warnings.warn(f"this network's steps cannot be recorded, so training is slower: {reason}", stacklevel=2)
        else:
            self.graph = graph
