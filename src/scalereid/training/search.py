"""The search for where instance norm belongs: its steps, its temperature, and how far it has come."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from scalereid.models.genotype import PLACEMENTS, Genotype, Placement
from scalereid.models.supernet import SuperNet
from scalereid.training import Precision
from scalereid.training.state import TrainingState
from scalereid.training.step import OrdinaryStep

UNDECIDED = 0.9
"""A block is undecided while the entropy of its placements is above this share of the largest."""


def temperature(epoch: int, *, start: float = 10.0, halve_every: int = 20, lowest: float = 1.0) -> float:
    """The temperature in epoch 0, 1, …: halved every `halve_every` epochs, to `lowest` at least.

    With the defaults 10, 5, 2.5, 1.25, 1, as published.
    """
    halvings: float = 0.5 ** (epoch // halve_every)
    return max(lowest, start * halvings)


class BlockChoice(NamedTuple):
    """The likeliest placement of a block, and by how much."""

    placement: Placement
    probability: float
    second: Placement
    """The second likeliest."""
    margin: float
    """By how much it is less likely."""
    entropy: float
    decided: bool
    """False while all placements are almost equally likely: while the entropy is above 90 % of the largest."""


@dataclass(frozen=True)
class SearchState:
    """How far a search has come."""

    placements: tuple[Placement, ...]
    """Names of the candidates."""
    probabilities: tuple[tuple[float, ...], ...]
    """Of each candidate, for each block."""
    entropy: tuple[float, ...]
    """Of each block's probabilities, in nats: log 4 = 1.386 while nothing is decided, 0 when all is."""
    temperature: float

    @property
    def largest_entropy(self) -> float:
        """The entropy of placements that are all equally likely."""
        return math.log(len(self.placements))

    def choices(self) -> list[BlockChoice]:
        """What is chosen for each block so far."""
        found = []
        for probabilities, entropy in zip(self.probabilities, self.entropy, strict=True):
            ranked = sorted(zip(probabilities, self.placements, strict=True), key=lambda each: -each[0])
            (first, placement), (next_, second) = ranked[:2]
            decided = entropy <= UNDECIDED * self.largest_entropy
            found.append(BlockChoice(placement, first, second, first - next_, entropy, decided))
        return found

    def undecided(self) -> list[int]:
        """Numbers of the blocks, from 1, that are undecided."""
        return [number for number, choice in enumerate(self.choices(), 1) if not choice.decided]

    def verdict(self) -> str:
        """Whether the search has decided, in words."""
        blocks = self.undecided()
        if not blocks:
            return f"decided in all {len(self.entropy)} blocks"
        return f"undecided in {len(blocks)} of {len(self.entropy)} blocks: {', '.join(map(str, blocks))}"

    def to_json(self) -> dict[str, Any]:
        """The state as JSON values."""
        return asdict(self)


class SearchStep(OrdinaryStep):
    """A step of a super-network's weights and architecture.

    Args:
        state: Changed in place by each call. The optimizer's second group of parameters is the architecture.
        supernet: The model's backbone.
        temperature: Temperature of the drawn choices, by epoch.
        samples: Number of times that each batch moves the parameters, each with a draw of its own.
        bilevel: The first half of each batch moves the weights, then the second half the architecture.
        precision, classifier_only_epochs, open_embedding: See `OrdinaryStep`.
    """

    def __init__(
        self,
        state: TrainingState,
        supernet: SuperNet,
        *,
        temperature: Callable[[int], float],
        samples: int = 1,
        bilevel: bool = False,
        precision: Precision = "float32",
        classifier_only_epochs: int = 0,
        open_embedding: bool = False,
    ) -> None:
        super().__init__(
            state,
            precision=precision,
            classifier_only_epochs=classifier_only_epochs,
            open_embedding=open_embedding,
        )
        self.supernet, self.temperature, self.samples, self.bilevel = supernet, temperature, samples, bilevel

    def begin_epoch(self) -> None:
        """Set the temperature too."""
        super().begin_epoch()
        self.supernet.temperature.fill_(self.temperature(self.state.epoch))

    def __call__(self, images: Tensor, labels: Tensor) -> Tensor:
        """See `Step`."""
        sums = torch.zeros_like(self.state.sums)
        for _ in range(self.samples):
            sums += self._halves(images, labels) if self.bilevel else self._descend(images, labels)
        return sums / self.samples

    def _halves(self, images: Tensor, labels: Tensor) -> Tensor:
        half = len(images) // 2
        values = self._descend(images[:half], labels[:half], fixed=1)
        self._descend(images[half:], labels[half:], fixed=0)
        return values

    def _descend(self, images: Tensor, labels: Tensor, *, fixed: int | None = None) -> Tensor:
        """Move the parameters by one draw; those of the optimizer's group `fixed` stay as they are."""
        optimizer = self.state.optimizer
        optimizer.zero_grad()
        values = self.backward(images, labels)
        if fixed is not None:
            for parameter in optimizer.param_groups[fixed]["params"]:
                parameter.grad = None
        self.update()
        return values

    def search_state(self) -> SearchState:
        """How far the search has come."""
        probabilities = self.supernet.probabilities.detach().double().cpu()
        entropy = -(probabilities * probabilities.clamp_min(1e-300).log()).sum(dim=1)
        return SearchState(
            PLACEMENTS,
            tuple(tuple(block) for block in probabilities.tolist()),
            tuple(entropy.tolist()),
            float(self.supernet.temperature),
        )

    def genotype(self, origin: str) -> Genotype:
        """The likeliest network so far; `origin` says which search found it."""
        return self.supernet.genotype(origin)
