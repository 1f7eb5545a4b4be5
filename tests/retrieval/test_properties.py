"""Tables of labelled pairs: what was written reads back, and whatever is in a file, an error names it."""

import csv
import tempfile
from pathlib import Path
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from scalereid.retrieval.answers import COLUMNS, Answer, read_pairs

few = settings(max_examples=50, deadline=None, derandomize=True)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=20)
weights = st.floats(1e-10, 1e10)
rows = st.tuples(names, names, st.sampled_from(get_args(Answer)), st.floats(0, 2), weights)
pieces = st.sampled_from(
    ["a,b,same", "\n", "\r", '"', ",", "nan", "inf", "1e400", "9" * 30, "\x85", "\0", "é", "unsure"]
)


@few
@given(st.lists(rows, min_size=1))
def test_pairs_read_back(rows: list[tuple[str, str, str, float, float]]) -> None:
    with tempfile.TemporaryDirectory() as made:
        file = Path(made) / "pairs.csv"
        with file.open("w", encoding="utf-8", newline="") as opened:
            csv.writer(opened).writerows([COLUMNS, *([*row, "abc"] for row in rows)])
        pairs = read_pairs(file)
        assert pairs.distances is not None
        paths = ([file.parent / name for name in side] for side in [*zip(*rows, strict=True)][:2])
        assert [[*pairs.first], [*pairs.second]] == [*paths]
        values = zip(pairs.answers, pairs.distances.tolist(), pairs.weights.tolist(), strict=True)
        assert [*values] == [row[2:] for row in rows]


@few
@given(st.binary(max_size=60) | st.lists(pieces).map(lambda some: ",".join(COLUMNS) + "\n" + "".join(some)))
def test_an_error_names_the_file(content: bytes | str) -> None:
    with tempfile.TemporaryDirectory() as made:
        file = Path(made) / "pairs.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        try:
            read_pairs(file)
        except ValueError as error:
            assert str(file) in str(error)
