"""Tables that were written read back the same, and whatever is in a file, an error names it."""

import csv
import io
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalereid.data.readers.rows import csv_rows, json_rows
from scalereid.data.readers.table import read_csv, read_jsonl, read_listed, write_csv
from scalereid.data.records import ImageRecord, ReidDataset

few = settings(max_examples=50, deadline=None, derandomize=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=20)
file_names = names.filter(lambda name: name not in (".", ".."))
numbers = st.integers(-(2**63), 2**63 - 1)
pids = st.integers(0, 2**63 - 1)
records = st.tuples(pids, numbers, st.none() | numbers)
heads = st.sampled_from(
    ["", "split,path,pid,camid\n", "path\n", '{"path": ', '{"split": "train", "path": "a", "pid": ']
)
lines = st.lists(
    st.sampled_from(["train,a,1,1", "\n", "\r", '"', ",", "{", "[", "}", "1e400", "9" * 30, "\x85", "\0", "é"])
)


@few
@given(st.dictionaries(file_names, records, max_size=5), st.sampled_from(["train", "query", "gallery"]))
def test_datasets_read_back(files: dict[str, tuple[int, int, int | None]], split: str) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for number, name in enumerate(files):
            (folder / str(number)).mkdir()
            (folder / str(number) / name).touch()
        images = tuple(
            ImageRecord(folder / str(number) / name, *labels) for number, (name, labels) in enumerate(files.items())
        )
        dataset = ReidDataset(folder.name, folder, **{"train": (), "query": (), "gallery": ()} | {split: images})  # type: ignore[arg-type]
        write_csv(folder / "dataset.csv", dataset)
        assert read_csv(folder).splits == dataset.splits
        found = [(Path(path), pid, camid) for path, pid, camid in read_listed(folder / "dataset.csv")]
        assert found == [(image.path, image.pid, image.camid) for image in images]
        rows = ({"split": split, "path": str(image.path.relative_to(folder)), "pid": image.pid} for image in images)
        with (folder / "dataset.jsonl").open("w", encoding="utf-8", newline="") as file:
            for row, image in zip(rows, images, strict=True):
                values = row | {"camid": image.camid, "tracklet": image.tracklet}
                file.write(json.dumps(values, ensure_ascii=False) + "\n")
        assert read_jsonl(folder).splits == dataset.splits


@few
@given(st.lists(st.dictionaries(st.sampled_from(["a", "ü b", '"']), texts, min_size=3)))
def test_rows_read_back(rows: list[dict[str, str]]) -> None:
    columns = ["a", "ü b", '"']
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    with tempfile.TemporaryDirectory() as made:
        file = Path(made) / "x"
        file.write_bytes(text.getvalue().encode())
        assert [row for _, row in csv_rows(file, columns)] == rows
        file.write_bytes("\r\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode())
        assert [row for _, row in json_rows(file, columns)] == rows


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
@pytest.mark.parametrize("read", [read_csv, read_jsonl, lambda file: list(read_listed(file))])
@few
@given(st.binary(max_size=60) | st.tuples(heads, lines).map(lambda parts: (parts[0] + "".join(parts[1])).encode()))
def test_an_error_names_the_file(read: Callable[[Path], object], suffix: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as made:
        file = Path(made) / f"x{suffix}"
        file.write_bytes(content)
        (Path(made) / "a").touch()
        try:
            read(file)
        except (ValueError, FileNotFoundError) as error:
            assert os.fspath(file) in str(error)
