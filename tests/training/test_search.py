import math

import pytest
import torch

from scalereid.data.images import ImageStore
from scalereid.data.records import ReidDataset
from scalereid.models.building import build_model
from scalereid.models.supernet import SuperNet
from scalereid.runs.recipe import ModelSettings, OptimizerSettings, Recipe, SearchSettings
from scalereid.runs.wiring import build_batches, build_cooling, build_training
from scalereid.training.search import state_of_search, temperature
from scalereid.training.step import Training, TrainingStep


def test_temperature_as_published() -> None:
    assert [temperature(epoch) for epoch in (0, 19, 20, 40, 60, 80, 119)] == [10, 10, 5, 2.5, 1.25, 1, 1]


def searching(**search: object) -> tuple[Recipe, Training]:
    recipe = Recipe(
        model=ModelSettings(backbone="osnet_supernet", width=0.25, embedding_size=8),
        optimizer=OptimizerSettings(lr=0.05, weight_decay=0.1),
        search=SearchSettings(**search),  # type: ignore[arg-type]
    )
    torch.manual_seed(0)
    model = build_model("osnet_supernet", width=0.25, embedding_size=8)
    return recipe, build_training(recipe, model, 3, torch.device("cpu"))


def test_cooling_before_each_epoch() -> None:
    recipe, training = searching(temperature=8.0, halve_every=2, lowest_temperature=3.0)
    seen = []
    for training.epoch in range(6):
        build_cooling(recipe)(training)
        assert isinstance(training.model.backbone, SuperNet)
        seen.append(float(training.model.backbone.temperature))
    assert seen == [8, 8, 4, 4, 3, 3]


def test_state_of_search() -> None:
    net = SuperNet(width=0.25)
    fresh = state_of_search(net)
    assert fresh["placements"] == ["none", "inside", "outside", "both"]
    assert fresh["probabilities"] == [[0.25] * 4] * 6
    assert fresh["entropy"] == pytest.approx([math.log(4)] * 6)
    with torch.no_grad():
        net.architecture[2, 1] = 1000.0
    state = state_of_search(net)
    assert state["probabilities"][2] == [0, 1, 0, 0]
    assert state["entropy"][2] == 0


def test_no_weight_decay_on_the_architecture() -> None:
    """Without a gradient from the loss, weight decay would pull logits to 0; they stay where they are."""
    _, training = searching()
    weights, architecture = training.optimizer.param_groups
    assert isinstance(training.model.backbone, SuperNet)
    assert [id(p) for p in architecture["params"]] == [id(training.model.backbone.architecture)]
    assert (weights["weight_decay"], architecture["weight_decay"]) == (0.1, 0)
    with torch.no_grad():
        training.model.backbone.architecture.fill_(2.0)
    for group in training.optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    before = training.model.embedding.linear.weight.detach().clone()
    training.optimizer.step()
    assert (training.model.backbone.architecture == 2.0).all()
    assert not torch.equal(before, training.model.embedding.linear.weight)


IMAGES, LABELS = torch.randn(8, 3, 32, 16), torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])


def test_samples_are_averaged() -> None:
    """A step of two samples follows the mean of two one-sample gradients."""
    gradients = []
    for samples in (1, 2):
        _, training = searching(samples=samples)
        torch.manual_seed(5)
        for group in training.optimizer.param_groups:
            group["lr"] = 0.0
        step = TrainingStep(training, "float32", samples=samples)
        step(IMAGES, LABELS, rate=0.0, phase=0)
        assert isinstance(training.model.backbone, SuperNet)
        assert training.model.backbone.architecture.grad is not None
        gradients.append(training.model.backbone.architecture.grad.clone())
        if samples == 1:
            step(IMAGES, LABELS, rate=0.0, phase=0)
            assert training.model.backbone.architecture.grad is not None
            gradients[0] = (gradients[0] + training.model.backbone.architecture.grad) / 2
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-3, atol=1e-6)


def test_bilevel_moves_weights_by_one_half_and_architecture_by_the_other() -> None:
    _, training = searching(bilevel=True)
    net = training.model.backbone
    assert isinstance(net, SuperNet)
    before = net.architecture.detach().clone(), net.stem.conv.weight.detach().clone()
    step = TrainingStep(training, "float32", bilevel=True)
    seen: list[tuple[bool, bool]] = []
    original = training.optimizer.step

    def spy() -> None:
        seen.append((net.stem.conv.weight.grad is not None, net.architecture.grad is not None))
        original()

    training.optimizer.step = spy  # type: ignore[method-assign,assignment]
    step(IMAGES, LABELS, rate=0.05, phase=0)
    assert seen == [(True, False), (False, True)]
    assert not torch.equal(before[0], net.architecture)
    assert not torch.equal(before[1], net.stem.conv.weight)


def test_bilevel_batches_never_mix_the_halves(people: ReidDataset) -> None:
    recipe, training = searching(bilevel=True)
    store = ImageStore([record.path for record in people.train], (32, 16))
    batches = build_batches(recipe, people.train, store, training.sums.device)
    batches.batch_size = 12
    first = {int(i) for epoch in range(4) for batch in batches.order(epoch) for i in batch[:6]}
    second = {int(i) for epoch in range(4) for batch in batches.order(epoch) for i in batch[6:]}
    assert not first & second
    assert len(first | second) == 72
    for half in (first, second):
        assert {people.train[i].pid for i in half} == {record.pid for record in people.train}


def test_only_a_supernet_is_searched() -> None:
    recipe = Recipe(search=SearchSettings(bilevel=True))
    with pytest.raises(ValueError, match="osnet_x1_0 is no super-network"):
        build_training(recipe, build_model("osnet_x0_25"), 3, torch.device("cpu"))
