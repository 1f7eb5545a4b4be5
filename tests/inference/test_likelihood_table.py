import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest

from scalereid.gallery.listing import read_listed_sightings
from scalereid.inference.likelihood_table import check_likelihood_table, check_names, write_likelihoods

NAMES, VALUES = ("hat", "upper-red"), np.array([[0.25, 1.0], [0.0, 1 / 3]], np.float32)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_gallery_reads_the_table(tmp_path: Path, suffix: str) -> None:
    pictures = [tmp_path / "a.jpg", tmp_path / "ü,b.jpg"]
    for picture in pictures:
        picture.touch()
    file = tmp_path / "out" / f"x{suffix}"
    write_likelihoods(file, [str(picture) for picture in pictures], NAMES, VALUES)
    one, two = read_listed_sightings(file)
    assert [one.source, two.source] == [str(picture) for picture in pictures]
    assert one.attributes == {"hat": 0.25, "upper-red": 1.0}
    assert two.attributes == {"hat": 0.0, "upper-red": 0.333333}


def test_columns_and_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_likelihoods(Path("x.csv"), ["a.jpg", "b.jpg"], NAMES, VALUES)
    with Path("x.csv").open(newline="") as file:
        first, row, _ = csv.reader(file)
    assert first == ["path", "attribute.hat", "attribute.upper-red"]
    assert row == [str(tmp_path / "a.jpg"), "0.250000", "1.000000"]
    write_likelihoods(Path("x.jsonl"), ["a.jpg", "b.jpg"], NAMES, VALUES)
    assert [*json.loads(Path("x.jsonl").read_text().splitlines()[0])] == first


def test_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="the parquet extra is not installed")
    write_likelihoods(tmp_path / "x.parquet", ["a.jpg", "b.jpg"], NAMES, VALUES)
    table = parquet.read_table(tmp_path / "x.parquet")
    assert table.column_names == ["path", "attribute.hat", "attribute.upper-red"]
    np.testing.assert_array_equal(table["attribute.upper-red"].to_numpy(), VALUES[:, 1])


def test_where_a_table_can_be_written(tmp_path: Path) -> None:
    check_likelihood_table(tmp_path / "x.csv")
    with pytest.raises(ValueError, match=r"x\.npz: likelihoods are written to a \.csv, \.jsonl or \.parquet file"):
        check_likelihood_table(tmp_path / "x.npz")
    paths = ["a.jpg", os.fsdecode(b"\xff.jpg")]
    check_names(tmp_path / "x.jsonl", paths)
    for suffix in (".csv", ".parquet"):  # a .csv of other text is one that `gallery add` does not read
        with pytest.raises(
            ValueError, match=rf"'\\udcff\.jpg' is not UTF-8, as {suffix} requires; rename it, or write"
        ):
            check_names(tmp_path / f"x{suffix}", paths)
    (tmp_path / "x.csv").touch()
    with pytest.raises(FileExistsError):
        check_likelihood_table(tmp_path / "x.csv")
