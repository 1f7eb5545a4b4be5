from functools import partial

import pytest
import torch

from scalereid.training.objective import Objective, ScheduledTerm
from scalereid.training.optimization import build_optimizer
from scalereid.training.step import OrdinaryStep
from scalereid.training.terms.attributes import Attributes
from scalereid.training.terms.auxiliary import Auxiliary
from scalereid.training.terms.cross_entropy import CrossEntropy
from scalereid.training.terms.triplet import Triplet
from tests.conftest import same
from tests.training.conftest import Noise, fresh, run, sizes_of


def test_classifier_only_epochs_leave_the_model_untouched() -> None:
    state = fresh()
    before = {name: tensor.clone() for name, tensor in state.model.state_dict().items()}
    classifier = {name: tensor.clone() for name, tensor in state.objective.state_dict().items()}
    step = OrdinaryStep(state, classifier_only_epochs=1)
    run(state, 1, step=step)
    assert same(before, state.model.state_dict())  # running statistics too
    assert not same(classifier, state.objective.state_dict())
    run(state, 2, step=step)
    kept = [name for name, tensor in state.model.state_dict().items() if torch.equal(before[name], tensor)]
    assert kept == []


def test_open_embedding_epochs_change_the_embedding_layer_and_the_classifier_alone() -> None:
    """As torchreid's open_layers fc and classifier: their batch norm counts, the backbone's does not."""
    state = fresh()
    before = {name: tensor.clone() for name, tensor in state.model.state_dict().items()}
    classifier = {name: tensor.clone() for name, tensor in state.objective.state_dict().items()}
    step = OrdinaryStep(state, classifier_only_epochs=1, open_embedding=True)
    run(state, 1, step=step)
    after = state.model.state_dict()
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    assert changed == {name for name in after if name.startswith("embedding.")}
    assert "embedding.norm.running_mean" in changed
    assert not same(classifier, state.objective.state_dict())
    assert not state.model.backbone.training
    run(state, 2, step=step)
    assert [name for name, tensor in state.model.state_dict().items() if torch.equal(before[name], tensor)] == []


def test_what_a_backbone_froze_stays_frozen() -> None:
    state = fresh()
    frozen = next(state.model.parameters()).requires_grad_(False)
    before = frozen.clone()
    run(state, 2, step=OrdinaryStep(state, classifier_only_epochs=1))
    assert torch.equal(frozen, before)


def test_bfloat16_keeps_weights_and_loss_in_float32() -> None:
    state = fresh()
    log = run(state, 6, step=OrdinaryStep(state, precision="bfloat16"))
    assert all(parameter.dtype == torch.float32 for parameter in state.model.parameters())
    assert log[-1]["total"] < 0.7 * log[0]["total"]
    assert log != run(fresh(), 6)


def test_float16_with_a_gradient_scaler_learns() -> None:
    """The scaler skips the first steps until its scale fits; what follows must not be hurt by that."""
    state = fresh(float16=True)
    step = OrdinaryStep(state, precision="float16")
    assert not step.capturable
    log = run(state, 6, step=step)
    assert state.scaler.get_scale() < 2.0**20
    assert log[-1]["total"] < 0.7 * log[0]["total"]


def test_phase_changes_when_something_else_is_computed() -> None:
    """Which is when a captured step must be captured anew, and only then."""
    state = fresh()
    sizes = sizes_of(state.model)
    state.objective = Objective(
        [ScheduledTerm("one", CrossEntropy(sizes)), ScheduledTerm("late", Triplet(sizes), first_epoch=3)]
    )
    step, phases = OrdinaryStep(state, classifier_only_epochs=2), []
    for state.epoch in range(5):
        step.begin_epoch()
        phases.append(step.phase)
    assert phases[0] == phases[1] != phases[2]
    assert phases[2] != phases[3] == phases[4]
    assert step.capturable
    state.model.backbone.recompute = True
    assert not step.capturable
    state.model.backbone.recompute, state.model.backbone.capturable = False, False
    assert not step.capturable


@pytest.mark.parametrize("parts", [2, 4])
def test_a_batch_in_parts_gives_the_losses_and_the_gradients_of_the_whole(parts: int) -> None:
    """Without batch norm of each part: here it is in evaluation mode."""
    found = []
    for accumulate in (1, parts):
        state = fresh()
        sizes = sizes_of(state.model)
        torch.manual_seed(3)
        terms = [
            ScheduledTerm("cross_entropy", CrossEntropy(sizes)),
            ScheduledTerm("auxiliary", Auxiliary(sizes).eval()),
        ]
        state.objective = Objective(terms)
        state.sums = torch.zeros(len(state.objective.logged))
        state.model.eval()
        values = OrdinaryStep(state, accumulate=accumulate).backward(*next(Noise().epoch(0)))
        parameters = [*state.model.parameters(), *state.objective.parameters()]
        found.append([values, *(parameter.grad for parameter in parameters)])
    for whole, in_parts in zip(*found, strict=True):
        torch.testing.assert_close(in_parts, whole, rtol=1e-4, atol=1e-6)


def test_batch_norm_is_of_each_part() -> None:
    state = fresh()
    images, labels = next(Noise().epoch(0))
    OrdinaryStep(state, accumulate=4).backward(images, labels)
    norm = state.model.embedding.norm
    assert isinstance(norm, torch.nn.BatchNorm1d)
    assert norm.num_batches_tracked == 4
    other = fresh()
    for part in range(4):
        rows = slice(2 * part, 2 * part + 2)
        OrdinaryStep(other)._backward(images[rows], labels[rows], 4)
    assert same(state.model.state_dict(), other.model.state_dict())
    for one, two in zip(state.model.parameters(), other.model.parameters(), strict=True):
        assert one.grad is not None
        assert two.grad is not None
        assert torch.equal(one.grad, two.grad)


@pytest.mark.parametrize("name", ["sgd", "amsgrad"])
def test_shares_of_a_loss_add_up_to_one_step(name: str) -> None:
    """Two backward passes of a half each, on the same images, give the gradient of one."""
    gradients = []
    for share in (1, 2):
        state = fresh()
        state.optimizer = partial(build_optimizer, weight_decay=0.0, momentum=0.0)(
            name,  # type: ignore[arg-type]
            state.model.parameters(),
            lr=0.0,
        )
        step = OrdinaryStep(state)
        step.begin_epoch()
        state.model.eval()
        images, labels = next(Noise().epoch(0))
        for _ in range(share):
            values = step._backward(images, labels, share)
        assert values.shape == (3,)
        assert not values.requires_grad
        gradients.append([parameter.grad for parameter in state.model.parameters()])
    for one, two in zip(*gradients, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-6)


def test_columns_beside_people_are_attributes() -> None:
    """They reach the terms, and the loss of the people is what it is without them."""
    images, people = torch.randn(8, 3, 64, 32), torch.arange(8) % 2
    attributes = torch.tensor([[1, 0, -1]] * 8)
    losses = {}
    for name, labels in (("plain", people), ("both", torch.cat([people[:, None], attributes], dim=1))):
        state = fresh()
        terms = [ScheduledTerm("cross_entropy", state.objective.terms["cross_entropy"])]  # type: ignore[arg-type]
        if name == "both":
            terms.append(ScheduledTerm("attributes", Attributes(sizes_of(state.model), [0.5, 0.5, 0.5])))
        state.objective = Objective(terms)
        state.sums = torch.zeros(len(state.objective.logged))
        values = OrdinaryStep(state).backward(images, labels)
        losses[name] = dict(zip(state.objective.logged, values.tolist(), strict=True))
    both, plain = losses["both"], losses["plain"]
    assert both["cross_entropy"] == plain["total"]
    assert both["total"] == pytest.approx(both["cross_entropy"] + both["attributes"])
    assert both["attributes"] > 0
