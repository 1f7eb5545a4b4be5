"""A gallery: pictures of people that are found again, and what was said about who they are."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from scalereid.gallery.adding import Added, add_files
from scalereid.gallery.address import Where, new_ledger, require_no_gallery
from scalereid.gallery.answers import Answer, Thresholds, answer
from scalereid.gallery.audit import record_search
from scalereid.gallery.filters import Filter
from scalereid.gallery.indexes import Hits
from scalereid.gallery.model import ModelAtWork
from scalereid.gallery.naming import NameRule
from scalereid.gallery.reembedding import Reembedded, delete_others, reembed
from scalereid.gallery.upkeep import Upkeep
from scalereid.inference.embedder import Embedder
from scalereid.inference.items import find_items
from scalereid.inference.metadata import ModelMetadata
from scalereid.inference.opening import RuntimeOptions, default_runtime
from scalereid.progress import Progress
from scalereid.retrieval.calibration import Calibration
from scalereid.typed_json import from_json

Among = Literal["all", "known", "unknown"] | Sequence[int]
"""Whose sightings may be found: all, those with an identity, those without one, or those of some identities by number."""
Pictures = str | PathLike[str] | Sequence[str | PathLike[str]]


class Gallery(Upkeep):
    """A gallery: a database of pictures of people and of what was said about them, and an index that is derived from it.

    May be used from several threads and processes. What a call has recorded is there, whatever happens after it has returned.
    A context manager: `close` closes the database and the model.

    Attributes:
        where: Its folder, or the URL of its database.
        ledger: Its database: sightings, embeddings, models.
        history: What was said about who is who.
        by: Who works with it, for the record of events and searches.
    """

    def __init__(
        self, where: Where, *, model: Where | None = None, options: RuntimeOptions | None = None, by: str = ""
    ) -> None:
        """Open a gallery.

        Args:
            where: Its folder, or the URL of its database: `postgresql://user@host/database`.
            model: The run, weights or exported file of its model. Defaults to where it was when the gallery was made.
            options: What computes embeddings. Defaults to the fastest runtime that agrees with torch.
            by: Who works with it.

        Raises:
            FileNotFoundError: There is no gallery.
            ValueError: It is damaged, or of a later version.
        """
        super().__init__(where, by)
        self._options = options or RuntimeOptions()
        self._model = ModelAtWork(self.ledger, model, self._options)

    @classmethod
    def create(
        cls,
        where: Where,
        model: Where,
        *,
        calibration: Calibration | None = None,
        index: str = "exact",
        options: RuntimeOptions | None = None,
        by: str = "",
    ) -> Self:
        """Make a new gallery for a model's embeddings.

        Args:
            where: A new folder, or the URL of a database without a gallery.
            model: A run, weights or an exported file.
            calibration: What distances between its embeddings mean. Without one, no answer has a probability.
            index: What searches: see `open_index`.
            options: What computes embeddings. Defaults to the fastest runtime that agrees with torch.
            by: Who works with it.

        Raises:
            FileExistsError: There is something already.
            OSError: It cannot be made.
            FileNotFoundError, ValueError: The model cannot be loaded (see `Embedder`), or the calibration is another model's.
        """
        require_no_gallery(where)
        metadata = _metadata(model, options or RuntimeOptions())
        if calibration:
            calibration.check(metadata.fingerprint, "cosine")
        with new_ledger(where):
            gallery = cls(where, options=options, by=by)
            known = calibration.to_text() if calibration else None
            number = gallery.ledger.add_model(metadata.fingerprint, metadata.to_json(), known)
            gallery.ledger.set(source=str(Path(model).absolute()), model=number, index=index)
            gallery.index.catch_up()
        return gallery

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        people = f"{len(self.identities.by_number):,} identities"
        return f"<Gallery {self.ledger.name}: {self.ledger.count():,} sightings, {people}>"

    def close(self) -> None:
        """Close the database and the model."""
        self.ledger.close()
        self._model.close()

    @property
    def thresholds(self) -> Thresholds:
        """Probabilities from which on an answer is likely, or possible."""
        found: Thresholds = from_json(Thresholds, self.ledger.settings().get("thresholds", {}), "thresholds")
        return found

    @thresholds.setter
    def thresholds(self, thresholds: Thresholds) -> None:
        self.ledger.set(thresholds=vars(thresholds))

    @property
    def calibration(self) -> Calibration | None:
        """What distances between the model's embeddings mean; None if it is not known."""
        return self.model.calibrated

    @calibration.setter
    def calibration(self, calibration: Calibration) -> None:
        model = self.model
        calibration.check(model.fingerprint, "cosine")
        self.ledger.calibrate(model.number, calibration.to_text())

    def embedder(self) -> Embedder:
        """Its model at work, which is loaded when it is first needed.

        Raises:
            FileNotFoundError: The model is not where it was.
            ValueError: It is another model than that of the gallery's embeddings.
        """
        return self._model.embedder(self.model)

    # Pictures

    def add(
        self,
        images: Pictures,
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
        images: Pictures,
        *,
        top: int = 20,
        where: Filter | None = None,
        among: Among = "all",
        purpose: str = "",
    ) -> Answer:
        """Who is on a picture, or on several pictures of one person. That this was asked is recorded.

        Args:
            images: One or several files.
            top: Number of sightings to find for each of them.
            where: Conditions that sightings must meet.
            among: Whose sightings may be found.
            purpose: What the search is for, which is recorded.

        Raises:
            ValueError: A picture cannot be read; the message names it.
        """
        files = [images] if isinstance(images, str | PathLike) else list(images)
        return self.find(self.embedder()(files), top=top, where=where, among=among, purpose=purpose)

    def find(
        self,
        embeddings: NDArray[np.float32],
        *,
        top: int = 20,
        where: Filter | None = None,
        among: Among = "all",
        purpose: str = "",
    ) -> Answer:
        """The same as `search` for embeddings (q, d) of one person by the gallery's model."""
        self._record({"pictures": len(embeddings)}, top, where, among, purpose)
        allowed, forbidden = self._allowed(among)
        return self._answer(self.index.search(embeddings, top, where, among=allowed, without=forbidden))

    def similar(
        self,
        sighting: int,
        *,
        top: int = 20,
        where: Filter | None = None,
        among: Among = "all",
        purpose: str = "",
    ) -> Answer:
        """Who is on a sighting of the gallery: of others than those that it was said not to show.

        Raises:
            ValueError: There is no such sighting.
        """
        vector = self.ledger.vector(self.model.number, sighting)
        if vector is None:
            raise ValueError(f"No such sighting: {sighting}. It is not in the gallery, or was forgotten.")
        self._record({"sighting": sighting}, top, where, among, purpose)
        identities = self.identities
        rejected = [
            number
            for identity in identities.rejected.get(sighting, ())
            for number in identities.by_number[identity].sightings
        ]
        allowed, forbidden = self._allowed(among)
        without = np.concatenate([forbidden, np.array([sighting, *rejected], np.int64)])
        return self._answer(self.index.search(vector[None], top, where, among=allowed, without=without))

    def reembed(self, model: Where, *, progress: Progress | None = None) -> Reembedded:
        """Take another model, and embed all kept pictures by it. A call that was stopped can be made again.

        Until it is done, searches use the model that was there before. Probabilities need a calibration of the new one.

        Raises:
            FileNotFoundError, ValueError: The model cannot be loaded: see `Embedder`.
        """
        embedder = Embedder(model, **vars(self._options))
        done = reembed(self.ledger, embedder, progress=progress)
        self.ledger.set(source=str(Path(model).absolute()), model=done.model)
        self._model.replace(embedder)
        for other in self.ledger.models():
            if other.number != done.model:
                self.index_of(other).drop()
        delete_others(self.ledger, done.model)
        return done

    def _record(self, what: dict[str, int], top: int, where: Filter | None, among: Among, purpose: str) -> None:
        conditions = {"top": top, "among": among, **(where or Filter()).described()}
        record_search(self.ledger.engine, {**what, **conditions}, by=self.by, purpose=purpose)

    def _allowed(self, among: Among) -> tuple[NDArray[np.int64] | None, NDArray[np.int64]]:
        """The sightings that alone may be found, or None for all; and those that may not."""
        identities, nothing = self.identities, np.zeros(0, np.int64)
        if among == "all":
            return None, nothing
        if among in ("known", "unknown"):
            known = np.array(sorted(identities.of), np.int64)
            return (known, nothing) if among == "known" else (None, known)
        numbers = {number for each in among for number in identities.get(int(each)).sightings}
        return np.array(sorted(numbers), np.int64), nothing

    def _answer(self, hits: Hits) -> Answer:
        numbers = np.unique(hits.sightings[hits.sightings >= 0]).tolist()
        return answer(hits, self.sightings(numbers), self.identities, self.calibration, self.thresholds)


def _metadata(model: Where, options: RuntimeOptions) -> ModelMetadata:
    """What a model is: it is loaded, but `auto` measures nothing yet."""
    runtime = default_runtime(model) if options.runtime == "auto" else options.runtime
    with Embedder(model, **(vars(options) | {"runtime": runtime})) as embedder:
        return embedder.metadata
