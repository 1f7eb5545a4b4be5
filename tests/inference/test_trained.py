import shutil
from pathlib import Path

import pytest

from scalereid.inference.trained import describe_model
from scalereid.runs.checkpoint import load_checkpoint


@pytest.mark.parametrize(("folder", "source"), [("run", "."), ("run/below", ".."), ("run", "../run/"), ("", "run")])
def test_a_model_is_called_after_its_folder_however_it_is_named(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, source: str
) -> None:
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "below").mkdir()
    monkeypatch.chdir(tmp_path / folder)
    assert describe_model(load_checkpoint(source), source).model == "osnet_one_stream (run)"


def test_a_link_is_called_by_its_own_name(run: Path, tmp_path: Path) -> None:
    (tmp_path / "best").symlink_to(run)
    assert describe_model(load_checkpoint(tmp_path / "best"), tmp_path / "best").model == "osnet_one_stream (best)"
