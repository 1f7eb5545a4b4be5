"""One training step: a batch in, changed weights and the values to log out."""

from collections.abc import Callable, Hashable
from typing import Protocol

import torch
from torch import Tensor

from scalereid.distributed import processes
from scalereid.training import Precision
from scalereid.training.exchange import average_gradients, whole
from scalereid.training.state import TrainingState
from scalereid.training.terms.term import Outputs

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Step(Protocol):
    """A way to train on batches. What it trains is its own: one model, or several."""

    phase: Hashable
    """A value that changes when steps compute something else than before: other weights learn, or from another loss."""

    @property
    def capturable(self) -> bool:
        """True if a GPU can capture the step, which asks the host nothing on the way, and replay it."""

    def begin_epoch(self) -> None:
        """Prepare for the epoch in the training state, which begins or is resumed."""

    def __call__(self, images: Tensor, labels: Tensor) -> Tensor:
        """Change the weights at the optimizer's learning rate; returns the values that the objective's `logged` names.

        `labels` are people (b,); or (b, 1 + attributes), where the first column is people and the others are attributes.
        With several processes `images` and `labels` are this one's rows of the batch, and the values are the whole batch's.
        """


class OrdinaryStep:
    """Forward, backward and optimizer for one model.

    Args:
        state: Changed in place by each call.
        precision: Arithmetic of the layers; weights, gradients and the loss stay float32.
        classifier_only_epochs: Number of epochs at the start in which only the objective's classifiers learn. The model is
            frozen and in evaluation mode, so that its running statistics do not change either.
        open_embedding: In these epochs the model's embedding layer learns, too: for weights that have none.
        accumulate: Number of parts in which a batch is computed, with as many images each: activations are of one at a time.
        teacher: Images to logits (b, people), for an objective that learns from them.
    """

    def __init__(
        self,
        state: TrainingState,
        *,
        precision: Precision = "float32",
        classifier_only_epochs: int = 0,
        open_embedding: bool = False,
        accumulate: int = 1,
        teacher: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.state, self.precision = state, precision
        self.classifier_only_epochs, self.open_embedding = classifier_only_epochs, open_embedding
        self.accumulate, self.teacher = accumulate, teacher
        self.trainable = [parameter for parameter in state.model.parameters() if parameter.requires_grad]
        self.phase: Hashable = None

    @property
    def capturable(self) -> bool:
        """False in float16, whose loss scale may skip a step, and for several processes.

        Also for a backbone that asks the host, as one does that computes its blocks again.
        """
        model, scaler = self.state.model, self.state.scaler
        recompute = any(network.backbone.recompute for network in model.networks)
        return model.capturable and not recompute and not scaler.is_enabled() and processes() == 1

    def begin_epoch(self) -> None:
        """Freeze the model for the classifier-only epochs, and release it after them."""
        classifier_only, model = self.state.epoch < self.classifier_only_epochs, self.state.model
        open_parts = [network.embedding for network in model.networks] if self.open_embedding else []
        opened = {id(parameter) for part in open_parts for parameter in part.parameters()}
        for parameter in self.trainable:
            parameter.requires_grad_(not classifier_only or id(parameter) in opened)
        model.train(not classifier_only)
        for part in (*open_parts, self.state.objective):
            part.train()
        self.phase = classifier_only, self.state.objective.phase(self.state.epoch)

    def __call__(self, images: Tensor, labels: Tensor) -> Tensor:
        """See `Step`."""
        self.state.optimizer.zero_grad()
        values = self.backward(images, labels)
        self.update()
        return values

    def backward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Add the gradients of the loss; returns the values to log."""
        values = torch.zeros_like(self.state.sums)
        # In one piece each: of several processes, each then has its rows of the parts that one process has.
        parts = zip(images.tensor_split(self.accumulate), labels.tensor_split(self.accumulate), strict=True)
        for own_images, own_labels in parts:
            values += self._backward(own_images, own_labels, self.accumulate)
        return values / self.accumulate

    def _backward(self, images: Tensor, labels: Tensor, share: int) -> Tensor:
        """Add the gradients of the loss of a part of a batch, divided by `share`, the number of parts."""
        state = self.state
        with torch.autocast(state.device.type, _DTYPES[self.precision], enabled=self.precision != "float32"):
            embeddings, stage_maps, features = state.model.with_stages(images)
            taught = self.teacher(images) if self.teacher else None
            people, attributes = (labels, None) if labels.dim() == 1 else (labels[:, 0], labels[:, 1:])
            outputs = whole(Outputs(embeddings, people, stage_maps, features, taught, attributes))
            losses = state.objective(outputs, epoch=state.epoch)
        state.scaler.scale(losses.total / share).backward()
        return losses.stacked(state.objective.logged)

    def update(self) -> None:
        """Move the parameters down their gradients; those that have none stay."""
        groups = self.state.optimizer.param_groups
        average_gradients(parameter for group in groups for parameter in group["params"])
        self.state.scaler.step(self.state.optimizer)
        self.state.scaler.update()
