"""What a run was trained and scored on, for the record."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from scalereid.data.protocols import Protocol
from scalereid.data.records import Counts, ReidDataset
from scalereid.runs.log import EpochLog
from scalereid.typed_json import from_json


@dataclass(frozen=True)
class DatasetFacts:
    """A dataset as it was when it was read."""

    name: str
    root: str
    """Absolute path of its folder; empty in weights, which travel without it."""
    counts: dict[str, Counts]
    """People, images, cameras and tracklets of each split."""
    left_out: dict[str, int]
    """Files in its folders that are in no split, by reason."""
    protocol: Protocol
    fingerprint: str

    def to_json(self) -> dict[str, Any]:
        """The facts as JSON values."""
        return asdict(self) | {"counts": {split: counts._asdict() for split, counts in self.counts.items()}}


@dataclass(frozen=True)
class RunDatasets:
    """The datasets of a run."""

    data: str
    """The folder that was given as `data`."""
    source: DatasetFacts
    """What it is trained on."""
    target: DatasetFacts
    """What it is scored on; the same, where the recipe names no other dataset."""
    also: dict[str, DatasetFacts] = field(default_factory=dict)
    """What it is scored on after the last epoch only, by its name in the recipe's `evaluation.also`."""
    attributes: str = ""
    """Fingerprint of the table of attributes; empty without one."""

    @property
    def targets(self) -> tuple[DatasetFacts, ...]:
        """All that it is scored on, in the order of the recipe's `targets`."""
        return (self.target, *self.also.values())

    def to_json(self) -> dict[str, Any]:
        """The datasets as JSON values."""
        also = {name: facts.to_json() for name, facts in self.also.items()}
        source, target = self.source.to_json(), self.target.to_json()
        return {"data": self.data, "source": source, "target": target, "also": also, "attributes": self.attributes}

    @classmethod
    def from_json(cls, values: Any) -> "RunDatasets":
        """The datasets that `to_json` gave.

        Raises:
            ValueError: The values are something else; the message names the one that does not fit.
        """
        return from_json(cls, values, "dataset")


@dataclass(frozen=True)
class TrainedFacts:
    """What weights know about their training; nothing for released ones."""

    log: EpochLog | None = None
    """The epoch after which they were saved."""
    dataset: DatasetFacts | None = None
    """What they were trained on, without its folder."""

    @property
    def epoch(self) -> int | None:
        """Number of epochs they were trained for; None if not known."""
        return self.log.epoch if self.log else None

    def to_json(self) -> dict[str, Any]:
        """The facts as JSON values."""
        return {
            "log": self.log.to_json() if self.log else None,
            "dataset": replace(self.dataset, root="").to_json() if self.dataset else None,
        }

    @classmethod
    def from_json(cls, values: Any) -> "TrainedFacts":
        """The facts that `to_json` gave.

        Raises:
            ValueError: The values are something else; the message names the one that does not fit.
        """
        log = values.get("log") if isinstance(values, dict) else None
        others: TrainedFacts = from_json(cls, values | {"log": None} if log else values, "trained")
        return replace(others, log=EpochLog.from_json(log)) if log else others


def describe(dataset: ReidDataset) -> DatasetFacts:
    """The facts about a dataset as it is now."""
    return DatasetFacts(
        name=dataset.name,
        root=str(dataset.root.absolute()),
        counts=dataset.counts(),
        left_out=dict(dataset.left_out),
        protocol=dataset.protocol,
        fingerprint=dataset.fingerprint(),
    )
