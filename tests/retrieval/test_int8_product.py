import sys
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from scalereid.retrieval import int8_product
from scalereid.retrieval.int8_product import int8_is_fast, int8_products

numkong_is_faster = int8_product._numkong_is_faster


@pytest.fixture(autouse=True)
def tried_anew() -> Iterator[None]:
    yield
    int8_is_fast.cache_clear()
    numkong_is_faster.cache_clear()


def drawn(rows: int, others: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(width)
    one, other = (torch.from_numpy(rng.integers(-127, 128, (n, width), dtype=np.int8)) for n in (rows, others))
    return one, other


@pytest.mark.parametrize("rows", [1, 2, 3, 33])
@pytest.mark.parametrize("others", [1, 7, 3_000])
@pytest.mark.parametrize("width", [2, 3, 16, 70, 512])
@pytest.mark.parametrize("numkong", [True, False])
def test_products_are_exact(monkeypatch: pytest.MonkeyPatch, rows: int, others: int, width: int, numkong: bool) -> None:
    if numkong:
        pytest.importorskip("numkong")
    monkeypatch.setattr(int8_product, "_numkong_is_faster", lambda _: numkong)
    one, other = drawn(rows, others, width)
    found = int8_products(one, other)
    assert found.dtype == torch.float32
    assert found.tolist() == (one.numpy().astype(int) @ other.numpy().astype(int).T).tolist()


def test_a_part_of_the_gallery(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns of a larger matrix, which a search goes through in blocks."""
    pytest.importorskip("numkong")
    monkeypatch.setattr(int8_product, "_numkong_is_faster", lambda _: True)
    one, other = drawn(1, 3_000, 64)
    parts = [int8_products(one, other[start : start + 700]) for start in range(0, 3_000, 700)]
    assert torch.equal(torch.cat(parts, dim=1), int8_products(one, other))


def test_numkong_is_for_few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def products(rows: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        asked.append(len(rows))
        return torch.zeros(len(rows), len(others))

    monkeypatch.setattr(int8_product, "_by_numkong", products)
    monkeypatch.setattr(int8_product, "_numkong_is_faster", lambda _: True)
    for rows in (1, 2, 3, 32):
        int8_products(*drawn(rows, 5, 8))
    assert asked == [1, 2]


def is_chosen() -> bool:
    numkong_is_faster.cache_clear()
    return numkong_is_faster(1)


def test_numkong_is_not_used_where_it_is_missing_or_not_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(rows: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        return (rows.int()[:, None] * others.int()).sum(2).float()

    monkeypatch.setattr(int8_product, "_by_torch", slowly)
    monkeypatch.setattr(int8_product, "_by_numkong", lambda rows, others: torch._int_mm(rows, others.T).float())
    assert is_chosen()
    monkeypatch.setattr(int8_product, "_by_numkong", lambda rows, others: torch._int_mm(rows, others.T).float() + 1)
    assert not is_chosen()
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "numkong", None)
    assert not is_chosen()


@pytest.mark.parametrize("error", [AttributeError, TypeError, ValueError])
def test_another_version_of_numkong_is_not_used(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def changed(*_: object) -> torch.Tensor:
        raise error

    monkeypatch.setattr(int8_product, "_by_numkong", changed)
    assert not is_chosen()


def test_torch_is_not_used_where_its_products_are_not_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processors without VNNI add pairs of products in 16 bits."""
    assert int8_is_fast() in (True, False)
    int8_is_fast.cache_clear()
    monkeypatch.setattr(torch, "_int_mm", lambda one, other: (one.float() @ other.float()).clamp(-(2**15), 2**15).int())
    assert not int8_is_fast()
    int8_is_fast.cache_clear()
    monkeypatch.delattr(torch, "_int_mm")
    assert not int8_is_fast()
