import json
from pathlib import Path

import pytest

from scalereid.runs.recipe import Recipe
from scalereid.runs.run import Run, create_run, note_environment, write


def test_a_new_run_says_what_it_is(tmp_path: Path) -> None:
    run = create_run(tmp_path / "deep" / "x", Recipe(seed=4), {"name": "toy"}, {"torch": "2"})
    assert run.recipe() == Recipe(seed=4)
    assert run.dataset() == {"name": "toy"}
    assert json.loads((run.folder / "environment.json").read_text()) == [{"torch": "2"}]
    assert run.epochs() == []


def test_existing_runs_are_never_overwritten(tmp_path: Path) -> None:
    create_run(tmp_path / "x", Recipe(), {}, {})
    with pytest.raises(FileExistsError, match=r"x exists; name another folder, or go on with it: .*--resume"):
        create_run(tmp_path / "x", Recipe(), {}, {})
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        create_run(tmp_path / "file", Recipe(), {}, {})
    (tmp_path / "empty").mkdir()
    create_run(tmp_path / "empty", Recipe(), {}, {})


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"is not a run: it has no recipe\.json"):
        Run(tmp_path).recipe()


def test_log_keeps_one_entry_an_epoch(tmp_path: Path) -> None:
    run = Run(tmp_path)
    for epoch in (0, 1, 2, 3):
        run.append({"epoch": epoch, "loss": epoch / 10})
    run.append({"epoch": 2, "loss": 7.0})  # a resumed run repeats epoch 2
    assert run.epochs() == [{"epoch": 0, "loss": 0.0}, {"epoch": 1, "loss": 0.1}, {"epoch": 2, "loss": 7.0}]


def test_a_file_is_whole_or_old(tmp_path: Path) -> None:
    file = tmp_path / "x"
    write(file, lambda partial: partial.write_text("old"))

    def fail(partial: Path) -> None:
        partial.write_text("half")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        write(file, fail)
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_damaged_files_are_named(tmp_path: Path) -> None:
    run = create_run(tmp_path / "x", Recipe(), {}, {})
    (run.folder / "recipe.json").write_text('{"seed": ')
    with pytest.raises(ValueError, match=r"recipe\.json is damaged"):
        run.recipe()
    (run.folder / "recipe.json").write_text('{"sed": 3}')
    with pytest.raises(ValueError, match=r"recipe\.json: recipe has no setting sed"):
        run.recipe()


def test_a_resumed_run_notes_where(tmp_path: Path) -> None:
    run = create_run(tmp_path / "x", Recipe(), {}, {"device": "cpu", "torch": "2.13"})
    assert note_environment(run, {key: "?" for key in ("torch", "numpy", "pillow", "threads")} | {"device": "cpu"})[
        0
    ] == ("torch is ?, was 2.13")
    assert len(json.loads((run.folder / "environment.json").read_text())) == 2


def test_own_code_lies_in_the_run(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("x = 1")
    run = create_run(tmp_path / "x", Recipe(), {}, {}, tmp_path / "net.py")
    (tmp_path / "net.py").write_text("x = 2")
    assert (run.folder / "net.py").read_text() == "x = 1"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
