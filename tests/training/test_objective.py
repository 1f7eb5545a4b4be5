import math
from itertools import pairwise
from typing import cast

import pytest
import torch
from torch import Tensor

from scalereid.training.objective import Objective, ScheduledTerm
from scalereid.training.terms.auxiliary import Auxiliary
from scalereid.training.terms.cross_entropy import CrossEntropy
from scalereid.training.terms.term import Outputs, Sizes, Term
from scalereid.training.terms.triplet import Triplet, e_trihard_loss, hard_pairs

SIZES = Sizes(embedding_size=8, people=5, stage_channels=(5, 6, 7))
LABELS = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])


def outputs() -> Outputs:
    maps = [torch.randn(8, 5, 4, 4), torch.randn(8, 6, 4, 4), torch.randn(8, 7, 2, 2)]
    return Outputs(torch.randn(8, 8), LABELS, maps)


class Number(Term):
    """A loss of a fixed number, which logs its square."""

    observes: tuple[str, ...] = ("square",)

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = torch.nn.Parameter(torch.tensor(number))

    def forward(self, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:  # noqa: ARG002
        return self.number * 1.0, {"square": self.number.detach() ** 2}


class Silent(Number):
    """The same without the square, so that two fit into one objective."""

    observes = ()

    def forward(self, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        return super().forward(outputs)[0], {}


def test_total_is_the_weighted_sum() -> None:
    """CE + α · E-TriHard + weight · auxiliary CE, the triplet term from its epoch on only."""
    auxiliary_term = Auxiliary(SIZES)
    objective = Objective(
        [
            ScheduledTerm("cross_entropy", CrossEntropy(SIZES)),
            ScheduledTerm("triplet", Triplet(SIZES, margin=0.4, ratio=0.8), weight=0.5, first_epoch=3),
            ScheduledTerm("auxiliary", auxiliary_term, weight=0.7),
        ]
    ).eval()
    given = outputs()
    early, late = (objective(given, epoch=epoch) for epoch in (2, 3))
    pairs = hard_pairs(given.embeddings, LABELS)
    e_trihard = e_trihard_loss(pairs, margin=0.4, ratio=0.8)
    auxiliary = torch.nn.functional.cross_entropy(
        auxiliary_term.branch(given.stage_maps[1].mean(dim=(2, 3))), LABELS, label_smoothing=0.1
    )
    torch.testing.assert_close(late.parts["triplet"], e_trihard)
    torch.testing.assert_close(late.parts["auxiliary"], auxiliary)
    torch.testing.assert_close(early.total, late.parts["cross_entropy"] + 0.7 * auxiliary)
    torch.testing.assert_close(late.total, late.parts["cross_entropy"] + 0.5 * e_trihard + 0.7 * auxiliary)
    torch.testing.assert_close(early.parts["triplet"], late.parts["triplet"])  # shown from the start
    torch.testing.assert_close(late.parts["hardest_positive"], pairs.positive.mean())
    names = ("cross_entropy", "accuracy", "triplet", "hardest_positive", "hardest_negative", "auxiliary")
    assert objective.logged == ("total", *names)
    assert tuple(late.parts) == names
    assert objective(given, epoch=0).stacked(objective.logged).shape == (7,)


def test_only_the_terms_that_there_are_are_logged() -> None:
    objective = Objective([ScheduledTerm("cross_entropy", CrossEntropy(SIZES))])
    losses = objective(outputs())
    assert objective.logged == ("total", *losses.parts) == ("total", "cross_entropy", "accuracy")
    assert torch.equal(losses.total, losses.parts["cross_entropy"])


@pytest.mark.parametrize(
    ("epoch", "total", "logged"),
    [
        (0, 1.0, {"total", "always"}),
        (1, 1.0, {"total", "always", "late", "square"}),  # watched, not counted
        (2, 1.0 + 0.5 * 10.0, {"total", "always", "late", "square"}),
        (4, 1.0 + 0.5 * 10.0, {"total", "always", "late", "square"}),
        (5, 1.0, {"total", "always", "late", "square"}),  # over
    ],
)
def test_a_term_counts_in_its_epochs(epoch: int, total: float, logged: set[str]) -> None:
    late = ScheduledTerm("late", Number(10.0), weight=0.5, first_epoch=2, last_epoch=4, watch_from=1)
    objective = Objective([ScheduledTerm("always", Silent(1.0)), late])
    losses = objective(outputs(), epoch=epoch)
    assert float(losses.total.detach()) == total
    assert {"total", *losses.parts} == set(objective.logged_in(epoch)) == logged
    values = dict(zip(objective.logged, losses.stacked(objective.logged).tolist(), strict=True))
    assert values == {"total": total, "always": 1.0, "late": 10.0 * (epoch > 0), "square": 100.0 * (epoch > 0)}
    losses.total.backward()
    late_gradient = cast(Number, late.term).number.grad
    assert (None if late_gradient is None else float(late_gradient)) == (0.5 if 2 <= epoch <= 4 else None)


def test_phases_change_with_what_is_computed_and_with_what_counts() -> None:
    late = ScheduledTerm("late", Number(1.0), first_epoch=4, last_epoch=5, watch_from=2)
    objective = Objective([ScheduledTerm("always", Silent(1.0)), late])
    phases = [objective.phase(epoch) for epoch in range(8)]
    assert [one == other for one, other in pairwise(phases)] == [
        True,
        False,  # 2: watched
        True,
        False,  # 4: counts
        True,
        False,  # 6: over
        True,
    ]


def test_a_term_that_counts_before_it_is_watched_is_computed() -> None:
    objective = Objective([ScheduledTerm("one", Number(1.0), first_epoch=1, watch_from=9)])
    assert objective.logged_in(1) == ("total", "one", "square")
    with pytest.raises(ValueError, match="No term of the objective counts in epoch 0"):
        objective(outputs(), epoch=0)


def test_two_terms_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="Two terms of the objective log square; rename"):
        Objective([ScheduledTerm("one", Number(1.0)), ScheduledTerm("other", Number(2.0))])
    with pytest.raises(ValueError, match="log total"):
        Objective([ScheduledTerm("total", Silent(1.0))])


def test_a_term_returns_what_it_says_that_it_observes() -> None:
    term = Number(1.0)
    term.observes = ("square", "cube")
    with pytest.raises(
        ValueError, match=r"Term one returned the values \['square'\], but its `observes` is \['square', 'cube'\]"
    ):
        Objective([ScheduledTerm("one", term)])(outputs())


def test_terms_are_trained_and_saved_with_the_objective() -> None:
    objective = Objective([ScheduledTerm("one", Number(1.0)), ScheduledTerm("two", CrossEntropy(SIZES))])
    assert objective.state_dict().keys() == {
        "terms.one.number",
        "terms.two.classifier.weight",
        "terms.two.classifier.bias",
    }
    assert len([*objective.parameters()]) == 3


def test_an_objective_starts_knowing_no_person() -> None:
    """A fresh classifier gives every person nearly the same chance: the loss starts near log C."""
    objective = Objective([ScheduledTerm("cross_entropy", CrossEntropy(Sizes(512, 100)))])
    with torch.no_grad():
        loss = objective(Outputs(torch.rand(64, 512), torch.arange(64))).total
    assert float(loss) == pytest.approx(math.log(100), rel=0.02)
