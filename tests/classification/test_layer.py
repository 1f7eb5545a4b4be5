import numpy as np
import pytest

from scalereid.classification.layer import ClassLayer

WEIGHT = np.array([[1, 0], [0, 2]], np.float32)


def test_probabilities_by_hand() -> None:
    layer = ClassLayer(("cat", "dog"), WEIGHT, np.array([0, 1], np.float32))
    (found,) = layer(np.array([[3, 0.5]], np.float32))  # logits 3 and 2
    assert found == pytest.approx([1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))])
    assert layer(np.array([[1e30, 0]], np.float32)).tolist() == [[1, 0]]  # no overflow


@pytest.mark.parametrize(
    ("names", "bias", "said"),
    [
        (("cat",), np.zeros(2, np.float32), r"has 1 classes, but weights of shape \[2, 2\] and biases of shape \[2\]"),
        (("cat", "dog"), np.array([0, np.nan], np.float32), "not finite"),
    ],
)
def test_what_does_not_fit(names: tuple[str, ...], bias: np.ndarray, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ClassLayer(names, WEIGHT, bias)
