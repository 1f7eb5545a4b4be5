import sys
from pathlib import Path

import pytest

from scalereid.data.readers.matlab import load_mat, open_hdf5


def test_a_missing_library_is_named_with_the_way_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(
        ModuleNotFoundError, match=r"scipy, needed for reading .*x\.mat, .*pip install 'scalereid\[matlab\]'"
    ):
        load_mat(tmp_path / "x.mat")
    with pytest.raises(ModuleNotFoundError, match=r"h5py, needed for reading .*x\.mat"):
        open_hdf5(tmp_path / "x.mat")
