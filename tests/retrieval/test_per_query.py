from pathlib import Path

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
