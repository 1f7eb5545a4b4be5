"""The part of a gallery that compares embeddings: who is alike, and what similarities mean."""

import numpy as np
from numpy.typing import NDArray

from scalereid.arguments import check_whole
from scalereid.gallery.answers import Answer, answer
from scalereid.gallery.audit import record_search
from scalereid.gallery.calibrating import calibrate_on_confirmed
from scalereid.gallery.constraints import elsewhere
from scalereid.gallery.events import Enrol, Event
from scalereid.gallery.filters import Filter
from scalereid.gallery.grouping import Grouping, Proposal, group
from scalereid.gallery.ledger import GalleryModel, ModelChangedError
from scalereid.gallery.sightings import Seen
from scalereid.gallery.upkeep import Upkeep
from scalereid.gallery.whom import Among, allowed, of_same_identities
from scalereid.retrieval.calibration import Calibration


class Searching(Upkeep):
    """A gallery whose embeddings are compared, without its model at work. See `Upkeep`."""

    def find(
        self,
        embeddings: NDArray[np.float32],
        *,
        top: int = 20,
        where: Filter | None = None,
        among: Among = "all",
        seen: Seen | None = None,
        purpose: str = "",
        model: GalleryModel | None = None,
    ) -> Answer:
        """The same as `search` for embeddings (q, d) of one person by the gallery's model: `model`, by default the present one.

        Raises:
            ModelChangedError: The gallery has another one by the time of the answer.
        """
        model = model or self.model
        self._record({"pictures": len(embeddings)}, top, where, among, purpose)
        return self._find(model, embeddings, top, where, among, self._elsewhere(seen) if seen else set())

    def similar(
        self,
        sighting: int,
        *,
        top: int = 20,
        where: Filter | None = None,
        among: Among = "all",
        purpose: str = "",
    ) -> Answer:
        """Who is on a sighting of the gallery: of others than those that it was said not to show, and who were elsewhere.

        Raises:
            ValueError: There is no such sighting, or it has no embedding by the gallery's model.
            ModelChangedError: The gallery has another model by the time of the answer.
        """
        sighting, model = int(sighting), self.model
        vector = self.ledger.vector(model.number, sighting)
        if vector is None:
            if self.sightings([sighting]):
                raise ValueError(
                    f"sighting {sighting} has no embedding by the gallery's model: embed it (reembed), or, if its picture was "
                    "not kept, forget it and add its picture again"
                )
            raise ValueError(f"No such sighting: {sighting}. It is not in the gallery, or was forgotten.")
        self._record({"sighting": sighting}, top, where, among, purpose)
        identities = self.identities
        without = {sighting} | self._elsewhere(self.sightings([sighting])[sighting].seen)
        if own := identities.of.get(sighting):
            without -= identities.by_number[own].sightings - {sighting}  # whatever the clocks say
        rejected = (identities.by_number[number].sightings for number in identities.rejected.get(sighting, ()))
        return self._find(model, vector[None], top, where, among, without.union(*rejected))

    def group(
        self, *, probability: float | None = None, similarity: float | None = None, where: Filter | None = None
    ) -> Grouping:
        """Propose who the sightings without an identity may show. Nothing is recorded: see `group`, and `accept`.

        Args:
            probability: The least at which two groups are joined. Defaults to the gallery's threshold for likely answers.
            similarity: The least mean cosine at which they are, in place of any calibration.
            where: Conditions on the sightings that are grouped.

        Raises:
            ValueError, ModuleNotFoundError: See `group`.
        """
        least = self.thresholds.likely if probability is None else probability
        given = self.ledger, self.model, self.identities, self.calibration
        return group(*given, probability=least, similarity=similarity, constraints=self.constraints, where=where)

    def accept(self, proposal: Proposal) -> Event:
        """Say that a proposal is right: its sightings show a new identity, or the one that it names."""
        if proposal.identity is None:
            return self.history.record(Enrol(proposal.sightings), by=self.by)
        return self.confirm(proposal.identity, proposal.sightings)

    def calibrate(self) -> Calibration:
        """Find out what distances mean among the people who are confirmed, and answer by that from now on.

        Raises:
            ValueError: They are too few; the message says how many it takes.
        """
        self.calibration = found = calibrate_on_confirmed(self.ledger, self.model, self.identities)
        return found

    def _record(self, what: dict[str, int], top: int, where: Filter | None, among: Among, purpose: str) -> None:
        check_whole("top", top, 1)
        whom = among if isinstance(among, str) else [int(each) for each in among]
        conditions = {"top": top, "among": whom, **(where or Filter()).described()}
        record_search(self.ledger.engine, {**what, **conditions}, by=self.by, purpose=purpose)

    def _elsewhere(self, seen: Seen) -> set[int]:
        """Sightings of those who cannot be whoever was seen there and then."""
        return of_same_identities(elsewhere(self.ledger, seen, self.constraints), self.identities)

    def _find(
        self,
        model: GalleryModel,
        embeddings: NDArray[np.float32],
        top: int,
        where: Filter | None,
        among: Among,
        without: set[int],
    ) -> Answer:
        """The answer without some sightings."""
        identities = self.identities
        only, others = allowed(among, identities)
        forbidden = np.array(sorted(others | without), np.int64)
        hits = self.index_of(model).search(embeddings, top, where, among=only, without=forbidden)
        if self.model.number != model.number:  # whose embeddings are deleted then
            raise ModelChangedError("the gallery was given another model while it was searched; search again")
        found = self.sightings(np.unique(hits.sightings[hits.sightings >= 0]).tolist())
        return answer(hits, found, identities, self.calibration, self.thresholds)
