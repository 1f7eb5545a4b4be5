import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.joined import JoinedModel
from scalereid.training import OptimizerName
from scalereid.training.objective import Objective, ScheduledTerm
from scalereid.training.optimization import build_optimizer
from scalereid.training.state import TrainingState
from scalereid.training.step import OrdinaryStep
from scalereid.training.terms.cross_entropy import CrossEntropy
from scalereid.training.terms.distillation import divergence, learn
from scalereid.training.terms.mutual import Mutual
from scalereid.training.terms.part import PEER, OfPart, parts
from scalereid.training.terms.term import Outputs
from scalereid.training.terms.triplet import Triplet
from tests.conftest import same
from tests.training.conftest import Noise, SmallNet, run, sizes_of, small_model, state_of


def large_model(seed: int) -> EmbeddingModel:
    """A peer with embeddings of another size."""
    torch.manual_seed(seed)
    model = EmbeddingModel(SmallNet(), embedding_size=24)
    nn.init.normal_(model.get_parameter("embedding.linear.weight"), std=0.2)
    return model


def pair() -> list[EmbeddingModel]:
    return [small_model(0), large_model(1)]


def classifiers(networks: list[EmbeddingModel]) -> list[CrossEntropy]:
    torch.manual_seed(2)
    return [CrossEntropy(sizes_of(network)) for network in networks]


def mutual_state(
    weight: float = 1.0, *, triplet: float = 0.0, optimizer: OptimizerName = "sgd", float16: bool = False
) -> TrainingState:
    """The pair before its first step, as a recipe is wired."""
    networks = pair()
    first, peer = parts(*(sizes_of(network) for network in networks))
    terms = [ScheduledTerm("mutual", Mutual(classifiers(networks), (first, peer), weight=weight))]
    if triplet:
        terms.append(ScheduledTerm("triplet", OfPart(Triplet(sizes_of(networks[0])), first), triplet))
        terms.append(ScheduledTerm("peer_triplet", OfPart(Triplet(sizes_of(networks[1])), peer, PEER), triplet))
    return state_of(JoinedModel(networks), terms, optimizer=optimizer, float16=float16)


def test_what_is_logged_adds_up() -> None:
    networks = pair()
    sizes = [sizes_of(network) for network in networks]
    own = classifiers(networks)
    term = Mutual(own, parts(*sizes), weight=0.7)
    embeddings, labels = torch.randn(6, 40, requires_grad=True), torch.tensor([0, 1, 2, 0, 1, 2])
    loss, observed = term(Outputs(embeddings, labels))
    assert set(observed) == set(term.observes)
    assert loss.requires_grad
    assert not any(value.requires_grad for value in observed.values())
    embeddings, loss = embeddings.detach(), loss.detach()
    for classifier, part, prefix in zip(own, (embeddings[:, :16], embeddings[:, 16:]), ("", PEER), strict=True):
        alone, seen = classifier(Outputs(part, labels))
        assert torch.equal(observed[f"{prefix}cross_entropy"], alone)
        assert torch.equal(observed[f"{prefix}accuracy"], seen["accuracy"])
    logits = own[0].logits(embeddings[:, :16]).detach(), own[1].logits(embeddings[:, 16:]).detach()
    assert float(observed["divergence"]) == pytest.approx(float(divergence(*logits)))
    assert float(observed["peer_divergence"]) == pytest.approx(float(divergence(*reversed(logits))))
    both = [observed[f"{prefix}cross_entropy"] + 0.7 * observed[f"{prefix}divergence"] for prefix in ("", PEER)]
    assert float(loss) == pytest.approx(float(sum(both)), rel=1e-6)


def naive(weight: float, triplet: float, optimizer: OptimizerName, epochs: int) -> list[dict[str, Tensor]]:
    """Two networks with an optimizer each, written out."""
    networks = [network.to(memory_format=torch.channels_last) for network in pair()]  # type: ignore[call-overload]
    own, hard = classifiers(networks), [Triplet(sizes_of(network)) for network in networks]
    optimizers = [
        build_optimizer(
            optimizer, [*network.parameters(), *each.parameters()], lr=0.05, weight_decay=5e-4, momentum=0.9
        )
        for network, each in zip(networks, own, strict=True)
    ]
    for epoch in range(epochs):
        for images, labels in Pairs().epoch(epoch):
            outputs = [Outputs(network(images), labels) for network in networks]
            logits = [each.classifier(seen.embeddings) for each, seen in zip(own, outputs, strict=True)]
            for i, optimizer_of in enumerate(optimizers):
                optimizer_of.zero_grad()
                own_p, other_p = logits[i].log_softmax(dim=1), logits[1 - i].detach().log_softmax(dim=1)
                soft = functional.kl_div(own_p, other_p, reduction="batchmean", log_target=True)
                loss = functional.cross_entropy(logits[i], labels, label_smoothing=0.1) + weight * soft
                if triplet:
                    loss = loss + triplet * hard[i](outputs[i])[0]
                torch.autograd.backward(loss)
            for optimizer_of in optimizers:
                optimizer_of.step()
    return [each.state_dict() for each in (*networks, *own)]


class Pairs(Noise):
    """Noise with at least two images of each person in a batch."""

    def epoch(self, epoch: int, *, start: int = 0):  # type: ignore[no-untyped-def]
        for images, _ in super().epoch(epoch, start=start):
            labels = torch.tensor([0, 0, 1, 1, 1, 2, 2, 2])
            yield images + labels[:, None, None, None], labels


@pytest.mark.parametrize(
    ("weight", "triplet", "optimizer"), [(1.0, 0.0, "sgd"), (1.0, 0.5, "amsgrad"), (0.4, 0.5, "sgd")]
)
def test_a_step_is_that_of_two_networks_with_an_optimizer_each(
    weight: float, triplet: float, optimizer: OptimizerName
) -> None:
    """To the bit after eight steps, of networks of different sizes."""
    state = mutual_state(weight, triplet=triplet, optimizer=optimizer)
    before = [tensor.clone() for tensor in state.model.state_dict().values()]
    run(state, 2, batches=Pairs())
    expected = naive(weight, triplet, optimizer, 2)
    mutual = state.objective.terms["mutual"]
    assert isinstance(mutual, Mutual)
    found = [
        *(network.state_dict() for network in state.model.networks),
        mutual.first.state_dict(),
        mutual.peer.state_dict(),
    ]
    assert all(map(same, found, expected))
    assert not any(map(torch.equal, before, state.model.state_dict().values()))


def test_neither_network_learns_from_the_others_loss() -> None:
    """The gradients of one are the same, whatever the other's classifier makes of its own predictions."""
    state = mutual_state(weight=2.0)
    images, labels = next(Noise().epoch(0))
    embeddings, *_ = state.model.with_stages(images)
    mutual = state.objective.terms["mutual"]
    assert isinstance(mutual, Mutual)
    first, peer = (part.of(Outputs(embeddings, labels)) for part in mutual.parts)
    logits, teacher = mutual.peer.logits(peer.embeddings), mutual.first.logits(first.embeddings)
    loss, _ = learn(mutual.peer, logits, teacher, labels, mutual.weight)
    torch.autograd.backward(loss)
    network, other = state.model.networks
    assert all(parameter.grad is None for parameter in (*mutual.first.parameters(),))
    assert all(parameter.grad is None or not parameter.grad.any() for parameter in network.parameters())
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in mutual.peer.parameters())
    assert any(parameter.grad is not None and parameter.grad.any() for parameter in other.parameters())


def predictions(network: EmbeddingModel, classifier: CrossEntropy, images: Tensor) -> Tensor:
    with torch.no_grad():
        return classifier.logits(network.eval()(images))


def test_each_draws_the_other() -> None:
    """Both learn, and predict more alike than two networks that learn from the labels alone."""
    images, _ = next(Noise().epoch(50))
    apart = []
    for weight in (0.0, 4.0):
        state = mutual_state(weight)
        log = run(state, 6)
        assert log[-1]["cross_entropy"] < 0.8 * log[0]["cross_entropy"]
        assert log[-1]["peer_cross_entropy"] < 0.8 * log[0]["peer_cross_entropy"]
        mutual = state.objective.terms["mutual"]
        assert isinstance(mutual, Mutual)
        logits = [
            predictions(network, each, images)
            for network, each in zip(state.model.networks, (mutual.first, mutual.peer), strict=True)
        ]
        apart.append(float(divergence(*logits)))
    assert apart[1] < 0.5 * apart[0]


def test_float16_and_bfloat16_learn() -> None:
    """One loss scale for both; it skips the first steps of both until it fits."""
    state = mutual_state(float16=True)
    step = OrdinaryStep(state, precision="float16")
    assert not step.capturable
    log = run(state, 6, step=step)
    assert state.scaler.get_scale() < 2.0**20
    assert log[-1]["total"] < 0.8 * log[0]["total"]
    state = mutual_state()
    step = OrdinaryStep(state, precision="bfloat16")
    assert step.capturable
    log = run(state, 6, step=step)
    assert log[-1]["total"] < 0.8 * log[0]["total"]


def test_both_networks_are_frozen_while_only_the_classifiers_learn() -> None:
    state = mutual_state()
    before = {name: tensor.clone() for name, tensor in state.model.state_dict().items()}
    learned = {name: tensor.clone() for name, tensor in state.objective.state_dict().items()}
    run(state, 1, step=OrdinaryStep(state, classifier_only_epochs=1))
    assert same(before, state.model.state_dict())
    assert not any(torch.equal(learned[name], tensor) for name, tensor in state.objective.state_dict().items())


def test_the_names_in_the_log_are_told_apart() -> None:
    networks = pair()
    sizes = [sizes_of(network) for network in networks]
    first, peer = parts(*sizes)
    terms = [
        ScheduledTerm("mutual", Mutual(classifiers(networks), (first, peer), weight=1.0)),
        ScheduledTerm("triplet", OfPart(Triplet(sizes[0]), first)),
        ScheduledTerm("peer_triplet", OfPart(Triplet(sizes[1]), peer, PEER)),
    ]
    of_each = ("cross_entropy", "accuracy", "divergence")
    triplet = ("triplet", "hardest_positive", "hardest_negative")
    assert Objective(terms).logged == (
        *("total", "mutual", *of_each, *(f"peer_{name}" for name in of_each)),
        *(*triplet, *(f"peer_{name}" for name in triplet)),
    )
