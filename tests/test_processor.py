from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scalereid import processor

INTEL = """processor\t: 0
model name\t: Some Xeon
flags\t\t: fpu sse2 {}

processor\t: 1
model name\t: Other
flags\t\t: amx_bf16
"""


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def tell(text: str) -> None:
        processor._told.cache_clear()
        monkeypatch.setattr(Path, "read_text", lambda _: text)

    yield tell
    processor._told.cache_clear()


def test_bfloat16_where_the_processor_has_instructions_for_it(told: Callable[[str], None]) -> None:
    for flags, has in (("avx512f", False), ("avx512f avx512_bf16", True), ("amx_bf16 amx_tile", True)):
        told(INTEL.format(flags))
        assert processor.computes_bfloat16() is has
    told("processor\t: 0\nFeatures\t: fp asimd bf16\n")
    assert processor.computes_bfloat16()


def test_a_fingerprint_tells_kinds_apart(told: Callable[[str], None]) -> None:
    found = []
    for text in (
        INTEL.format("avx"),
        INTEL.format("avx"),
        INTEL.format("avx avx2"),
        INTEL.format("avx").replace("Some", "A"),
    ):
        told(text)
        found.append(processor.fingerprint())
    assert found[0] == found[1]
    assert len({*found}) == 3


def test_a_system_that_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> str:
        raise FileNotFoundError

    processor._told.cache_clear()
    monkeypatch.setattr(Path, "read_text", refuse)
    assert not processor.computes_bfloat16()
    assert len(processor.fingerprint()) == 12
    processor._told.cache_clear()
