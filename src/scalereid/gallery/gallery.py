"""A gallery: pictures of people that are found again, and what was said about who they are."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Self

from scalereid.gallery.adding import Added, add_pictures, find_pictures, from_files, from_memory
from scalereid.gallery.address import Where, new_ledger, require_no_gallery
from scalereid.gallery.answers import Answer
from scalereid.gallery.filters import Filter
from scalereid.gallery.model import ModelAtWork, metadata_of
from scalereid.gallery.naming import NameRule
from scalereid.gallery.reembedding import Reembedded, delete_others, reembed
from scalereid.gallery.searching import Searching
from scalereid.gallery.sightings import Seen
from scalereid.gallery.whom import Among
from scalereid.inference.embedder import Embedder
from scalereid.inference.opening import RuntimeOptions
from scalereid.inference.pixel_format import PixelFormat
from scalereid.inference.pixels import Channels, OneImage
from scalereid.inference.recognizer import AttributeRecognizer
from scalereid.progress import Progress
from scalereid.retrieval.calibration import Calibration

Pictures = str | PathLike[str] | Sequence[str | PathLike[str]]


class Gallery(Searching):
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
        metadata = metadata_of(model, options or RuntimeOptions())
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
        recognizer: AttributeRecognizer | None = None,
        keep_crops: bool = True,
        progress: Progress | None = None,
    ) -> Added:
        """Add pictures, each of one person. What is there is skipped, so a call that was stopped can be made again.

        Args:
            images: A folder with all folders below it, a pattern such as 'crops/*.jpg', one file, a table of pictures and
                boxes (see `read_listed_sightings`), or several of these.
            rule: What the names of files tell about camera, time and track. Defaults to nothing.
            recognizer: Adds likelihoods of attributes, by which sightings can be filtered. What a table says of one stays.
            keep_crops: Keep the pictures, too, so that they can be shown, and embedded by another model.
            progress: Where to show progress. Defaults to nowhere.

        Raises:
            FileNotFoundError: There are no such pictures, or the model is gone.
            ValueError: A table cannot be read; the message names its line.
        """
        found = find_pictures(images, rule)
        given = self.ledger, self.model.number, self.embedder()
        pictures = from_files(found)
        return add_pictures(
            *given, pictures, len(found), recognizer=recognizer, keep_crops=keep_crops, progress=progress
        )

    def add_crops(
        self,
        images: Sequence[OneImage],
        seen: Sequence[Seen],
        *,
        channels: Channels = "RGB",
        recognizer: AttributeRecognizer | None = None,
        keep_crops: bool = True,
    ) -> Added:
        """Add pictures in memory, each of one person, and what is known of each.

        Args:
            images: Pillow images, uint8 arrays (H, W, 3) or uint8 tensors (3, H, W) of any sizes.
            seen: Where and when each was seen. Its box is kept, but nothing is cut out.
            channels: The order in arrays and tensors; OpenCV's is BGR.
            recognizer: As in `add`.
            keep_crops: As in `add`.

        Raises:
            ValueError: There are not as many of both.
        """
        if len(images) != len(seen):
            raise ValueError(f"there are {len(images)} images, and of {len(seen)} it is said where they were seen")
        given = self.ledger, self.model.number, self.embedder()
        pictures = from_memory(images, seen, channels)
        return add_pictures(*given, pictures, len(images), recognizer=recognizer, keep_crops=keep_crops)

    def search(
        self,
        images: Pictures,
        *,
        top: int = 20,
        where: Filter | None = None,
        among: Among = "all",
        seen: Seen | None = None,
        purpose: str = "",
    ) -> Answer:
        """Who is on a picture, or on several pictures of one person. That this was asked is recorded.

        Args:
            images: One or several files.
            top: Number of sightings to find for each of them.
            where: Conditions that sightings must meet.
            among: Whose sightings may be found.
            seen: By which camera and when the pictures were taken: who was elsewhere then is not found.
            purpose: What the search is for, which is recorded.

        Raises:
            ValueError: A picture cannot be read; the message names it.
            ModelChangedError: The gallery has another model by the time of the answer.
        """
        files = [images] if isinstance(images, str | PathLike) else list(images)
        model, vectors = self.model, self.embedder()(files)
        return self.find(vectors, top=top, where=where, among=among, seen=seen, purpose=purpose, model=model)

    def reembed(
        self, model: Where, *, pixels: PixelFormat | str | None = None, progress: Progress | None = None
    ) -> Reembedded:
        """Take another model, and embed all kept pictures by it. A call that was stopped can be made again.

        Until it is done, searches use the model that was there before. Probabilities need a calibration of the new one.
        `pixels` says how they go into a file of others.

        Raises:
            FileNotFoundError, ValueError: The model cannot be loaded: see `Embedder`.
        """
        embedder = Embedder(model, **(vars(self._options) | {"pixels": pixels}))
        done = reembed(self.ledger, embedder, progress=progress)
        self.ledger.set(source=str(Path(model).absolute()), model=done.model)
        late = reembed(self.ledger, embedder)  # what others added before they could know
        self._model.replace(embedder)
        for other in self.ledger.models():
            if other.number != done.model:
                self.index_of(other).drop()
        delete_others(self.ledger, done.model)
        return late._replace(embedded=done.embedded + late.embedded)
