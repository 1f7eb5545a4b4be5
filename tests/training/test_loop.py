from collections.abc import Iterator
from typing import cast

import pytest
import torch
from torch import Tensor, nn

from scalereid.training import loop
from scalereid.training.loop import Callbacks, Interrupted
from scalereid.training.step import OrdinaryStep
from tests.conftest import same
from tests.training.conftest import Noise, fresh, run


def test_learns_and_repeats_bit_for_bit() -> None:
    one, other = fresh(), fresh()
    log, again = run(one, 6), run(other, 6)
    assert log == again
    assert same(one.model.state_dict(), other.model.state_dict())
    assert same(one.objective.state_dict(), other.objective.state_dict())
    assert log[-1]["total"] < 0.7 * log[0]["total"]
    assert one.epoch == 6
    assert one.step == 0


@pytest.mark.slow  # on a busy machine, threads that wait for each other take minutes
def test_two_threads_repeat_bit_for_bit_too() -> None:
    torch.set_num_threads(2)
    try:
        one, other = fresh(), fresh()
        assert run(one) == run(other)
    finally:
        torch.set_num_threads(1)
    assert same(one.model.state_dict(), other.model.state_dict())


def test_loss_that_is_not_finite_stops_training() -> None:
    state = fresh()
    with torch.no_grad():
        cast(nn.Linear, state.model.embedding.linear).bias.fill_(torch.inf)
    with pytest.raises(FloatingPointError, match=r"A loss in epoch 1, by step 1, is not finite .*lower the rate"):
        run(state)


@pytest.mark.parametrize("steps", [1, 3, 4, 6, 12])  # 4 and 12: after the last step of an epoch
def test_stopping_and_going_on_is_as_if_nothing_had_happened(steps: int) -> None:
    whole, stopped = fresh(), fresh()
    log = run(whole, 3)
    before: list[dict[str, float]] = []
    with pytest.raises(Interrupted):
        run(stopped, 3, stop_requested=lambda: 4 * stopped.epoch + stopped.step >= steps, log=before)
    assert 4 * stopped.epoch + stopped.step == steps
    assert before + run(stopped, 3) == log
    assert same(whole.model.state_dict(), stopped.model.state_dict())


def test_means_are_over_all_steps_of_the_epoch() -> None:
    """Against a loop written out, with PyTorch alone."""
    by_hand, seen = fresh(), []
    classifier = by_hand.objective.get_submodule("terms.cross_entropy.classifier")
    for images, labels in Noise().epoch(0):
        by_hand.model.train()
        logits = classifier(by_hand.model(images))
        loss = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.1)
        by_hand.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        by_hand.optimizer.step()
        seen.append(float(loss.detach()))
    state = fresh()
    assert run(state, 1)[0]["total"] == pytest.approx(sum(seen) / 4, rel=1e-6)
    weights = [each.model.embedding.get_parameter("linear.weight") for each in (state, by_hand)]
    torch.testing.assert_close(*weights)


class Growing(Noise):
    """One batch in the first epoch, two in the second, …"""

    def steps(self, epoch: int) -> int:
        return 1 + epoch


def test_each_epochs_own_number_of_batches_counts() -> None:
    """For the share of the epoch that the learning rate is asked for, for the means, and for where a resumed epoch begins."""
    state, asked, shown, ended = fresh(), [], [], []

    def rate(epoch: int, progress: float) -> float:
        asked.append((epoch, progress))
        return 0.01 * (1 + epoch) * progress

    loop.train(
        state,
        OrdinaryStep(state),
        Growing(),
        epochs=3,
        learning_rate=rate,
        callbacks=Callbacks(
            after_steps=lambda: shown.append((state.epoch, state.step, state.optimizer.param_groups[0]["lr"])),
            after_epoch=lambda means, last: ended.append((state.epoch, state.step, last, means["total"] > 0)),
        ),
    )
    assert asked == [(0, 1), (0, 1), (1, 1 / 2), (1, 1), (1, 1), (2, 1 / 3), (2, 2 / 3), (2, 1), (2, 1)]
    assert [(epoch, step) for epoch, step, _ in shown] == [(0, 1), (1, 1), (1, 2), (2, 1), (2, 2), (2, 3)]
    assert [rate for *_, rate in shown] == pytest.approx([0.01, 0.01, 0.02, 0.01, 0.02, 0.03])
    assert ended == [(1, 0, 0.01, True), (2, 0, 0.02, True), (3, 0, 0.03, True)]


class Counted(Noise):
    """Batches that are counted as they are taken."""

    taken = 0

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        for batch in super().epoch(epoch, start=start):
            self.taken += 1
            yield batch


def test_nothing_is_done_for_a_finished_training() -> None:
    state, batches = fresh(), Counted()
    run(state, 1, batches=batches)
    assert batches.taken == 4
    assert run(state, 1, batches=batches) == []
    assert batches.taken == 4
    with pytest.raises(Interrupted):
        run(state, 2, batches=batches, stop_requested=lambda: True)
    assert batches.taken == 4
