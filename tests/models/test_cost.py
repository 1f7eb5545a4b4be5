import pytest

from scalereid.assembly import build_model
from scalereid.models.cost import cost

# arXiv:1905.00953, table 6: multiply-adds in millions by resolution; exact parameter counts from the architecture.
PAPER = [
    ("osnet_x1_0", 2_169_508, (256, 128), 978.9),
    ("osnet_x1_0", 2_169_508, (192, 96), 550.7),
    ("osnet_x1_0", 2_169_508, (128, 64), 244.9),
    ("osnet_x1_0", 2_169_508, (64, 32), 61.5),
    ("osnet_x0_75", 1_285_754, (256, 128), 571.8),
    ("osnet_x0_75", 1_285_754, (192, 96), 321.7),
    ("osnet_x0_5", 630_034, (256, 128), 272.9),
    ("osnet_x0_5", 630_034, (128, 64), 68.3),
    ("osnet_x0_25", 201_864, (256, 128), 82.3),
    ("osnet_x0_25", 201_864, (64, 32), 5.2),
]


@pytest.mark.parametrize(("name", "parameters", "image_size", "millions"), PAPER)
def test_papers_counts(name: str, parameters: int, image_size: tuple[int, int], millions: float) -> None:
    counted = cost(build_model(name), image_size)
    assert counted.parameters == parameters
    assert counted.multiply_adds / 1e6 == pytest.approx(millions, abs=0.1)


def test_against_a_sum_by_hand() -> None:
    """OSNet x1.0's own layers at 256×128: positions × inputs × outputs × kernel, the gate once for each of four streams."""
    total = 8192 * 4 * 3 * 64 * 49 // 4  # stem: 128×64 positions
    for positions, inputs, outputs in ((64 * 32, 64, 256), (32 * 16, 256, 384), (16 * 8, 384, 512)):
        middle = outputs // 4
        for first in (inputs, outputs):
            total += positions * (first * middle + middle * outputs)  # reduce, restore
            total += 10 * positions * middle * (middle + 9)  # ten Lite 3×3
            total += 4 * 2 * middle * (middle // 16)  # gate
            total += positions * first * outputs if first != outputs else 0  # shortcut
        total += positions * outputs * outputs  # transition, or the last convolution
    total += 512 * 512
    assert cost(build_model("osnet_x1_0")).multiply_adds == total == 978_875_392


def test_counting_leaves_the_model_where_it_was() -> None:
    model = build_model("osnet_x0_25").train()
    cost(model)
    assert model.training
    assert next(model.parameters()).device.type == "cpu"
