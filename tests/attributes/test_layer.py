import numpy as np
import pytest
import torch

from scalereid.attributes.layer import AttributeLayer


def test_likelihoods_are_those_of_torch() -> None:
    linear, embeddings = torch.nn.Linear(8, 3), 50 * torch.randn(20, 8)
    layer = AttributeLayer(("a", "b", "c"), linear.weight.detach().numpy(), linear.bias.detach().numpy())
    found = layer(embeddings.numpy())
    assert found.dtype == np.float32
    with torch.no_grad():
        np.testing.assert_allclose(found, linear(embeddings).sigmoid().numpy(), rtol=1e-4, atol=1e-7)
    assert layer(np.empty((0, 8), np.float32)).shape == (0, 3)


@pytest.mark.filterwarnings("error")
def test_large_values_do_not_overflow() -> None:
    layer = AttributeLayer(("a",), np.array([[1e4]], np.float32), np.zeros(1, np.float32))
    assert layer(np.array([[1.0], [-1.0], [0.0]], np.float32)).tolist() == [[1.0], [0.0], [0.5]]


def test_what_does_not_fit_is_refused() -> None:
    weight, bias = np.zeros((2, 4), np.float32), np.zeros(2, np.float32)
    with pytest.raises(ValueError, match=r"1 attributes, but weights of shape \[2, 4\] and biases of shape \[2\]"):
        AttributeLayer(("a",), weight, bias)
    with pytest.raises(ValueError, match="not finite"):
        AttributeLayer(("a", "b"), weight, bias + np.inf)
