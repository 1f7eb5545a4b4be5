"""The part of a gallery that needs no model: what is in it, whether it is whole, and what is to be deleted."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from scalereid.gallery.address import Where, index_folder, open_ledger
from scalereid.gallery.answers import Thresholds
from scalereid.gallery.checking import Stats, find_problems, take_stock
from scalereid.gallery.constraints import Constraints
from scalereid.gallery.corrections import Corrections
from scalereid.gallery.exporting import export_identity
from scalereid.gallery.forgetting import forget, overwrite
from scalereid.gallery.history import History
from scalereid.gallery.indexes import Index, open_index
from scalereid.gallery.ledger import GalleryModel
from scalereid.gallery.retention import Retention, overdue
from scalereid.gallery.sightings import Sighting
from scalereid.typed_json import from_json

if TYPE_CHECKING:
    from scalereid.retrieval.calibration import Calibration


class Upkeep(Corrections):
    """A gallery without its model.

    Args:
        where: Its folder, or the URL of its database.
        by: Who works with it.

    Raises:
        FileNotFoundError: There is no gallery.
        ValueError: It is damaged, or of a later version.
    """

    def __init__(self, where: Where, by: str) -> None:
        self.where, self.ledger = where, open_ledger(where)
        super().__init__(History(self.ledger.engine), by)
        self._indexes: dict[int, Index] = {}

    @property
    def model(self) -> GalleryModel:
        """The model whose embeddings are searched.

        Raises:
            ValueError: There is none, as the process that made the gallery was killed before it was done.
        """
        if (active := self.ledger.settings().get("model")) is None:
            raise ValueError(
                f"{self.ledger.name} was not made to the end, and is empty; delete it, and create it again"
            )
        return next(model for model in self.ledger.models() if model.number == active)

    @property
    def index(self) -> Index:
        """What searches the embeddings of its model."""
        return self.index_of(self.model)

    def index_of(self, model: GalleryModel) -> Index:
        """What searches the embeddings of one of its models."""
        if model.number not in self._indexes:
            folder = index_folder(self.where, self.ledger)
            self._indexes[model.number] = open_index(self.ledger.settings()["index"], folder, self.ledger, model)
        return self._indexes[model.number]

    def sightings(self, numbers: Sequence[int]) -> dict[int, Sighting]:
        """Sightings by their numbers, as far as they are there."""
        return self.ledger.sightings(numbers)

    # Whether it is whole

    def stats(self) -> Stats:
        """What is in it."""
        return take_stock(self.ledger, self.history, self.model)

    def check(self) -> list[str]:
        """What is wrong with it, in sentences; nothing is changed."""
        return find_problems(self.ledger, self.history, self.model, self.index)

    def rebuild(self) -> None:
        """Write its index anew from the database. Nothing that was said is lost: it is not in the index."""
        self.index.rebuild()

    # What is to be deleted

    def forget(self, *, identity: int | None = None, sightings: Sequence[int] = ()) -> list[int]:
        """Delete an identity with all its sightings, or single sightings; the numbers of those deleted. See `forget`."""
        try:
            return forget(self.history, identity=identity, sightings=sightings, by=self.by)
        finally:  # also of what is deleted, and could not be overwritten
            for model in self.ledger.models():
                self.index_of(model).catch_up()

    def overwrite(self) -> None:
        """Overwrite what was forgotten and could not be overwritten then. See `overwrite`."""
        overwrite(self.ledger.engine)

    @property
    def thresholds(self) -> Thresholds:
        """Probabilities from which on an answer is likely, or possible."""
        found: Thresholds = from_json(Thresholds, self.ledger.settings().get("thresholds", {}), "thresholds")
        return found

    @thresholds.setter
    def thresholds(self, thresholds: Thresholds) -> None:
        self.ledger.set(thresholds=vars(thresholds))

    @property
    def calibration(self) -> "Calibration | None":
        """What distances between the model's embeddings mean; None if it is not known."""
        return self.model.calibrated

    @calibration.setter
    def calibration(self, calibration: "Calibration") -> None:
        model = self.model
        calibration.check(model.fingerprint, "cosine")
        self.ledger.calibrate(model.number, calibration.to_text())

    @property
    def constraints(self) -> Constraints:
        """What cannot be one person: who was in two places at once."""
        found: Constraints = from_json(Constraints, self.ledger.settings().get("constraints", {}), "constraints")
        return found

    @constraints.setter
    def constraints(self, constraints: Constraints) -> None:
        self.ledger.set(constraints=vars(constraints))

    @property
    def retention(self) -> Retention:
        """How long sightings are kept."""
        found: Retention = from_json(Retention, self.ledger.settings().get("retention", {}), "retention")
        return found

    @retention.setter
    def retention(self, rules: Retention) -> None:
        self.ledger.set(retention=rules.to_json())

    def overdue(self, at: datetime | None = None) -> list[int]:
        """The numbers of sightings that have been kept for longer than the rules say, by `at`, by default now."""
        return overdue(self.ledger, self.identities, self.retention, at)

    def export_identity(self, identity: int, folder: Path) -> int:
        """Write all that is known of an identity into a new folder; the number of its sightings. See `export_identity`."""
        return export_identity(self.ledger, self.history, identity, folder)
