from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scalereid.retrieval.per_query import PerQuery


def test_saved_and_loaded(tmp_path: Path) -> None:
    results = PerQuery(np.array([0.1 + 0.2, np.nan]), np.array([3, 0]), np.array([7, 2**40]))
    results.save(tmp_path / "per_query.npz")
    assert [file.name for file in tmp_path.iterdir()] == ["per_query.npz"]
    loaded = PerQuery.load(tmp_path / "per_query.npz")
    for one, other in zip(results, loaded, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_single_matches_by_hand(tmp_path: Path) -> None:
    found = PerQuery.of_single_matches(np.array([1, 4, 2]))
    assert found.average_precision.tolist() == [1, 0.25, 0.5]
    assert (found.first_match.tolist(), found.pids.tolist()) == ([1, 4, 2], [0, 1, 2])
    found.save(tmp_path / "per_query.npz")
    assert PerQuery.load(tmp_path / "per_query.npz").first_match.tolist() == [1, 4, 2]


@pytest.mark.parametrize("spoil", ["text", "empty", "cut", "array", "other"])
def test_other_files_are_refused(tmp_path: Path, spoil: str) -> None:
    file = tmp_path / "x.npz"
    PerQuery(np.ones(2), np.ones(2, dtype=np.int64), np.ones(2, dtype=np.int64)).save(file)
    whole = file.read_bytes()
    if spoil in ("text", "empty", "cut"):
        file.write_bytes({"text": b"hello", "empty": b"", "cut": whole[: len(whole) // 2]}[spoil])
    elif spoil == "array":
        np.save(tmp_path / "x.npy", np.ones(2))
        (tmp_path / "x.npy").rename(file)
    else:
        np.savez(file, average_precision=np.ones(2))
    with pytest.raises(ValueError, match=r"x\.npz does not hold results per query"):
        PerQuery.load(file)


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.npz"):
        PerQuery.load(tmp_path / "nowhere.npz")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"pids": np.array([1, 2])}, r"average_precision is float64 \[3\]; expected float64, one value per query"),
        ({"pids": np.array([[1, 2, 3]])}, r"average_precision is float64 \[3\]; expected"),
        ({"pids": np.array([1.0, 2.0, 3.0])}, r"pids is float64 \[3\]; expected int64, one value per query"),
        ({"first_match": np.array([1, -2, 0])}, "first_match has a rank below 0"),
        (
            {"first_match": np.array([1, 2, 3])},
            "average_precision is not NaN for just those queries whose first_match is 0",
        ),
        (
            {"average_precision": np.array([0.5, np.inf, np.nan])},
            "average_precision has values that are not from 0 to 1",
        ),
        ({"pids": np.array(["a", "b", "c"], dtype=object)}, "Object arrays cannot be loaded"),
    ],
)
def test_arrays_that_make_no_sense_are_named(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    file = tmp_path / "per_query.npz"
    good = PerQuery(np.array([0.5, 1.0, np.nan]), np.array([2, 1, 0]), np.array([7, 7, 8]))
    good.save(file)
    PerQuery.load(file)
    np.savez(file, **(good._asdict() | change))
    with pytest.raises(ValueError, match=rf"per_query\.npz does not hold results per query: {sentence}"):
        PerQuery.load(file)


def test_an_archive_made_to_fill_the_memory_is_not_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "per_query.npz"
    np.savez_compressed(file, average_precision=np.zeros(10**6), first_match=np.zeros(10**6), pids=np.zeros(10**6))
    with pytest.raises(ValueError, match=r"bytes would unpack to 24,000,\d+; expected none to be compressed"):
        PerQuery.load(file)
