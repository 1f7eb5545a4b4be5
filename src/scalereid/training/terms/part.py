"""Terms for the networks of a joined model, each of which learns from its own part of the outputs."""

from typing import NamedTuple

from torch import Tensor

from scalereid.training.terms.term import Outputs, Sizes, Term

PEER = "peer_"
"""What the names of the peer's values in the log begin with."""


class Part(NamedTuple):
    """Where one of two networks' outputs are among those of both, which lie side by side."""

    embeddings: slice
    stage_maps: slice

    def of(self, outputs: Outputs) -> Outputs:
        """The outputs of this network."""
        own, before = self.embeddings, outputs.before_norm
        maps = outputs.stage_maps[self.stage_maps]
        return Outputs(outputs.embeddings[:, own], outputs.labels, maps, None if before is None else before[:, own])


def parts(first: Sizes, peer: Sizes) -> tuple[Part, Part]:
    """The parts of two networks: the first's lies at the front, the peer's at the back."""
    stages, peer_stages = (max(1, len(sizes.stage_channels)) for sizes in (first, peer))
    return (
        Part(slice(first.embedding_size), slice(stages)),
        Part(slice(-peer.embedding_size, None), slice(-peer_stages, None)),
    )


class OfPart(Term):
    """A term on one network's part of the outputs; what it observes is logged as `prefix` and its name."""

    def __init__(self, term: Term, part: Part, prefix: str = "") -> None:
        super().__init__()
        self.term, self.part, self.prefix = term, part, prefix
        self.observes = tuple(prefix + name for name in term.observes)
        self.compares_images = term.compares_images

    def forward(self, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        """The term's loss, and what it observes."""
        loss, observed = self.term(self.part.of(outputs))
        return loss, {self.prefix + name: value for name, value in observed.items()}
