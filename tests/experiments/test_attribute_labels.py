from dataclasses import replace
from pathlib import Path

import pytest

from scalereid.attributes.table import read_attributes_csv
from scalereid.data.records import ReidDataset
from scalereid.experiments.attribute_labels import LearnedAttributes, other_people
from scalereid.inference.metadata import ModelMetadata
from scalereid.runs.facts import describe
from scalereid.runs.recipe import Recipe
from tests.conftest import with_attributes


def test_of_training_images_and_of_those_to_score(people: ReidDataset, tiny: Recipe, attribute_table: Path) -> None:
    recipe = with_attributes(tiny, attribute_table)
    train, test, fingerprint = LearnedAttributes.of(recipe, people.root, people, people)
    assert train
    assert test
    assert train.names == test.names == ("hat", "bag")
    for labels, records in ((train, people.train), (test, (*people.query, *people.gallery))):
        assert labels.values[:, 0].tolist() == [record.pid % 2 for record in records]
    assert (train.values[:, 1] == -1).sum() == 12  # of the third person
    assert fingerprint == read_attributes_csv(attribute_table).fingerprint()
    assert LearnedAttributes.of(tiny, people.root, people, people) == LearnedAttributes()


def by_map(recipe: Recipe) -> Recipe:
    """A recipe whose epochs are compared by how well people are found."""
    return replace(recipe, evaluation=replace(recipe.evaluation, best="mAP"))


def test_the_people_of_another_dataset_are_not_scored(
    people: ReidDataset, tiny: Recipe, attribute_table: Path, tmp_path: Path
) -> None:
    recipe, other = by_map(with_attributes(tiny, attribute_table)), replace(people, name="other")
    assert LearnedAttributes.of(recipe, people.root, people, other).test is None
    by_image = tmp_path / "attributes.csv"
    paths = [record.path for record in (*people.train, *people.gallery)]
    by_image.write_text("path,hat\n" + "".join(f"{path},1\n" for path in paths))
    found = LearnedAttributes.of(with_attributes(tiny, by_image), people.root, people, other).test
    assert found
    assert found.values.ravel().tolist() == [-1] * 16 + [1] * 32


def test_the_best_epoch_is_by_attributes_only_where_they_are_scored(
    people: ReidDataset, tiny: Recipe, attribute_table: Path
) -> None:
    judged = with_attributes(tiny, attribute_table)
    without = replace(people, query=(), gallery=())
    assert LearnedAttributes.of(by_map(judged), people.root, without, without).test is None
    assert LearnedAttributes.of(judged, people.root, people, people).test
    with pytest.raises(ValueError, match=r"best is mA, but toy has no test images; set it to mAP, mINP or rank-1"):
        LearnedAttributes.of(judged, people.root, without, without)
    with pytest.raises(ValueError, match="best is mA, but other has other people than toy, whose attributes .*csv has"):
        LearnedAttributes.of(judged, people.root, people, replace(people, name="other"))


def test_a_table_of_other_people_is_refused(people: ReidDataset, tiny: Recipe, tmp_path: Path) -> None:
    (tmp_path / "attributes.csv").write_text("pid,hat\n99,1\n")
    recipe = with_attributes(tiny, tmp_path / "attributes.csv")
    with pytest.raises(ValueError, match="no attribute is known of any of the 72 training images of toy"):
        LearnedAttributes.of(recipe, people.root, people, people)


def test_a_table_of_people_is_of_the_dataset_of_the_training(
    people: ReidDataset, attribute_table: Path, tmp_path: Path
) -> None:
    facts, table = describe(people), read_attributes_csv(attribute_table)
    metadata = ModelMetadata("m", "0" * 12, (64, 32), 8, training=f"{facts.name} ({facts.fingerprint})")
    other = replace(people, name="other", query=people.query[:2])
    assert other_people(table, metadata, people) == ""
    assert other_people(table, metadata, replace(people, name="moved")) == ""  # the same images
    assert other_people(table, metadata, other) == (
        "is of the people of toy, and the same number is another person in other"
    )
    (tmp_path / "attributes.csv").write_text("path,hat\nx.jpg,1\n")
    assert other_people(read_attributes_csv(tmp_path / "attributes.csv"), metadata, other) == ""
