import numpy as np
import pytest
import torch

from scalereid.retrieval import product
from scalereid.retrieval.product import products


@pytest.mark.parametrize("has_onednn", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 2), (17, 50), (40, 333)])
def test_by_either_library(monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int], has_onednn: bool) -> None:
    """Whole numbers, whose sums are exact."""
    if not has_onednn:
        monkeypatch.setattr(product, "_has_onednn", lambda: False)
    rng = np.random.default_rng(0)
    one, other = (rng.integers(-9, 10, (n, 65)).astype(np.float32) for n in shape)
    found = products(torch.from_numpy(one), torch.from_numpy(other))
    assert found.tolist() == (one @ other.T).tolist()


@pytest.mark.parametrize("size", [3, 64, 129, 512])
def test_a_product_depends_on_its_two_rows_alone(size: int) -> None:
    """Whichever other rows there are, and however many: else copies would have different distances."""
    if not product._has_onednn():
        pytest.skip("torch has no oneDNN here")
    rng = np.random.default_rng(size)
    rows, others = (torch.from_numpy(rng.standard_normal((n, size), np.float32)) for n in (100, 40))
    whole = products(rows, others.repeat(60, 1))
    for number in (1, 2, 5, 16, 17, 31, 100):
        for columns in (1, 2, 3, 17, 100, 1_001):
            which = torch.from_numpy(rng.integers(0, len(others), columns))
            assert torch.equal(products(rows[:number], others[which]), whole[:number, which])


def test_torch_has_the_operator() -> None:
    """It is private: where this fails, torch's own product is used, which is slower on some processors."""
    assert not torch.backends.mkldnn.is_available() or product._has_onednn()  # type: ignore[no-untyped-call]
