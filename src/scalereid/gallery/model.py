"""The model of a gallery at work."""

import threading

from scalereid.gallery.address import Where
from scalereid.gallery.ledger import GalleryModel, Ledger
from scalereid.inference.embedder import Embedder
from scalereid.inference.metadata import ModelMetadata
from scalereid.inference.opening import RuntimeOptions, default_runtime


class ModelAtWork:
    """The model whose embeddings a gallery searches, loaded when it is first needed.

    Args:
        ledger: The gallery's.
        source: The run, weights or exported file. Defaults to where it was when the gallery was made.
        options: What computes embeddings.
    """

    def __init__(self, ledger: Ledger, source: Where | None, options: RuntimeOptions) -> None:
        self.ledger, self.source, self.options = ledger, source, options
        self._embedder: Embedder | None = None
        self._loading = threading.RLock()  # of several threads, one loads it

    def embedder(self, own: GalleryModel) -> Embedder:
        """The gallery's `own` model at work.

        Raises:
            FileNotFoundError: The model is not where it was.
            ValueError: It is another model than that of the gallery's embeddings.
        """
        with self._loading:
            # Another process may have given the gallery another model. Whoever is embedding by the old one goes on with it.
            if self._embedder is None or self._embedder.metadata.fingerprint != own.fingerprint:
                self._embedder = self._open(own)
            return self._embedder

    def _open(self, own: GalleryModel) -> Embedder:
        source, made_by = self.source or self.ledger.settings()["source"], ModelMetadata.from_json(own.metadata)
        try:  # the gallery remembers how pixels go in
            embedder = Embedder(source, **(vars(self.options) | {"pixels": made_by.pixels}))
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"the gallery's model is not at {source} any more; name it anew with model="
            ) from error
        if (found := embedder.metadata.fingerprint) != own.fingerprint:
            embedder.close()
            raise ValueError(
                f"this model has the fingerprint {found}, but the gallery's embeddings are by {made_by.model}, "
                f"{own.fingerprint}: they cannot be compared; use that model, or embed the gallery again (reembed)"
            )
        return embedder

    def replace(self, embedder: Embedder) -> None:
        """Go on with another one, which the ledger takes for its own."""
        self.close()
        self._embedder = embedder

    def close(self) -> None:
        """Let go of it."""
        if self._embedder:
            self._embedder.close()
            self._embedder = None


def metadata_of(model: Where, options: RuntimeOptions) -> ModelMetadata:
    """What a model is: it is loaded, but `auto` measures nothing yet.

    Raises:
        FileNotFoundError, ValueError, ModuleNotFoundError: See `Embedder`.
    """
    runtime = default_runtime(model) if options.runtime == "auto" else options.runtime
    with Embedder(model, **(vars(options) | {"runtime": runtime})) as embedder:
        return embedder.metadata
