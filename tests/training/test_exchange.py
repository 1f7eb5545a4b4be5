"""Several processes against one. In float64, as batch norm in a new network makes rounding errors of float32 large."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor

from scalereid.distributed import number, own_rows
from scalereid.training import exchange
from scalereid.training.exchange import agreed, average_gradients, gather, joined, whole
from scalereid.training.objective import ScheduledTerm
from scalereid.training.optimization import build_optimizer
from scalereid.training.state import TrainingState
from scalereid.training.step import OrdinaryStep
from scalereid.training.synchronised import synchronise_batch_norms
from scalereid.training.terms.auxiliary import Auxiliary
from scalereid.training.terms.cross_entropy import CrossEntropy
from scalereid.training.terms.term import Outputs
from scalereid.training.terms.triplet import Triplet
from tests.together import together
from tests.training.conftest import sizes_of, small_model, state_of

STEPS = 6


def rows_and_gradients() -> tuple[list[float], list[float], float]:
    """Gathered values, and gradients of a sum that weighs each row of the batch by its number."""
    batch = torch.arange(6.0)
    shared = torch.tensor(2.0, requires_grad=True)
    own = (shared * batch[own_rows()]).requires_grad_()
    gathered = gather(own)
    own.retain_grad()
    (gathered * batch).sum().backward()  # type: ignore[no-untyped-call]
    average_gradients([shared])
    assert own.grad is not None
    assert shared.grad is not None
    return gathered.tolist(), own.grad.tolist(), float(shared.grad)


def test_rows_are_gathered_in_the_order_of_the_batch_with_their_gradients() -> None:
    for first, (found, of_rows, of_shared) in enumerate(together(rows_and_gradients)):
        assert found == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
        assert of_rows == [2 * row for row in (first, first + 2, first + 4)]  # of two processes, whose mean is taken
        assert of_shared == sum(row * row for row in range(6))


def test_one_process_needs_no_others() -> None:
    assert rows_and_gradients() == ([0.0, 2.0, 4.0, 6.0, 8.0, 10.0], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 55.0)
    assert agreed(True)
    assert not agreed(False)


def wishes() -> list[bool]:
    return [agreed(number() == 1), agreed(False), agreed(True)]


def test_a_request_of_one_process_is_known_to_all() -> None:
    assert together(wishes) == [[True, False, True]] * 2


def wishes_again() -> list[bool]:
    found = []
    for _ in range(3):
        with joined():
            found += wishes()
    return found


def test_processes_can_be_joined_again() -> None:
    """As by a script that trains twice."""
    assert together(wishes_again, join=False) == [[True, False, True] * 3] * 2


def numbers_of_gathered_tensors() -> list[int]:
    made = list[Tensor]()
    original = exchange.gather

    def counted(own: Tensor) -> Tensor:
        made.append(own)
        return original(own)

    exchange.gather = counted
    maps = whole(Outputs(torch.zeros(2, 1), torch.zeros(2), [torch.zeros(2, 1), torch.ones(2, 1), torch.ones(2, 1)]))
    before, numbers = len(made), list[int]()
    own = maps.stage_maps[1:]
    numbers.append(len(made) - before)
    assert len(own) == 2
    assert own[-2].tolist() == [[1.0]] * 4
    return [*numbers, len(made) - before]


def test_maps_are_gathered_only_if_a_term_looks_at_them() -> None:
    """Also of one of two networks that learn from each other, whose maps are some of those of both."""
    assert together(numbers_of_gathered_tensors) == [[0, 1]] * 2


def batches() -> Iterator[tuple[Tensor, Tensor]]:
    """Of three people, three images each or fewer; the rows of this process."""
    generator = torch.Generator().manual_seed(0)
    while True:
        labels = torch.arange(8) % 3
        images = torch.randn(8, 3, 32, 16, generator=generator, dtype=torch.float64) + labels[:, None, None, None]
        yield images[own_rows()], labels[own_rows()]


def training_state(*, pairs: bool = True) -> TrainingState:
    model = small_model()
    sizes = sizes_of(model)
    terms = [
        ScheduledTerm("cross_entropy", CrossEntropy(sizes)),
        ScheduledTerm("triplet", Triplet(sizes), 0.5),
        ScheduledTerm("auxiliary", Auxiliary(sizes), 0.7),
    ]
    state = state_of(model, terms if pairs else terms[::2])
    for part in (state.model, state.objective):
        part.double()
    state.sums = state.sums.double()
    weights = [*state.model.parameters(), *state.objective.parameters()]
    state.optimizer = build_optimizer("sgd", weights, lr=0.05, weight_decay=5e-4, momentum=0.9)
    return state


def trained(synchronised: bool, parts: int = 1) -> tuple[list[list[float]], dict[str, Any]]:
    """The logged values of each step, and weights and statistics after them."""
    state = training_state(pairs=parts == 1)
    if synchronised:
        synchronise_batch_norms(state.model)
    step = OrdinaryStep(state, accumulate=parts)
    step.begin_epoch()
    values = [step(images, labels).tolist() for images, labels in islice(batches(), STEPS)]
    tensors = {**state.model.state_dict(), **state.objective.state_dict()}
    return values, {name: tensor.numpy() for name, tensor in tensors.items()}


@pytest.mark.parametrize(("processes", "parts"), [(2, 1), (4, 1), (2, 2)])
def test_processes_that_synchronise_batch_norm_compute_what_one_computes(processes: int, parts: int) -> None:
    """Cross-entropy, triplet and auxiliary: losses, weights and running statistics, which all processes have.

    In parts, batch norm is of each part, which is of the same images in one process as in several.
    """
    values, tensors = trained(True, parts)
    for own_values, own in together(trained, True, parts, processes=processes):
        torch.testing.assert_close(own_values, values, rtol=1e-9, atol=1e-12)
        assert own.keys() == tensors.keys()
        for name, tensor in own.items():
            torch.testing.assert_close(tensor, tensors[name], rtol=1e-8, atol=1e-10)


def test_processes_with_batch_norms_of_their_own_train_one_network() -> None:
    """Losses are others than one process's, as each normalises by its share, but equal in both; so are the weights."""
    (values, tensors), (other_values, others) = together(trained, False)
    assert values == other_values
    assert abs(values[0][0] - trained(False)[0][0][0]) > 1e-3
    differing = {name for name in tensors if (tensors[name] != others[name]).any()}
    assert differing == {name for name in tensors if "running" in name and "branch" not in name}


def in_bfloat16() -> list[float]:
    model = small_model()
    state = state_of(model, [ScheduledTerm("cross_entropy", CrossEntropy(sizes_of(model)))])
    synchronise_batch_norms(state.model)
    step = OrdinaryStep(state, precision="bfloat16")
    step.begin_epoch()
    return [float(step(images.float(), labels)[0]) for images, labels in islice(batches(), STEPS)]


def test_embeddings_in_bfloat16_are_shared_too() -> None:
    one, other = together(in_bfloat16)
    assert one == other
    torch.testing.assert_close(one, in_bfloat16(), rtol=0.05, atol=0.05)
    assert one[-1] < one[0]


def captured() -> bool:
    return OrdinaryStep(training_state()).capturable


def test_steps_of_several_processes_are_not_captured() -> None:
    assert captured()
    assert together(captured) == [False, False]


def gathered_attributes() -> list[list[int]]:
    batch = torch.arange(8).reshape(4, 2)
    own = Outputs(torch.zeros(2, 1), batch[own_rows(), 0], attributes=batch[own_rows()])
    found = whole(own).attributes
    assert found is not None
    return found.tolist()


def test_attributes_of_the_whole_batch_are_known_to_all() -> None:
    assert together(gathered_attributes) == [[[0, 1], [2, 3], [4, 5], [6, 7]]] * 2
