"""The log of a training: one entry per epoch."""

from dataclasses import dataclass, field, replace
from typing import Any

from scalereid.attributes.scores import AttributeScores
from scalereid.classification.scores import ClassScores
from scalereid.retrieval.scores import Scores
from scalereid.training.search import SearchState
from scalereid.typed_json import from_json
from scalereid.wording import duration

RESERVED = (
    "epoch",
    "seconds",
    "learning_rate",
    "scores",
    "search",
    "peer_scores",
    "both_scores",
    "also_scores",
    "attribute_scores",
    "class_scores",
)
"""Keys of an entry beside the losses, which therefore no loss can have."""


@dataclass(frozen=True)
class EpochLog:
    """What happened in an epoch."""

    epoch: int
    """Number of finished epochs; 0 is the untrained model."""
    seconds: float = 0.0
    losses: dict[str, float] = field(default_factory=dict)
    """Means over the epoch of the total loss, its terms and what they observe; empty for epoch 0."""
    learning_rate: float | None = None
    """The learning rate at the end of the epoch; None for epoch 0."""
    scores: Scores | None = None
    """The scores after the epoch, where it was evaluated."""
    search: SearchState | None = None
    """The state of the architecture search, where there is one."""
    peer_scores: Scores | None = None
    """The scores of the peer alone, in mutual learning."""
    both_scores: Scores | None = None
    """The scores of both networks' embeddings side by side, in mutual learning."""
    also_scores: dict[str, Scores] = field(default_factory=dict)
    """After the last epoch, the scores on each dataset of the recipe's `evaluation.also`, by its name there."""
    attribute_scores: AttributeScores | None = None
    """The scores of attributes, where they are learned and the epoch was evaluated."""
    class_scores: ClassScores | None = None
    """The scores of classes, where the dataset has classes and the epoch was evaluated."""

    def to_json(self) -> dict[str, Any]:
        """The entry as JSON values, the losses beside the other keys; what there is not is left out."""
        values: dict[str, Any] = {"epoch": self.epoch, "seconds": self.seconds, **self.losses}
        if self.learning_rate is not None:
            values["learning_rate"] = self.learning_rate
        for name in ("scores", "peer_scores", "both_scores", "attribute_scores", "class_scores"):
            scores: Scores | AttributeScores | ClassScores | None = getattr(self, name)
            if scores:
                values[name] = scores.to_json()
        if self.also_scores:
            values["also_scores"] = {name: scores.to_json() for name, scores in self.also_scores.items()}
        if self.search:
            values["search"] = self.search.to_json()
        return values

    @classmethod
    def from_json(cls, values: Any) -> "EpochLog":
        """The entry that `to_json` gave.

        Raises:
            ValueError: The values are something else; the message names the one that does not fit.
        """
        if not isinstance(values, dict):
            raise ValueError("an entry of a log is a group of named values")
        others = {name: value for name, value in values.items() if name in RESERVED}
        losses = {name: value for name, value in values.items() if name not in RESERVED}
        if odd := [name for name, value in losses.items() if not isinstance(value, int | float)]:
            raise ValueError(f"log.{odd[0]} is {losses[odd[0]]!r}, not a number")
        entry: EpochLog = from_json(cls, others, "log")
        if entry.epoch < 0:
            raise ValueError(f"log.epoch is {entry.epoch}; expected 0 or more")
        if losses and "total" not in losses:
            raise ValueError("log.total is missing")
        return replace(entry, losses=losses)  # which may be infinite

    def line(self, epochs: int) -> str:
        """The entry as a line to read, out of this many epochs."""
        parts = []
        if self.losses:
            parts.append(
                f"loss {self.losses['total']:.3f}{self._learned()}, learning rate {self.learning_rate:.2g}, "
                f"{duration(self.seconds)}"
            )
        if "hardest_positive" in self.losses:
            parts.append(f"hardest pairs {self.losses['hardest_positive']:.2f} / {self.losses['hardest_negative']:.2f}")
        if self.search:
            entropies = " ".join(f"{value:.2f}" for value in self.search.entropy)
            parts.append(f"entropies {entropies} of at most {self.search.largest_entropy:.2f}")
        networks = {"": self.scores, "peer ": self.peer_scores, "both ": self.both_scores}
        for of, scores in (networks | {f"{name}: ": scores for name, scores in self.also_scores.items()}).items():
            if scores:
                parts.append(f"{of}mAP {scores.mAP:.2%}, rank-1 {scores.rank(1):.2%}")
        if self.attribute_scores:
            parts.append(f"attributes: mA {self.attribute_scores.mA:.2%}, F1 {self.attribute_scores.F1:.2%}")
        if self.class_scores:
            parts.append(str(self.class_scores).replace("   ", ", "))
        return f"epoch {self.epoch}/{epochs}: {'; '.join(parts) or 'before training'}"

    def _learned(self) -> str:
        """How many training people and attributes are recognised."""
        named = {"accuracy": "{:.1%} classified right", "attribute_accuracy": "{:.1%} of attributes right"}
        return "".join(f", {words.format(self.losses[name])}" for name, words in named.items() if name in self.losses)
