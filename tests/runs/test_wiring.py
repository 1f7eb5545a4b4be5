from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from scalereid.data.images import ImageStore
from scalereid.data.records import ReidDataset, labels
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.genotype import AIN
from scalereid.models.joined import JoinedModel
from scalereid.models.layers import BNNeck, GeneralisedMean
from scalereid.models.supernet import SuperNet
from scalereid.runs.recipe import (
    DataSettings,
    EvaluationSettings,
    ModelSettings,
    MutualSettings,
    ObjectiveSettings,
    OptimizerSettings,
    Recipe,
    ScheduleSettings,
    SearchSettings,
)
from scalereid.runs.wiring import Wired, build_recipe_model, read_datasets, wire
from scalereid.training import loop
from scalereid.training.averaging import AveragingStep
from scalereid.training.loop import Callbacks
from scalereid.training.search import SearchStep
from scalereid.training.step import OrdinaryStep
from scalereid.training.terms.centre import Centre
from scalereid.training.terms.circle import Circle
from scalereid.training.terms.cross_entropy import CrossEntropy
from scalereid.training.terms.mutual import Mutual
from scalereid.training.terms.term import Outputs
from scalereid.training.terms.triplet import Triplet
from tests.conftest import same

CPU = torch.device("cpu")
LABELS: NDArray[np.int64] = np.arange(6).repeat(12)

OWN_NET = """
from torch import Tensor, nn
from scalereid.models.backbone import Backbone

class MyNet(Backbone):
    out_channels = 24
    stage_channels = (8, 24)

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 7, stride=4, padding=3), nn.BatchNorm2d(8), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(8, 24, 3, stride=2, padding=1), nn.BatchNorm2d(24), nn.ReLU())

    def stage_maps(self, images: Tensor) -> list[Tensor]:
        first = self.first(images)
        return [first, self.second(first)]
"""

OWN_LOSS = """
import torch
from torch import nn
from scalereid.training.terms.term import Outputs, Sizes, Term

class Center(Term):
    # Squared distance to a learned centre of each person (Wen et al., ECCV 2016).
    observes = ("spread",)

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.centers = nn.Parameter(torch.zeros(sizes.people, sizes.embedding_size))

    def forward(self, outputs: Outputs):
        distances = (outputs.embeddings.float() - self.centers[outputs.labels]).square().sum(dim=1)
        return distances.mean(), {"spread": distances.detach().max()}

def not_a_term(sizes):
    return 3

class seconds(Center):
    pass
"""


@pytest.fixture
def own(tmp_path: Path) -> Recipe:
    """A recipe whose small backbone and loss are files of one's own."""
    (tmp_path / "net.py").write_text(OWN_NET)
    (tmp_path / "loss.py").write_text(OWN_LOSS)
    return Recipe(
        data=DataSettings(dataset="csv", image_size=(32, 16), batch_size=12),
        model=ModelSettings(backbone=f"{tmp_path}/net.py:MyNet", embedding_size=10),
        optimizer=OptimizerSettings(lr=0.05),
        schedule=ScheduleSettings(epochs=3, decay="constant"),
    )


def with_loss(recipe: Recipe, folder: Path, name: str = "Center", **settings: float) -> Recipe:
    return replace(recipe, objective=ObjectiveSettings(term=f"{folder}/loss.py:{name}", **settings))  # type: ignore[arg-type]


def train(wired: Wired, people: ReidDataset, size: tuple[int, int], epochs: int) -> list[dict[str, float]]:
    log: list[dict[str, float]] = []
    loop.train(
        wired.state,
        wired.step,
        wired.batches(ImageStore([record.path for record in people.train], size)),
        epochs=epochs,
        learning_rate=wired.learning_rate,
        callbacks=Callbacks(after_epoch=lambda means, rate: log.append(means | {"learning_rate": rate})),
    )
    return log


def test_a_genotype_makes_the_network() -> None:
    settings = ModelSettings(backbone="osnet_x0_25", genotype=("instance", *AIN.placements))
    published = build_recipe_model(ModelSettings(backbone="osnet_ain_x0_25")).state_dict()
    built = build_recipe_model(settings).state_dict()
    assert {name: tensor.shape for name, tensor in built.items()} == {n: t.shape for n, t in published.items()}
    dense = build_recipe_model(replace(settings, backbone="dslnet"))
    assert [*dense.state_dict()] == [*build_recipe_model(ModelSettings(backbone="dslnet_ain")).state_dict()]


def test_options_of_a_recipe_reach_the_backbone() -> None:
    settings = ModelSettings(backbone="osnet_supernet", width=0.1, options=("sampled=true",))
    assert not build_recipe_model(settings).backbone.capturable
    assert build_recipe_model(replace(settings, options=())).backbone.capturable


def test_a_copy_of_ones_own_backbone_comes_first(own: Recipe, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "net.py").write_text(OWN_NET.replace("24", "40"))
    assert build_recipe_model(own.model).backbone.out_channels == 24
    assert build_recipe_model(own.model, folder).backbone.out_channels == 40
    assert wire(own, LABELS, CPU, code_in=folder).state.model.backbone.out_channels == 40


def test_datasets_of_a_recipe(people: ReidDataset) -> None:
    source, (target, also) = read_datasets(Recipe(data=DataSettings(dataset="csv")), people.root)
    assert source is target
    assert also == {}
    assert source.fingerprint() == people.fingerprint()
    named = EvaluationSettings(dataset="csv")
    source, (target, _) = read_datasets(Recipe(data=DataSettings(dataset="csv"), evaluation=named), people.root)
    assert source is target  # the same people, whose attributes and images are known
    other = EvaluationSettings(dataset="csv@.", protocol="all-cameras", also=("csv@./", "csv@././."))
    source, (target, also) = read_datasets(Recipe(data=DataSettings(dataset="csv"), evaluation=other), people.root)
    assert source is not target
    assert source.protocol == target.protocol == "all-cameras"
    assert list(also) == ["csv@./", "csv@././."]
    assert {each.protocol for each in also.values()} == {"market1501"}  # its own


def test_the_seed_decides_whatever_was_drawn_before(own: Recipe) -> None:
    one = wire(own, LABELS, CPU).state
    torch.rand(7)
    again, other = wire(own, LABELS, CPU).state, wire(replace(own, seed=1), LABELS, CPU).state
    for part in ("model", "objective"):
        assert same(getattr(one, part).state_dict(), getattr(again, part).state_dict())
        assert not same(getattr(one, part).state_dict(), getattr(other, part).state_dict())


def test_weights_to_start_from_are_loaded_before_classifiers_are_drawn(own: Recipe) -> None:
    """Whatever loading them draws is then part of what the seed decides."""
    seen: list[EmbeddingModel] = []

    def load(model: EmbeddingModel, source: str) -> None:
        assert source == ""
        seen.append(model)
        torch.nn.init.constant_(cast(nn.Linear, model.embedding.linear).weight, 0.5)
        torch.rand(1)

    plain, loaded = wire(own, LABELS, CPU), wire(own, LABELS, CPU, load_weights=load)
    assert len(seen) == 1
    assert (cast(nn.Linear, loaded.state.model.embedding.linear).weight == 0.5).all()
    assert same(plain.state.model.backbone.state_dict(), loaded.state.model.backbone.state_dict())
    assert not same(plain.state.objective.state_dict(), loaded.state.objective.state_dict())


def mutual(recipe: Recipe, **settings: Any) -> Recipe:
    return replace(recipe, mutual=MutualSettings(**{"weight": 0.5} | settings))


def test_a_peer_is_wired_beside_the_network(own: Recipe, people: ReidDataset) -> None:
    """With a classifier and terms of its own, in the same optimizer; each network is logged by itself."""
    recipe = replace(
        mutual(own, backbone="osnet_one_stream", width=0.25),
        data=replace(own.data, images_per_person=4),
        objective=ObjectiveSettings(label_smoothing=0.2, triplet=0.5, auxiliary=0.3),
    )
    wired = wire(recipe, labels(people.train), CPU)
    model = wired.state.model
    assert isinstance(model, JoinedModel)
    assert [network.backbone.out_channels for network in model.networks] == [24, 128]
    assert [network.embedding_size for network in model.networks] == [10, 10]
    terms = {term.name: term for term in wired.state.objective.scheduled}
    assert [*terms] == ["mutual", "triplet", "auxiliary", "peer_triplet", "peer_auxiliary"]
    assert [term.weight for term in terms.values()] == [1.0, 0.5, 0.3, 0.5, 0.3]
    both = terms["mutual"].term
    assert isinstance(both, Mutual)
    assert (both.weight, both.first.label_smoothing, both.peer.label_smoothing) == (0.5, 0.2, 0.2)
    (group,) = wired.state.optimizer.param_groups
    assert len(group["params"]) == len([*model.parameters(), *wired.state.objective.parameters()])
    (entry,) = train(wired, people, (32, 16), epochs=1)
    parts = [entry[f"{of}cross_entropy"] + 0.5 * entry[f"{of}divergence"] for of in ("", "peer_")]
    assert entry["mutual"] == pytest.approx(sum(parts), rel=1e-5)
    others = [0.5 * entry[f"{of}triplet"] + 0.3 * entry[f"{of}auxiliary"] for of in ("", "peer_")]
    assert entry["total"] == pytest.approx(entry["mutual"] + sum(others), rel=1e-5)


def test_without_a_weight_there_is_no_peer(own: Recipe) -> None:
    wired, plain = wire(mutual(own, weight=0.0, width=0.5), LABELS, CPU), wire(own, LABELS, CPU)
    assert wired.state.model.networks == (wired.state.model,)
    assert wired.state.objective.logged == ("total", "cross_entropy", "accuracy")
    for part in ("model", "objective"):
        assert same(getattr(wired.state, part).state_dict(), getattr(plain.state, part).state_dict())


def test_a_peer_differs_from_the_network_and_leaves_it_as_it_is_alone(own: Recipe) -> None:
    """Which is drawn first, so that the seed gives the same network with a peer and without."""
    network, peer = wire(mutual(own), LABELS, CPU).state.model.networks
    assert same(network.state_dict(), wire(own, LABELS, CPU).state.model.state_dict())
    assert network.state_dict().keys() == peer.state_dict().keys()
    name = "embedding.linear.weight"
    assert not torch.equal(network.get_parameter(name), peer.get_parameter(name))


def test_each_network_starts_from_weights_of_its_own(own: Recipe) -> None:
    seen: list[tuple[EmbeddingModel, str]] = []
    recipe = mutual(replace(own, model=replace(own.model, initial_weights="a")), initial_weights="b")
    wired = wire(recipe, LABELS, CPU, load_weights=lambda model, source: seen.append((model, source)))
    assert seen == [*zip(wired.state.model.networks, ("a", "b"), strict=True)]


def test_a_search_has_no_peer(own: Recipe) -> None:
    supernet = ModelSettings(backbone="osnet_supernet", width=0.1, embedding_size=8)
    with pytest.raises(ValueError, match=r"mutual\.weight is 0\.5, but a search trains one network; set it to 0"):
        wire(mutual(replace(own, model=supernet)), LABELS, CPU)


def test_settings_reach_the_parts(own: Recipe) -> None:
    recipe = replace(
        own,
        data=replace(own.data, images_per_person=4, images_per_person_from_epoch=1),
        objective=ObjectiveSettings(
            label_smoothing=0.2,
            triplet=0.5,
            triplet_from_epoch=2,
            margin=0.4,
            ratio=0.7,
            soft_margin=True,
            auxiliary=0.9,
        ),
        optimizer=OptimizerSettings(name="amsgrad", lr=0.01, weight_decay=0.3, precision="float16"),
        schedule=ScheduleSettings(
            epochs=20,
            decay="step",
            steps=(5,),
            factor=0.5,
            warmup_epochs=2,
            classifier_only_epochs=3,
            open_embedding=True,
        ),
    )
    wired = wire(recipe, LABELS, CPU)
    terms = {term.name: term for term in wired.state.objective.scheduled}
    assert [*terms] == ["cross_entropy", "triplet", "auxiliary"]
    triplet = terms["triplet"]
    assert (triplet.weight, triplet.first_epoch, triplet.last_epoch, triplet.watch_from) == (0.5, 2, None, 1)
    assert isinstance(triplet.term, Triplet)
    assert (triplet.term.margin, triplet.term.ratio, triplet.term.soft_margin) == (0.4, 0.7, True)
    assert terms["auxiliary"].weight == 0.9
    assert terms["auxiliary"].term.label_smoothing == terms["cross_entropy"].term.label_smoothing == 0.2
    assert isinstance(wired.step, OrdinaryStep)
    assert (wired.step.precision, wired.step.classifier_only_epochs, wired.search) == ("float16", 3, None)
    assert wired.step.open_embedding
    assert wired.state.scaler.is_enabled()
    (group,) = wired.state.optimizer.param_groups
    assert (group["amsgrad"], group["weight_decay"], group["lr"]) == (True, 0.3, 0.01)
    assert [wired.learning_rate(epoch, 1.0) for epoch in (0, 1, 4, 5)] == [0.005, 0.01, 0.01, 0.005]


def test_what_the_field_has_learned_since_reaches_the_parts(own: Recipe) -> None:
    recipe = replace(
        own,
        data=replace(own.data, images_per_person=4, jitter=0.5, jitter_strengths=(0.4, 0.3, 0.2, 0.1)),
        model=replace(own.model, pooling="gem", neck="bnneck"),
        objective=ObjectiveSettings(circle=0.6, circle_from_epoch=2, circle_margin=0.4, circle_scale=32, centre=0.0005),
        optimizer=OptimizerSettings(lr=0.01, weight_decay=0.3, average=0.99),
    )
    wired = wire(recipe, LABELS, CPU)
    terms = {term.name: term for term in wired.state.objective.scheduled}
    assert [*terms] == ["cross_entropy", "circle", "centre"]
    circle, centre, classifier = terms["circle"], terms["centre"].term, terms["cross_entropy"].term
    assert (circle.weight, circle.first_epoch, circle.watch_from) == (0.6, 2, 0)
    assert isinstance(circle.term, Circle)
    assert (circle.term.margin, circle.term.scale) == (0.4, 32)
    assert isinstance(centre, Centre)
    assert (terms["centre"].weight, centre.centres.shape) == (0.0005, (6, 10))
    assert isinstance(classifier, CrossEntropy)
    assert classifier.classifier.bias is None
    model = wired.state.model
    assert isinstance(model.pooling, GeneralisedMean)
    assert isinstance(model.embedding, BNNeck)
    weights, exponent = wired.state.optimizer.param_groups
    assert [id(parameter) for parameter in exponent["params"]] == [id(model.pooling.power)]
    assert (weights["weight_decay"], exponent["weight_decay"]) == (0.3, 0)
    assert len(weights["params"]) == len([*model.parameters(), *wired.state.objective.parameters()]) - 1
    assert isinstance(wired.step, AveragingStep)
    assert wired.step.average.decay == 0.99
    assert wired.state.registered["average"] is wired.step.average
    assert wired.model is wired.step.average.model
    assert same(wired.model.state_dict(), model.state_dict())


@pytest.mark.parametrize("name", ["self_distillation", "mutual"])
def test_a_divergence_has_its_own_weight_whatever_the_cross_entropy_has(own: Recipe, name: str) -> None:
    objective = ObjectiveSettings(cross_entropy=0.5, self_distillation=0.8 if name == "self_distillation" else 0.0)
    recipe = replace(own, objective=objective, optimizer=OptimizerSettings(average=0.9))
    wired = wire(mutual(recipe, weight=0.8) if name == "mutual" else recipe, LABELS, CPU)
    outputs = Outputs(torch.randn(6, wired.state.model.embedding_size), torch.arange(6), taught=torch.randn(6, 6))
    with torch.no_grad():
        total, parts = wired.state.objective(outputs)
    people = sum(float(parts[key]) for key in parts if key.endswith("cross_entropy"))
    diverged = sum(float(parts[key]) for key in parts if key.endswith("divergence"))
    assert diverged > 0
    assert float(total) == pytest.approx(0.5 * people + 0.8 * diverged, rel=1e-5)


def test_strengths_of_the_jitter(own: Recipe, people: ReidDataset) -> None:
    store = ImageStore([record.path for record in people.train], (32, 16))

    def first_batch(strengths: tuple[float, float, float, float]) -> torch.Tensor:
        data = replace(own.data, flip=0.0, jitter=1.0, jitter_strengths=strengths)
        return next(wire(replace(own, data=data), labels(people.train), CPU).batches(store).epoch(0))[0]

    nothing = first_batch((0, 0, 0, 0))
    for number in range(4):
        strengths = [0.0, 0.0, 0.0, 0.0]
        strengths[number] = 0.3
        assert not torch.allclose(first_batch((*strengths,)), nothing, atol=0.02)  # type: ignore[arg-type]


def test_triplets_begin_with_people_times_images(own: Recipe, people: ReidDataset) -> None:
    """Batches of any images first, without the triplet term in the log; then it is watched, then it counts."""
    recipe = replace(
        own,
        data=replace(own.data, images_per_person=4, images_per_person_from_epoch=1),
        objective=ObjectiveSettings(triplet=0.5, triplet_from_epoch=2),
    )
    recipe.check()
    log = train(wire(recipe, labels(people.train), CPU), people, (32, 16), epochs=3)
    names = {"total", "cross_entropy", "accuracy", "learning_rate"}
    assert log[0].keys() == names
    assert log[1].keys() == log[2].keys() == names | {"triplet", "hardest_positive", "hardest_negative"}
    assert log[0]["total"] == log[0]["cross_entropy"]
    assert log[1]["total"] == log[1]["cross_entropy"]
    assert log[2]["total"] == pytest.approx(log[2]["cross_entropy"] + 0.5 * log[2]["triplet"], rel=1e-5)


def test_a_loss_of_ones_own_takes_one_file_and_no_edit(own: Recipe, people: ReidDataset, tmp_path: Path) -> None:
    recipe = with_loss(own, tmp_path, term_weight=0.01, term_from_epoch=1)
    wired = wire(recipe, labels(people.train), CPU)
    log = train(wired, people, (32, 16), epochs=3)
    assert log[0]["total"] == log[0]["cross_entropy"]
    for entry in log[1:]:
        assert entry["total"] == pytest.approx(entry["cross_entropy"] + 0.01 * entry["Center"], rel=1e-5)
        assert entry["spread"] >= entry["Center"]
    centers = wired.state.objective.get_parameter("terms.Center.centers")
    assert centers.shape == (6, 10)
    assert centers.any()  # trained with the rest


def test_what_is_not_a_term_is_refused(own: Recipe, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"objective\.term is .*loss\.py:not_a_term, which returned 3; it must return a Term"
    ):
        wire(with_loss(own, tmp_path, "not_a_term"), LABELS, CPU)
    with pytest.raises(ValueError, match="logs seconds, which the log has already"):
        wire(with_loss(own, tmp_path, "seconds"), LABELS, CPU)
    with pytest.raises(ValueError, match="does not define a function or class 'Nothing'"):
        wire(with_loss(own, tmp_path, "Nothing"), LABELS, CPU)
    with pytest.raises(ValueError, match="No such name: 'mean'. Choose from cross_entropy, triplet, auxiliary"):
        wire(replace(own, objective=ObjectiveSettings(term="mean")), LABELS, CPU)
    with pytest.raises(ValueError, match="Two terms of the objective log accuracy, cross_entropy"):
        wire(replace(own, objective=ObjectiveSettings(term="cross_entropy")), LABELS, CPU)


def test_an_augmentation_of_ones_own_comes_last_with_its_probability(
    own: Recipe, people: ReidDataset, tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text("def darken(images, generator, probability):\n    return images - probability\n")
    settings = replace(own.data, flip=0.5, augmentation=f"{tmp_path}/own.py:darken", augmentation_probability=0.25)
    store = ImageStore([record.path for record in people.train], (32, 16))

    def first_batch(recipe: Recipe, code_in: Path | None = None) -> torch.Tensor:
        batches = wire(recipe, labels(people.train), CPU, code_in=code_in).batches(store)
        return next(batches.epoch(0))[0]

    recipe = replace(own, data=settings)
    plain, darker = first_batch(replace(own, data=replace(settings, augmentation=""))), first_batch(recipe)
    assert torch.equal(darker, plain - 0.25)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "own.py").write_text("def darken(images, generator, probability):\n    return -images\n")
    assert torch.equal(first_batch(recipe, tmp_path / "run"), -plain)
    with pytest.raises(
        ValueError, match="No such name: 'fog'. Choose from flip, crop, .* Or name your own as FILE.py:NAME"
    ):
        wire(replace(own, data=replace(settings, augmentation="fog")), LABELS, CPU)


def test_no_weight_decay_on_the_architecture() -> None:
    """Without a gradient from the loss, weight decay would pull logits to 0; they stay where they are."""
    recipe = Recipe(
        model=ModelSettings(backbone="osnet_supernet", width=0.25, embedding_size=8),
        optimizer=OptimizerSettings(lr=0.05, weight_decay=0.1),
        search=SearchSettings(temperature=8.0, halve_every=2, lowest_temperature=3.0, samples=2, bilevel=True),
    )
    wired = wire(recipe, LABELS, CPU)
    state, net = wired.state, cast(SuperNet, wired.state.model.backbone)
    weights, architecture = state.optimizer.param_groups
    assert [id(parameter) for parameter in architecture["params"]] == [id(net.architecture)]
    assert (weights["weight_decay"], architecture["weight_decay"]) == (0.1, 0)
    with torch.no_grad():
        net.architecture.fill_(2.0)
    for group in state.optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    linear = cast(nn.Linear, state.model.embedding.linear)
    before = linear.weight.detach().clone()
    state.optimizer.step()
    assert (net.architecture == 2.0).all()
    assert not torch.equal(before, linear.weight)

    assert isinstance(wired.search, SearchStep)
    assert wired.step is wired.search
    assert (wired.search.samples, wired.search.bilevel, wired.search.supernet) == (2, True, net)
    assert [wired.search.temperature(epoch) for epoch in (0, 2, 9)] == [8, 4, 3]


def test_a_search_begins_as_published() -> None:
    """PyTorch's own initialisation, uniform within 1 / √fan-in: of a classifier's biases too, which are 0 elsewhere."""
    limit = 8**-0.5
    for backbone, searched in (("dslnet_supernet", True), ("dslnet", False)):
        wired = wire(Recipe(model=ModelSettings(backbone=backbone, width=0.25, embedding_size=8)), LABELS, CPU)
        [weight, bias] = [parameter.detach() for parameter in wired.state.objective.parameters()]
        assert bool(bias.any()) == searched
        assert (float(weight.abs().max()) > 0.5 * limit) == searched
        assert float(weight.abs().max()) <= limit


def test_what_does_not_fill_a_batch_fails_before_images_are_read(own: Recipe) -> None:
    with pytest.raises(ValueError, match="72 training images do not fill one batch of 73"):
        wire(replace(own, data=replace(own.data, batch_size=73)), LABELS, CPU)


def test_memory_settings_reach_their_parts() -> None:
    recipe = Recipe(
        model=ModelSettings(backbone="osnet_x0_25", checkpointing=True),
        optimizer=OptimizerSettings(accumulate=4),
        objective=ObjectiveSettings(auxiliary=1.0),
    )
    wired = wire(recipe, LABELS, CPU)
    assert wired.state.model.backbone.recompute
    assert isinstance(wired.step, OrdinaryStep)
    assert wired.step.accumulate == 4
    plain = wire(Recipe(model=ModelSettings(backbone="osnet_x0_25")), LABELS, CPU)
    assert isinstance(plain.step, OrdinaryStep)
    assert not plain.state.model.backbone.recompute
    assert plain.step.accumulate == 1


def test_what_compares_images_is_not_computed_in_parts(tmp_path: Path) -> None:
    data, parts = DataSettings(batch_size=16, images_per_person=4), OptimizerSettings(accumulate=2)
    model = ModelSettings(backbone="osnet_one_stream", width=0.25)
    triplet = Recipe(data=data, model=model, optimizer=parts, objective=ObjectiveSettings(triplet=1.0))
    with pytest.raises(ValueError, match="optimizer.accumulate is 2, but triplet compares the images of a whole batch"):
        wire(triplet, LABELS, CPU)
    (tmp_path / "loss.py").write_text(OWN_LOSS)
    own = Recipe(model=model, optimizer=parts, objective=ObjectiveSettings(term=f"{tmp_path / 'loss.py'}:Center"))
    with pytest.raises(
        ValueError, match="but Center compares the images of a whole batch .`compares_images`.; set it to 1"
    ):
        wire(own, LABELS, CPU)
    search = Recipe(model=ModelSettings(backbone="osnet_supernet", width=0.25), optimizer=parts)
    with pytest.raises(ValueError, match="a search draws an architecture for a whole batch; set it to 1"):
        wire(search, LABELS, CPU)


def test_a_backbone_that_cannot_be_recomputed_is_named(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(OWN_NET)
    for backbone in (f"{tmp_path / 'net.py'}:MyNet", "osnet_supernet"):
        with pytest.raises(
            ValueError, match="model.checkpointing needs a backbone that can .* is not one; set it to False"
        ):
            build_recipe_model(ModelSettings(backbone=backbone, checkpointing=True))
