"""What a model is trained for: a weighted sum of terms, each from an epoch on."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from scalereid.training.terms.term import Outputs, Term


class ScheduledTerm(NamedTuple):
    """A term, its name in the log, and the epochs, from 0, in which it counts."""

    name: str
    term: Term
    weight: float = 1.0
    first_epoch: int = 0
    last_epoch: int | None = None
    watch_from: int = 0
    """First epoch in which it is computed for the log even if it does not count yet: the batches must allow it."""

    def counts(self, epoch: int) -> bool:
        """True if it is part of the total in `epoch`."""
        return self.first_epoch <= epoch and (self.last_epoch is None or epoch <= self.last_epoch)

    def computed(self, epoch: int) -> bool:
        """True if it is computed in `epoch`."""
        return min(self.watch_from, self.first_epoch) <= epoch

    @property
    def logged(self) -> tuple[str, ...]:
        """Names of its values in the log."""
        return (self.name, *self.term.observes)


class Losses(NamedTuple):
    """The loss of a batch and its parts, each a scalar."""

    total: Tensor
    parts: dict[str, Tensor]
    """By their names in the log: each term's loss before its weight, and what the term observes."""

    def stacked(self, names: Sequence[str]) -> Tensor:
        """The values of `names`, without gradients; 0 for what is not computed in this epoch."""
        values = {"total": self.total, **self.parts}
        absent = torch.zeros_like(self.total)
        return torch.stack([values.get(name, absent) for name in names]).detach()


class Objective(nn.Module):
    """Embeddings and labels to a loss: the sum of each term's loss times its weight, in the order of `terms`.

    Classifiers are part of the terms, not of the model, which is without them once it is trained.

    Raises:
        ValueError: Two terms log a value under the same name.
    """

    def __init__(self, terms: Sequence[ScheduledTerm]) -> None:
        super().__init__()
        self.scheduled = tuple(terms)
        self.terms = nn.ModuleDict({scheduled.name: scheduled.term for scheduled in terms})
        self.logged: tuple[str, ...] = ("total", *(name for scheduled in terms for name in scheduled.logged))
        """Names of all values that are logged in any epoch."""
        if twice := sorted({name for name in self.logged if self.logged.count(name) > 1}):
            raise ValueError(f"Two terms of the objective log {', '.join(twice)}; rename one of them")

    def forward(self, outputs: Outputs, *, epoch: int = 0) -> Losses:
        """The losses of a batch in the given epoch, from 0.

        Raises:
            ValueError: No term counts in this epoch, or a term does not return what it says that it observes.
        """
        parts: dict[str, Tensor] = {}
        total: Tensor | None = None
        for scheduled in self.scheduled:
            if not scheduled.computed(epoch):
                continue
            loss, observed = scheduled.term(outputs)
            if set(observed) != set(scheduled.term.observes):
                raise ValueError(
                    f"Term {scheduled.name} returned the values {sorted(observed)}, but its `observes` is "
                    f"{list(scheduled.term.observes)}"
                )
            parts |= {scheduled.name: loss, **{name: observed[name] for name in scheduled.term.observes}}
            if scheduled.counts(epoch):
                total = scheduled.weight * loss if total is None else total + scheduled.weight * loss
        if total is None:
            raise ValueError(f"No term of the objective counts in epoch {epoch}")
        return Losses(total, parts)

    def logged_in(self, epoch: int) -> tuple[str, ...]:
        """Names of the values that are computed in `epoch`."""
        return ("total", *(name for term in self.scheduled if term.computed(epoch) for name in term.logged))

    def phase(self, epoch: int) -> Hashable:
        """A value that changes when other terms are computed or count."""
        return tuple((term.computed(epoch), term.counts(epoch)) for term in self.scheduled)
