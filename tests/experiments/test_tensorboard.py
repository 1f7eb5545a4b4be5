import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scalereid.data.records import ReidDataset
from scalereid.experiments.tensorboard import TensorBoard, require_tensorboard
from scalereid.experiments.training import resume, train
from scalereid.runs.log import EpochLog
from scalereid.runs.recipe import MutualSettings, Recipe, ScheduleSettings
from scalereid.runs.run import Run
from scalereid.training.search import SearchState

Events = dict[str, list[tuple[int, float]]]


def read(folder: Path) -> Events:
    """What TensorBoard shows: step and value of each scalar."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder))
    found.Reload()
    return {tag: [(event.step, event.value) for event in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def logged(run: Run) -> Events:
    """The same from the log."""
    values: Events = {}
    for entry in run.log():
        if entry.learning_rate is not None:
            rest = {"learning_rate": entry.learning_rate, "seconds": entry.seconds}
            for name, value in (entry.losses | rest).items():
                values.setdefault(f"training/{name}", []).append((entry.epoch, value))
        assert entry.scores
        of_each = {"scores": entry.scores, "peer_scores": entry.peer_scores, "both_scores": entry.both_scores}
        for group, scores in of_each.items():
            if scores:
                for name in ("mAP", "mINP", "rank-1", "rank-5"):
                    values.setdefault(f"{group}/{name}", []).append((entry.epoch, scores.metric(name)))
        for where, on in entry.also_scores.items():
            values[f"also_scores/{where}/mAP"] = [(entry.epoch, on.mAP)]
    return values


def assert_same(events: Events, expected: Events) -> None:
    assert events.keys() == expected.keys()
    for tag, values in events.items():
        assert [step for step, _ in values] == [step for step, _ in expected[tag]]
        assert [value for _, value in values] == pytest.approx([value for _, value in expected[tag]], rel=1e-6)


def test_scores_of_classes(class_run: Path, tmp_path: Path) -> None:
    shutil.copy(class_run / "log.jsonl", tmp_path)
    board = TensorBoard(tmp_path, epoch=2)
    assert board.written == 2
    tops = [entry.class_scores.top1 for entry in Run(tmp_path).log() if entry.class_scores]
    found = read(tmp_path)["class_scores/top-1"]
    assert [epoch for epoch, _ in found] == [0, 1, 2]
    assert [value for _, value in found] == pytest.approx(tops, rel=1e-6)


def test_events_are_the_log(people: ReidDataset, tiny: Recipe, tmp_path: Path) -> None:
    recipe = replace(
        tiny,
        schedule=ScheduleSettings(epochs=1),
        mutual=MutualSettings(weight=1.0),
        evaluation=replace(tiny.evaluation, also=("csv@.",)),
    )
    run = train(recipe, data=people.root, out=tmp_path / "x", tensorboard=True)
    events = read(run.folder)
    others = {f"also_scores/csv@./{name}" for name in ("mINP", "rank-1", "rank-5")}
    assert others < events.keys()
    assert_same({tag: values for tag, values in events.items() if tag not in others}, logged(run))


def test_a_run_resumed_with_tensorboard_has_every_epoch_once(trained: Run, tmp_path: Path) -> None:
    """Also its epochs from before it was asked for, and those that are trained again."""
    run = Run(shutil.copytree(trained.folder, tmp_path / "x"))
    first = TensorBoard(run.folder)
    for entry in run.log():
        first.write(entry)
    repeated = replace(run.log()[-1], seconds=99.0)
    second = TensorBoard(run.folder, epoch=1)
    assert [step for step, _ in read(run.folder)["training/total"]] == [1]
    second.write(repeated)
    second.write(repeated)
    run.append(repeated)
    assert_same(read(run.folder), logged(run))
    assert len(list(run.folder.glob("*tfevents*"))) == 1


def test_a_finished_run_has_events_where_they_are_asked_for(people: ReidDataset, trained: Run, tmp_path: Path) -> None:
    run = Run(shutil.copytree(trained.folder, tmp_path / "x"))
    resume(run.folder, data=people.root, tensorboard=True)
    assert_same(read(run.folder), logged(run))


def test_a_search_has_its_temperature_and_entropy(tmp_path: Path) -> None:
    search = SearchState(("none", "inside"), ((0.5, 0.5), (1.0, 0.0)), (0.6, 0.0), 5.0)
    TensorBoard(tmp_path).write(EpochLog(0, search=search))
    assert_same(read(tmp_path), {"search/temperature": [(0, 5.0)], "search/entropy": [(0, 0.3)]})


def test_what_to_install(
    people: ReidDataset, tiny: Recipe, trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    message = r"tensorboard, needed for TensorBoard events, is not installed: pip install 'scalereid\[tensorboard\]'"
    with pytest.raises(ModuleNotFoundError, match=message):
        require_tensorboard()
    with pytest.raises(ModuleNotFoundError, match=message):
        train(tiny, data=people.root, out=tmp_path / "x", tensorboard=True)
    assert not (tmp_path / "x").exists()
    with pytest.raises(ModuleNotFoundError, match=message):
        resume(trained.folder, tensorboard=True)
