"""Each fusion against its formula, spelled out stream by stream and channel by channel."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from scalereid.models import fusion
from scalereid.models.fusion import ChannelwiseSelection, Fusion
from scalereid.models.layers import ChannelGate

CHANNELS, STREAMS = 48, 3
ALL = [
    fusion.Addition,
    fusion.Concatenation,
    fusion.SharedGate,
    fusion.SharedStreamGate,
    fusion.SeparateGates,
    fusion.FixedGates,
    fusion.SqueezeExcitation,
    fusion.ChannelwiseSelection,
]


@pytest.fixture
def streams() -> list[Tensor]:
    return [torch.randn(2, CHANNELS, 4, 3) for _ in range(STREAMS)]


def gate_by_hand(gate: ChannelGate, maps: Tensor) -> Tensor:
    hidden = functional.relu(functional.linear(maps.mean(dim=(2, 3)), gate.reduce.weight.flatten(1), gate.reduce.bias))
    return functional.linear(hidden, gate.restore.weight.flatten(1), gate.restore.bias).sigmoid()[:, :, None, None]


@pytest.mark.parametrize("kind", ALL)
def test_promised_channels(kind: type[Fusion], streams: list[Tensor]) -> None:
    made = kind(CHANNELS, STREAMS)
    assert made(streams).shape == (2, made.out_channels, 4, 3)


def test_addition_and_concatenation(streams: list[Tensor]) -> None:
    one, two, three = streams
    assert torch.equal(fusion.Addition(CHANNELS, 3)(streams), one + two + three)
    assert torch.equal(fusion.Addition(CHANNELS, 1)([one]), one)
    assert torch.equal(fusion.Concatenation(CHANNELS, 3)(streams)[:, CHANNELS : 2 * CHANNELS], two)


def test_one_gate_for_all_streams(streams: list[Tensor]) -> None:
    made = fusion.SharedGate(CHANNELS, STREAMS)
    expected = torch.stack([gate_by_hand(made.gate, stream) * stream for stream in streams]).sum(dim=0)
    torch.testing.assert_close(made(streams), expected)


def test_stream_gate_gives_all_channels_one_weight(streams: list[Tensor]) -> None:
    made = fusion.SharedStreamGate(CHANNELS, STREAMS)
    weights = [gate_by_hand(made.gate, stream) for stream in streams]
    assert weights[0].shape == (2, 1, 1, 1)
    expected = torch.stack([weight * stream for weight, stream in zip(weights, streams, strict=True)]).sum(dim=0)
    torch.testing.assert_close(made(streams), expected)


def test_separate_gates(streams: list[Tensor]) -> None:
    made = fusion.SeparateGates(CHANNELS, STREAMS)
    gates = [gate for gate in made.gates if isinstance(gate, ChannelGate)]
    assert len({id(gate) for gate in gates}) == STREAMS
    gated = [gate_by_hand(gate, stream) * stream for gate, stream in zip(gates, streams, strict=True)]
    torch.testing.assert_close(made(streams), torch.stack(gated).sum(dim=0))


def test_fixed_gates_do_not_look_at_the_image(streams: list[Tensor]) -> None:
    made = fusion.FixedGates(CHANNELS, STREAMS)
    torch.testing.assert_close(made(streams), 0.5 * torch.stack(streams).sum(dim=0))
    torch.nn.init.normal_(made.logits)
    weights = made.logits.sigmoid()
    expected = sum(weights[n] * streams[n] for n in range(STREAMS))
    torch.testing.assert_close(made(streams), expected)
    assert made.logits.shape == (STREAMS, CHANNELS, 1, 1)


def test_squeeze_excitation_looks_at_the_sum(streams: list[Tensor]) -> None:
    made = fusion.SqueezeExcitation(CHANNELS, STREAMS)
    total = torch.stack(streams).sum(dim=0)
    torch.testing.assert_close(made(streams), gate_by_hand(made.gate, total) * total)


@pytest.mark.parametrize("split", [True, False])
def test_channelwise_selection_is_the_papers(streams: list[Tensor], split: bool) -> None:
    """V = pool(sum); V in groups A_n; I_n = two layers of A_n; softmax over n for each channel; the weighted sum."""
    made = ChannelwiseSelection(CHANNELS, STREAMS, split=split)
    pooled = torch.stack(streams).sum(dim=0).mean(dim=(2, 3))
    hidden = CHANNELS // 16
    group = CHANNELS // STREAMS
    assert made.reduce.bias is not None
    assert made.restore.bias is not None
    scores = []
    for n in range(STREAMS):
        seen = pooled[:, n * group : (n + 1) * group] if split else pooled
        of_hidden, of_scores = slice(n * hidden, (n + 1) * hidden), slice(n * CHANNELS, (n + 1) * CHANNELS)
        inner = functional.relu(
            functional.linear(seen, made.reduce.weight[of_hidden].flatten(1), made.reduce.bias[of_hidden])
        )
        scores.append(functional.linear(inner, made.restore.weight[of_scores].flatten(1), made.restore.bias[of_scores]))
    expected = torch.zeros_like(streams[0])
    for c in range(CHANNELS):
        shares = torch.stack([score[:, c] for score in scores], dim=1).softmax(dim=1)
        for n in range(STREAMS):
            expected[:, c] += shares[:, n, None, None] * streams[n][:, c]
    torch.testing.assert_close(made(streams), expected)
    torch.testing.assert_close(made.weights(streams).sum(dim=1), torch.ones(2, CHANNELS, 1, 1))


def test_a_stream_scores_by_its_own_group_only(streams: list[Tensor]) -> None:
    """With the vector split, what the third group holds changes the third stream's scores alone."""
    made = ChannelwiseSelection(CHANNELS, STREAMS)
    changed = [streams[0].clone(), *streams[1:]]
    changed[0][:, 2 * CHANNELS // 3 :] += 1.0
    before, after = made.weights(streams).log(), made.weights(changed).log()
    torch.testing.assert_close(before[:, 0] - before[:, 1], after[:, 0] - after[:, 1])
    assert not torch.allclose(before[:, 0] - before[:, 2], after[:, 0] - after[:, 2])


def test_channels_that_do_not_split_are_named() -> None:
    with pytest.raises(ValueError, match="64 channels cannot be split evenly among 3 streams"):
        ChannelwiseSelection(64, 3)
    ChannelwiseSelection(64, 3, split=False)


@pytest.mark.parametrize(
    "kind", [fusion.SharedGate, fusion.SharedStreamGate, fusion.SeparateGates, fusion.FixedGates, ChannelwiseSelection]
)
def test_the_weights_are_those_of_the_sum(kind: type[fusion.WeightedFusion], streams: list[Tensor]) -> None:
    made = kind(CHANNELS, STREAMS)
    weights = made.weights(streams)
    assert weights.shape == (2, STREAMS, CHANNELS, 1, 1)
    torch.testing.assert_close((weights * torch.stack(streams, dim=1)).sum(dim=1), made(streams))
