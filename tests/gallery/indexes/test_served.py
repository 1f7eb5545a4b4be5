from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scalereid.gallery.indexes import served
from scalereid.gallery.indexes.served import Found, ServedIndex
from scalereid.gallery.ledger import Ledger, Vectors
from scalereid.gallery.sightings import Seen
from tests.gallery.conftest import new_sightings
from tests.gallery.indexes.conftest import remove

pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


class Memory:
    """A store in memory, which is not searched."""

    def __init__(self) -> None:
        self.there: set[int] | None = None
        self.sent = 0

    def exists(self) -> bool:
        return self.there is not None

    def create(self, size: int) -> None:
        assert size == 8
        self.there = set()

    def put(self, vectors: Vectors, seen: list[Seen]) -> None:
        assert self.there is not None and len(seen) == len(vectors.sightings)
        self.there |= set(vectors.sightings.tolist())
        self.sent += 1

    def remove(self, sightings: NDArray[np.int64]) -> None:
        assert self.there is not None
        self.there -= set(sightings.tolist())

    def search(self, *_: Any, **__: Any) -> list[Found]:
        raise NotImplementedError

    def numbers(self) -> NDArray[np.int64]:
        return np.array(sorted(self.there or ()), np.int64)

    def drop(self) -> None:
        self.there = None


@pytest.mark.parametrize(("forgotten", "blocks"), [((5, 6), 2), ((1, 2, 3, 4, 5, 6), 0)])
def test_the_last_may_be_forgotten_while_blocks_are_sent(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, forgotten: tuple[int, ...], blocks: int
) -> None:
    monkeypatch.setattr(served, "_BLOCK", 2)
    model = ledger.add_model("a" * 12, "{}")
    ledger.add(model, new_sightings(6))
    store = Memory()
    index, latest, writes = ServedIndex(store, "memory", ledger, model), ledger.latest, 0

    def forget_after(model: int) -> tuple[int, int]:
        """What the process sees before another one forgets."""
        found = latest(model)
        remove(ledger, *forgotten)
        monkeypatch.setattr(ledger, "latest", latest)
        return found

    def send(*given: object) -> object:
        nonlocal writes
        writes += 1
        assert writes <= blocks + 1  # the loop ends
        return ServedIndex._send(index, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(ledger, "latest", forget_after)
    monkeypatch.setattr(index, "_send", send)
    index.catch_up()
    assert (store.sent, writes) == (blocks, blocks + 1)
    monkeypatch.undo()
    ledger.add(model, new_sightings(3, start=6))
    left = [number for number in range(1, 10) if number not in forgotten]
    assert index.numbers().tolist() == left == ledger.select().tolist()
