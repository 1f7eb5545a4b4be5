"""A gallery: pictures of people that are found again, and what was said about who they are."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from scalereid.files import require_free
from scalereid.gallery import schema
from scalereid.gallery.adding import Added, add_files
from scalereid.gallery.answers import Answer, Thresholds, answer
from scalereid.gallery.events import Confirm, Enrol, Event, Merge, Reject, Rename, Split, Undo
from scalereid.gallery.exact import ExactIndex, Hits
from scalereid.gallery.filters import Filter
from scalereid.gallery.forgetting import forget
from scalereid.gallery.history import History
from scalereid.gallery.identities import Identities
from scalereid.gallery.ledger import GalleryModel, Ledger
from scalereid.gallery.naming import NameRule
from scalereid.gallery.sightings import Sighting
from scalereid.inference.embedder import Embedder
from scalereid.inference.items import find_items
from scalereid.inference.metadata import ModelMetadata
from scalereid.inference.opening import RuntimeOptions
from scalereid.progress import Progress
from scalereid.retrieval.calibration import Calibration

_LEDGER, _INDEX = "ledger.sqlite", "index"


class Gallery:
    """A gallery in a folder: its ledger, and an index that is derived from it.

    May be used from several threads and processes. What a call has recorded is there, whatever happens after it has returned.
    A context manager: `close` closes the database and the model.

    Attributes:
        folder: Where it is.
        by: Who works with it, for the record of events.
        ledger: Its database: sightings, embeddings, models.
        history: What was said about who is who.
    """

    def __init__(
        self,
        folder: str | PathLike[str],
        *,
        model: str | PathLike[str] | None = None,
        options: RuntimeOptions | None = None,
        by: str = "",
    ) -> None:
        """Open a gallery.

        Args:
            folder: Where it is.
            model: The run, weights or exported file of its model. Defaults to where it was when the gallery was made.
            options: What computes embeddings. Defaults to the fastest runtime that agrees with torch.
            by: Who works with it.

        Raises:
            FileNotFoundError: There is no gallery.
            ValueError: It is damaged, or of a later version.
        """
        self.folder, self.by = Path(folder), by
        if not (self.folder / _LEDGER).is_file():
            raise FileNotFoundError(f"No gallery at {folder}; create one first")
        self.ledger = Ledger(schema.connect(f"sqlite:///{self.folder / _LEDGER}"))
        self.history = History(self.ledger.engine)
        self._source, self._options = model, options or RuntimeOptions()
        self._embedder: Embedder | None = None
        self._indexes: dict[int, ExactIndex] = {}

    @classmethod
    def create(
        cls,
        folder: str | PathLike[str],
        model: str | PathLike[str],
        *,
        options: RuntimeOptions | None = None,
        by: str = "",
    ) -> Self:
        """Make a new gallery for a model's embeddings.

        Raises:
            FileExistsError: `folder` is there and not empty.
            OSError: It cannot be made.
            FileNotFoundError, ValueError: The model cannot be loaded: see `Embedder`.
        """
        require_free(Path(folder))
        embedder = Embedder(model, **vars(options or RuntimeOptions()))
        Path(folder).mkdir(parents=True, exist_ok=True)
        engine = schema.connect(f"sqlite:///{Path(folder) / _LEDGER}")
        schema.create(engine)
        gallery = cls(folder, model=model, options=options, by=by)
        gallery.ledger.add_model(embedder.metadata.fingerprint, embedder.metadata.to_json())
        gallery.ledger.set(model=str(Path(model).absolute()))
        gallery._embedder = embedder
        return gallery

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return (
            f"<Gallery {self.folder}: {self.ledger.count():,} sightings, {len(self.identities.by_number):,} identities>"
        )

    def close(self) -> None:
        """Close the database and the model."""
        self.ledger.close()
        if self._embedder:
            self._embedder.close()
            self._embedder = None

    # What it consists of

    @property
    def model(self) -> GalleryModel:
        """The model whose embeddings are searched: the one that was added last."""
        return self.ledger.models()[-1]

    @property
    def identities(self) -> Identities:
        """Who is who now."""
        return self.history.identities()

    @property
    def thresholds(self) -> Thresholds:
        """Probabilities from which on an answer is likely, or possible."""
        return Thresholds(**self.ledger.settings().get("thresholds", {}))

    @property
    def calibration(self) -> Calibration | None:
        """What distances between the model's embeddings mean; None if it is not known."""
        return Calibration.from_text(self.model.calibration) if self.model.calibration else None

    def embedder(self) -> Embedder:
        """Its model at work, which is loaded when it is first needed.

        Raises:
            FileNotFoundError: The model is not where it was.
            ValueError: It is another model than that of the gallery's embeddings.
        """
        if self._embedder is None:
            source = self._source or self.ledger.settings()["model"]
            if not Path(source).exists():
                raise FileNotFoundError(f"the gallery's model is not at {source} any more; name it anew with model=")
            embedder, own = Embedder(source, **vars(self._options)), self.model
            if embedder.metadata.fingerprint != own.fingerprint:
                made_by = ModelMetadata.from_json(own.metadata)
                raise ValueError(
                    f"{source} has the fingerprint {embedder.metadata.fingerprint}, but the gallery's embeddings are by "
                    f"{made_by.model}, {own.fingerprint}: they cannot be compared; use that model, or embed the gallery again"
                )
            self._embedder = embedder
        return self._embedder

    # Pictures

    def add(
        self,
        images: str | PathLike[str] | Sequence[str | PathLike[str]],
        rule: NameRule | None = None,
        *,
        keep_crops: bool = True,
        progress: Progress | None = None,
    ) -> Added:
        """Add pictures, each of one person. What is there is skipped, so a call that was stopped can be made again.

        Args:
            images: A folder with all folders below it, a pattern such as 'crops/*.jpg', one file, or several files.
            rule: What the names of files tell about camera, time and track. Defaults to nothing.
            keep_crops: Keep the pictures, too, so that they can be shown, and embedded by another model.
            progress: Where to show progress. Defaults to nowhere.

        Raises:
            FileNotFoundError: There are no such pictures, or the model is gone.
        """
        if isinstance(images, str | PathLike):
            files = [item.path for item in find_items(images)]
        else:
            files = [str(each) for each in images]
        rule = rule or NameRule()
        return add_files(
            self.ledger, self.model.number, self.embedder(), files, rule, keep_crops=keep_crops, progress=progress
        )

    def search(
        self,
        images: str | PathLike[str] | Sequence[str | PathLike[str]],
        *,
        top: int = 20,
        where: Filter | None = None,
        purpose: str = "",
    ) -> Answer:
        """Who is on a picture, or on several pictures of one person.

        Args:
            images: One or several files.
            top: Number of sightings to find for each of them.
            where: Conditions that sightings must meet.
            purpose: What the search is for, which is recorded.

        Raises:
            ValueError: A picture cannot be read; the message names it.
        """
        files = [images] if isinstance(images, str | PathLike) else list(images)
        embeddings = self.embedder()(files)
        self.ledger.record_search(
            {"pictures": len(files), "top": top, "where": repr(where or Filter())}, self.by, purpose
        )
        return self.find(embeddings, top=top, where=where)

    def find(self, embeddings: NDArray[np.float32], *, top: int = 20, where: Filter | None = None) -> Answer:
        """The same as `search` for embeddings (q, d) of one person by the gallery's model. Nothing is recorded."""
        return self._answer(self._index(self.model).search(embeddings, top, where))

    def similar(self, sighting: int, *, top: int = 20, where: Filter | None = None) -> Answer:
        """Who is on a sighting of the gallery: of others than those that it was said not to show.

        Raises:
            ValueError: There is no such sighting.
        """
        model = self.model
        vector = self.ledger.vector(model.number, sighting)
        if vector is None:
            raise ValueError(f"No such sighting: {sighting}. It is not in the gallery, or was forgotten.")
        identities = self.identities
        rejected = [
            number
            for identity in identities.rejected.get(sighting, ())
            for number in identities.by_number[identity].sightings
        ]
        hits = self._index(model).search(vector[None], top, where, without=np.array([sighting, *rejected]))
        return self._answer(hits)

    def sightings(self, numbers: Sequence[int]) -> dict[int, Sighting]:
        """Sightings by their numbers, as far as they are there."""
        return self.ledger.sightings(numbers)

    def _answer(self, hits: Hits) -> Answer:
        numbers = np.unique(hits.sightings[hits.sightings >= 0]).tolist()
        return answer(hits, self.sightings(numbers), self.identities, self.calibration, self.thresholds)

    def _index(self, model: GalleryModel) -> ExactIndex:
        if model.number not in self._indexes:
            folder = self.folder / _INDEX / model.fingerprint
            self._indexes[model.number] = ExactIndex(folder, self.ledger, model.number)
        return self._indexes[model.number]

    # Who is who

    def enrol(self, sightings: Sequence[int], name: str = "") -> int:
        """Make a new identity of sightings; its number."""
        return self.history.record(Enrol(tuple(sightings), name), by=self.by).number

    def confirm(self, identity: int, sightings: Sequence[int]) -> Event:
        """Say that sightings show an identity."""
        return self.history.record(Confirm(identity, tuple(sightings)), by=self.by)

    def reject(self, identity: int, sightings: Sequence[int]) -> Event:
        """Say that sightings do not show an identity."""
        return self.history.record(Reject(identity, tuple(sightings)), by=self.by)

    def merge(self, identity: int, others: Sequence[int]) -> Event:
        """Say that other identities are this one."""
        return self.history.record(Merge(identity, tuple(others)), by=self.by)

    def split(self, identity: int, sightings: Sequence[int], name: str = "") -> int:
        """Say that some of an identity's sightings show somebody else, a new identity; its number."""
        return self.history.record(Split(identity, tuple(sightings), name), by=self.by).number

    def rename(self, identity: int, name: str) -> Event:
        """Give an identity another name."""
        return self.history.record(Rename(identity, name), by=self.by)

    def undo(self, event: int | None = None) -> Event:
        """Take back an event, by default the last that can be."""
        return self.history.record(Undo(self.history.last_undoable() if event is None else event), by=self.by)

    def forget(self, *, identity: int | None = None, sightings: Sequence[int] = ()) -> list[int]:
        """Delete an identity with all its sightings, or single sightings; the numbers of those deleted. See `forget`."""
        forgotten = forget(self.history, identity=identity, sightings=sightings, by=self.by)
        for index in map(self._index, self.ledger.models()):
            if index.folder.is_dir():
                index.catch_up()
        return forgotten
