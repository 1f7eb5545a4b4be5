import torch
from torch import Tensor

from scalereid.training.terms.part import OfPart, parts
from scalereid.training.terms.term import Outputs, Sizes, Term

LABELS = torch.tensor([0, 0, 1, 1])
EMBEDDINGS = torch.randn(4, 8)
MAPS = [torch.full((4, 2, 1, 1), float(i)) for i in range(5)]


def test_each_network_has_its_own_part() -> None:
    first, peer = parts(Sizes(3, 2, (4, 5)), Sizes(5, 2, (4, 5, 6)))
    one, other = (part.of(Outputs(EMBEDDINGS, LABELS, MAPS)) for part in (first, peer))
    assert torch.equal(torch.cat([one.embeddings, other.embeddings], dim=1), EMBEDDINGS)
    assert (one.embeddings.shape[1], other.embeddings.shape[1]) == (3, 5)
    assert [float(maps[0, 0, 0, 0]) for maps in one.stage_maps] == [0, 1]
    assert [float(maps[0, 0, 0, 0]) for maps in other.stage_maps] == [2, 3, 4]
    assert one.labels is other.labels is LABELS


def test_a_network_without_stages_has_one_list_of_maps() -> None:
    first, peer = parts(Sizes(3, 2), Sizes(5, 2))
    outputs = Outputs(EMBEDDINGS, LABELS, MAPS[:2])
    assert [float(part.of(outputs).stage_maps[0][0, 0, 0, 0]) for part in (first, peer)] == [0, 1]
    assert [len(part.of(outputs).stage_maps) for part in (first, peer)] == [1, 1]


class Mean(Term):
    observes = ("largest",)

    def forward(self, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        return outputs.embeddings.mean(), {"largest": outputs.embeddings.max()}


def test_a_term_of_a_part_sees_nothing_else() -> None:
    first, peer = parts(Sizes(3, 2), Sizes(5, 2))
    one, other = OfPart(Mean(), first), OfPart(Mean(), peer, "peer_")
    assert (one.observes, other.observes) == (("largest",), ("peer_largest",))
    outputs = Outputs(EMBEDDINGS, LABELS)
    loss, observed = one(outputs)
    assert (loss, observed["largest"]) == (EMBEDDINGS[:, :3].mean(), EMBEDDINGS[:, :3].max())
    loss, observed = other(outputs)
    assert (loss, observed["peer_largest"]) == (EMBEDDINGS[:, 3:].mean(), EMBEDDINGS[:, 3:].max())
