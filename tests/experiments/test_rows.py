from typing import Any

import pytest

from scalereid.experiments.rows import Row, StudyRun
from scalereid.files import file_name
from scalereid.recipes import RECIPES
from scalereid.runs.recipe import Recipe


def test_changes_by_dotted_names(tiny: Recipe) -> None:
    changed = Row(tiny, {"model.backbone": "dslnet", "optimizer.lr": 1, "data.image_size": [128, 64]}).recipe()
    assert (changed.model.backbone, changed.optimizer.lr, changed.data.image_size) == ("dslnet", 1, (128, 64))
    assert changed.schedule == tiny.schedule
    assert Row("toy").recipe() == RECIPES["toy"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (Row("osnet_market"), "No such recipe: 'osnet_market'. Choose from .*osnet_market1501"),
        (Row("toy", {"model.bakbone": "dslnet"}), "No such setting: 'model.bakbone'. Choose from model.backbone"),
        (Row("toy", {"backbone": "dslnet"}), "No such setting: 'backbone'. Choose from model.backbone"),
        (Row("toy", {"model": {}}), "No such setting: 'model'"),
        (Row("toy", {"optimizer.lr": "0.1"}), "optimizer.lr is '0.1', not float"),
        (Row("toy", {"schedule.epochs": 0}), "schedule.epochs is 0; it must be from 1 to 1,000,000"),
        (Row("toy", {"evaluation.distance": "near"}), "evaluation.distance is 'near'; choose from cosine, euclidean"),
        (Row("toy", {"seed": 1}), "seed is among the changes; choose the seeds of the study instead"),
    ],
)
def test_what_does_not_fit_is_named(row: Row, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        row.recipe()


def test_names_are_safe_as_folders(tiny: Recipe) -> None:
    names = {
        "a": "a",
        "OSNet, x1.0": "OSNet-x1.0",
        "../up": "up",
        "csv@a+b#2": "csv@a+b#2",
        "a/b\\c": "a-b-c",
        "..": "",
    }
    assert {name: file_name(name) for name in names} == names
    run = StudyRun("a row", 3, "viper#1", Row(tiny), tiny)
    assert run.name == "a-row/seed-3/viper#1"
    assert run._replace(split="").name == "a-row/seed-3"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((3,), "base is 3; expected str or Recipe"),
        (("toy", ["data.flip"]), r"changes is \['data.flip'\]; expected Mapping"),
    ],
)
def test_other_kinds_of_values_are_named(values: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Row(*values)
