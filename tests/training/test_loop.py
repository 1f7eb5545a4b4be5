from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from scalereid.models.building import build_model
from scalereid.runs.recipe import OptimizerSettings, Recipe
from scalereid.runs.wiring import build_training
from scalereid.training.loop import Interrupted, train
from scalereid.training.step import Training
from tests.conftest import same


class Noise:
    """Four batches of random images of three people; the same for the same epoch and number."""

    def __len__(self) -> int:
        return 4

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        for i in range(start, 4):
            generator = torch.Generator().manual_seed(100 * epoch + i)
            labels = torch.randint(0, 3, (8,), generator=generator)
            yield torch.randn(8, 3, 32, 16, generator=generator) + labels[:, None, None, None], labels


def fresh(optimizer: OptimizerSettings = OptimizerSettings(lr=0.05)) -> Training:  # noqa: B008 - frozen
    torch.manual_seed(0)
    return build_training(Recipe(optimizer=optimizer), build_model("osnet_x0_25"), 3, torch.device("cpu"))


def run(training: Training, epochs: int = 2, **options: object) -> list[dict[str, float]]:
    log: list[dict[str, float]] = []
    train(
        training,
        Noise(),
        epochs=epochs,
        learning_rate=lambda *_: 0.05,
        after_epoch=lambda _, means: log.append(means),
        **options,  # type: ignore[arg-type]
    )
    return log


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


def test_classifier_only_epochs_leave_the_model_untouched() -> None:
    training = fresh()
    before = {name: tensor.clone() for name, tensor in training.model.state_dict().items()}
    classifier = training.objective.classifier.weight.clone()
    run(training, 1, classifier_only_epochs=1)
    assert same(before, training.model.state_dict())  # running statistics too
    assert not torch.equal(classifier, training.objective.classifier.weight)
    run(training, 2, classifier_only_epochs=1)
    kept = [name for name, tensor in training.model.state_dict().items() if torch.equal(before[name], tensor)]
    assert [name for name in kept if ".fusion." not in name] == []  # a gate's one hidden channel may be dead


def test_loss_that_is_not_finite_stops_training() -> None:
    training = fresh()
    with torch.no_grad():
        training.model.embedding.linear.bias.fill_(torch.inf)
    with pytest.raises(FloatingPointError, match=r"a loss in epoch 1, by step 1, is not finite .*lower the rate"):
        run(training)


@pytest.mark.parametrize("steps", [1, 3, 4, 6, 12])  # 4 and 12: after the last step of an epoch
def test_stopping_and_going_on_is_as_if_nothing_had_happened(steps: int) -> None:
    whole, stopped = fresh(), fresh()
    log = run(whole, 3)
    before: list[dict[str, float]] = []
    with pytest.raises(Interrupted):
        train(
            stopped,
            Noise(),
            epochs=3,
            learning_rate=lambda *_: 0.05,
            after_epoch=lambda _, means: before.append(means),
            stop_requested=lambda: 4 * stopped.epoch + stopped.step >= steps,
        )
    assert 4 * stopped.epoch + stopped.step == steps
    assert before + run(stopped, 3) == log
    assert same(whole.model.state_dict(), stopped.model.state_dict())


def test_means_are_over_all_steps_of_the_epoch() -> None:
    training, seen = fresh(), []
    by_hand = fresh()
    for images, labels in Noise().epoch(0):
        by_hand.model.train()
        losses = by_hand.objective(by_hand.model(images), labels)
        by_hand.optimizer.zero_grad()
        losses.total.backward()
        for group in by_hand.optimizer.param_groups:
            group["lr"] = 0.05
        by_hand.optimizer.step()
        seen.append(float(losses.total.detach()))
    assert run(training, 1)[0]["total"] == pytest.approx(sum(seen) / 4, rel=1e-6)


def test_bfloat16_keeps_weights_and_loss_in_float32() -> None:
    training = fresh()
    log = run(training, 8, precision="bfloat16")
    assert all(parameter.dtype == torch.float32 for parameter in training.model.parameters())
    assert log[-1]["total"] < 0.7 * log[0]["total"]
    assert log != run(fresh(), 8)


def test_float16_with_a_gradient_scaler_learns() -> None:
    """The scaler skips the first steps until its scale fits; what follows must not be hurt by that."""
    training = fresh(OptimizerSettings(lr=0.05, precision="float16"))
    log = run(training, 12, precision="float16")
    assert training.scaler.get_scale() != 65536.0
    assert log[-1]["total"] < 0.7 * log[0]["total"]


def test_what_a_backbone_froze_stays_frozen() -> None:
    training = fresh()
    frozen = training.trainable.pop(0).requires_grad_(False)
    before = frozen.clone()
    run(training, 2, classifier_only_epochs=1)
    assert torch.equal(frozen, before)
