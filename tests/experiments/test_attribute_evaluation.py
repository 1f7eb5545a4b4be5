"""A training with attributes, from its start to its scores."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scalereid.data.records import ReidDataset
from scalereid.experiments.attribute_evaluation import evaluate_attributes
from scalereid.experiments.training import resume, train
from scalereid.inference.recognizer import AttributeRecognizer
from scalereid.runs.checkpoint import load_checkpoint
from scalereid.runs.recipe import Recipe, ScheduleSettings
from scalereid.runs.run import Run
from tests.conftest import same, with_attributes


def test_attributes_alone(attribute_run: Path, people: ReidDataset) -> None:
    before, after = Run(attribute_run).log()
    assert before.attribute_scores
    assert after.attribute_scores
    assert "cross_entropy" not in after.losses
    assert {"attributes", "attribute_accuracy"} <= after.losses.keys()
    assert after.scores  # of the embeddings, which are there as always
    loaded = load_checkpoint(attribute_run)
    assert loaded.attributes
    assert loaded.attributes.names == ("hat", "bag")
    assert "attributes: mA " in after.line(1)
    assert "classified right" not in after.line(1)
    evaluated = evaluate_attributes(attribute_run, data=people.root)
    assert evaluated.scores == after.attribute_scores
    assert evaluated.scores.images == 48
    with AttributeRecognizer(attribute_run) as recognizer:
        likely = recognizer([record.path for record in (*people.query, *people.gallery)]) >= 0.5
    hats = np.array([record.pid % 2 == 1 for record in (*people.query, *people.gallery)])
    assert evaluated.scores.attributes[0].true_positive_rate == pytest.approx(likely[hats, 0].mean())


def test_both_and_a_resumed_training(people: ReidDataset, tiny: Recipe, attribute_table: Path, tmp_path: Path) -> None:
    """Network and layer are those of a training without a stop; another table is not taken for the same."""
    recipe = with_attributes(tiny, attribute_table, cross_entropy=1.0)
    recipe = replace(recipe, schedule=ScheduleSettings(epochs=2, decay="constant"))
    whole = train(recipe, data=people.root, out=tmp_path / "whole")
    shorter = replace(recipe, schedule=replace(recipe.schedule, epochs=1))
    stopped = train(shorter, data=people.root, out=tmp_path / "stopped")
    resume(stopped.folder, epochs=2)
    one, two = load_checkpoint(whole.folder), load_checkpoint(stopped.folder)
    assert same(one.model.state_dict(), two.model.state_dict())
    assert one.attributes
    assert two.attributes
    np.testing.assert_array_equal(one.attributes.weight, two.attributes.weight)
    assert {"cross_entropy", "attributes"} <= whole.log()[-1].losses.keys()
    assert json.loads((stopped.folder / "dataset.json").read_text())["attributes"]
    text = attribute_table.read_text()
    try:
        attribute_table.write_text(text.replace("1,1,1", "1,0,1"))
        with pytest.raises(ValueError, match=r"attributes\.csv is not what .* was trained on: its fingerprint is"):
            resume(stopped.folder, epochs=3)
    finally:
        attribute_table.write_text(text)


def test_weights_with_attributes_are_a_start_for_others(
    attribute_run: Path, people: ReidDataset, tiny: Recipe, tmp_path: Path
) -> None:
    recipe = replace(
        tiny,
        model=replace(tiny.model, initial_weights=str(attribute_run)),
        schedule=ScheduleSettings(epochs=1),
        optimizer=replace(tiny.optimizer, lr=0.0),
    )
    run = train(recipe, data=people.root, out=tmp_path / "run")
    assert load_checkpoint(run.folder).attributes is None
    assert run.log()[0].scores
    assert run.log()[0].scores.to_json() == Run(attribute_run).log()[-1].scores.to_json()  # type: ignore[union-attr]


def test_images_of_nobody_known(people: ReidDataset, tiny: Recipe, attribute_table: Path, tmp_path: Path) -> None:
    """As in PA-100K: no queries, and a person for each image, so that attributes alone are scored."""
    lines = ["split,path,pid,camid"]
    table = ["path,hat"]
    for number, (split, record) in enumerate(
        [*(("train", r) for r in people.train[:16]), *(("gallery", r) for r in people.gallery)], start=1
    ):
        lines.append(f"{split},{record.path},{number},1")
        table.append(f"{record.path},{record.pid % 2}")
    (tmp_path / "dataset.csv").write_text("\n".join(lines))
    (tmp_path / "attributes.csv").write_text("\n".join(table))
    recipe = replace(with_attributes(tiny, Path("attributes.csv")), schedule=ScheduleSettings(epochs=1))
    run = train(recipe, data=tmp_path, out=tmp_path / "run")
    last = run.log()[-1]
    assert last.scores is None
    assert last.attribute_scores
    assert last.attribute_scores.images == 32
    assert run.best.is_file()
    assert evaluate_attributes(run.folder, data=tmp_path).scores == last.attribute_scores
    with pytest.raises(ValueError, match="has the attributes hat, bag, but the model has learned hat; give the table"):
        evaluate_attributes(run.folder, data=tmp_path, table=str(attribute_table))


def test_a_table_of_other_people_is_not_taken(
    attribute_run: Path, people: ReidDataset, attribute_table: Path, tmp_path: Path
) -> None:
    """The same number is another person in another dataset."""
    lines = ["split,path,pid,camid", *(f"gallery,{record.path},{record.pid},1" for record in people.gallery)]
    (tmp_path / "dataset.csv").write_text("\n".join(lines))
    with pytest.raises(
        ValueError, match="is of the people of .*, and the same number is another person in test_a_table"
    ):
        evaluate_attributes(attribute_run, data=tmp_path, dataset="csv")
    named = evaluate_attributes(attribute_run, data=tmp_path, dataset="csv", table=str(attribute_table))
    assert named.scores.images == len(people.gallery)


def test_a_model_without_attributes_is_refused(people: ReidDataset, tiny: Recipe, tmp_path: Path) -> None:
    run = train(replace(tiny, schedule=ScheduleSettings(epochs=1)), data=people.root, out=tmp_path / "run")
    with pytest.raises(ValueError, match="has learned no attributes; give a run or weights trained with"):
        evaluate_attributes(run.folder, data=people.root)
