import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from scalereid.data.records import ReidDataset
from scalereid.data.shapes import ShapeCount
from scalereid.experiments.cautions import find_cautions
from scalereid.experiments.evaluation import evaluate
from scalereid.inference.metadata import OTHER
from scalereid.inference.opening import OpenModel, RuntimeOptions, open_model
from scalereid.inference.pixel_format import PixelFormat
from scalereid.retrieval.scores import Scores
from scalereid.runs.run import Run
from tests.experiments.test_training import write_table

States = Callable[[str], dict[str, np.ndarray]]
REMEMBERED = "the scores say how well people are remembered, not how well unseen people are found."


@pytest.fixture(scope="module")
def model(trained: Run) -> OpenModel:
    return open_model(trained.folder, RuntimeOptions(runtime="torch"))


def cautions(model: OpenModel, dataset: ReidDataset, *, queries: int = 60, **metadata: Any) -> tuple[str, ...]:
    """Those of a model with other metadata."""
    scores = Scores(0.5, 0.5, np.ones(1), queries, 0, "cosine", dataset.protocol)
    return find_cautions(replace(model, metadata=replace(model.metadata, **metadata)), dataset, scores, ShapeCount())


def test_nothing_speaks_against_scores_on_the_test_people_of_the_training_dataset(
    model: OpenModel, people: ReidDataset
) -> None:
    assert cautions(model, people, training=f"{people.name} ({people.fingerprint()})") == ()
    assert cautions(model, replace(people, name="market1501"), training="market1501 (0123)", recipe="") == ()


def test_one_camera(model: OpenModel, people: ReidDataset) -> None:
    query, gallery = (tuple(replace(r, camid=1) for r in part) for part in (people.query, people.gallery))
    dataset = replace(people, query=query, gallery=gallery, protocol="all-cameras")
    [sentence] = cautions(model, dataset, training="")
    assert sentence.startswith("All query and gallery images have one camera number, 1, so that the next picture")


def test_few_queries_that_have_a_match(model: OpenModel, people: ReidDataset) -> None:
    [sentence] = cautions(model, people, queries=16, training="")
    assert sentence == (
        "The scores are of 16 queries only: one query more or less is 6.2% of rank-1, so small differences mean nothing. Take "
        "at least 50, of as many people as possible."
    )


def test_drawn_people_only(model: OpenModel, people: ReidDataset) -> None:
    photographs = replace(people, name="office")
    [sentence] = cautions(model, photographs, training="toy (0123)")
    assert sentence.startswith(
        "The model has only seen drawn people (toy), so it hardly tells apart those of photographs"
    )
    assert cautions(model, replace(people, name="toy-shifted"), training="toy (0123)") == ()
    assert model.recipe
    recipe = model.recipe.whole()
    started = replace(recipe, model=replace(recipe.model, initial_weights="osnet_x0_25_msmt17.pth"))
    assert cautions(model, photographs, training="toy (0123)", recipe=json.dumps(started.to_json())) == ()


def test_people_of_another_dataset_or_split(model: OpenModel, people: ReidDataset) -> None:
    [sentence] = cautions(model, replace(people, name="market1501-dev"), training="market1501 (0123)")
    assert sentence == (
        "The model was trained on market1501, so on some or all of the test people of market1501-dev: " + REMEMBERED
    )
    [sentence] = cautions(model, replace(people, name="viper#2"), training="viper#1 (0123)")
    assert "was trained on viper#1, so on some or all of the test people of viper#2" in sentence
    assert cautions(model, replace(people, name="viper#1"), training="viper#1 (0123)") == ()


def test_a_dataset_that_has_changed(model: OpenModel, people: ReidDataset) -> None:
    [sentence] = cautions(model, replace(people, name="office"), training="office (0123)")
    assert f"trained on office (0123), and the fingerprint is {people.fingerprint()} now: if people moved" in sentence


def test_people_in_training_and_test(model: OpenModel, people: ReidDataset) -> None:
    both = replace(people, name="office", train=people.train + people.gallery[:2])
    [sentence] = cautions(model, both, training=f"office ({both.fingerprint()})")
    assert sentence == f"1 of the people searched for are in the training images: {REMEMBERED}"


def test_released_weights_by_the_classes_of_their_classifier(people: ReidDataset, released_state: States) -> None:
    state = {name: torch.as_tensor(value) for name, value in released_state("osnet_x0_25").items()}
    model = open_model(state | {"classifier.weight": torch.zeros(751, 512)}, RuntimeOptions(runtime="torch"))
    assert model.metadata.classes == 751
    [sentence] = cautions(model, replace(people, name="market1501-dev"))
    assert sentence.startswith(
        "The model appears to have been trained on market1501 (its classifier has 751 classes), so on some or all of the test "
    )
    assert cautions(model, replace(people, name="cuhk01#1")) == ()


def test_a_file_of_others_does_not_say_what_it_was_trained_on(model: OpenModel, people: ReidDataset) -> None:
    told: dict[str, Any] = {"training": "", "recipe": "", "input": OTHER, "pixels": PixelFormat()}
    [sentence] = cautions(model, replace(people, name="office"), **told)
    assert sentence == f"It is not known what the model was trained on: if on people of office, {REMEMBERED}"
    assert cautions(model, people, **told) == ()  # drawn


def test_an_evaluation_says_them(people: ReidDataset, trained: Run, tmp_path: Path) -> None:
    wide = tmp_path / "frame.jpg"
    Image.new("RGB", (768, 576)).save(wide)
    first = people.gallery[0]
    file = write_table(tmp_path / "office.csv", people, add=(f"gallery,{wide},{first.pid},{first.camid}",))
    scored = evaluate(trained.folder, data=file)
    few, frames = scored.cautions
    assert few.startswith("The scores are of 16 queries only")
    assert frames.startswith("1 of 49 images do not have the shape of a person: wider than tall")
    assert str(wide) in frames
    assert str(scored).endswith(f"\ncaution: {few}\ncaution: {frames}")
    assert scored.to_json()["cautions"] == [few, frames]


@pytest.mark.data
def test_released_weights_on_people_they_have_seen(data_root: Path) -> None:
    file = data_root / "weights" / "osnet_x0_25_market1501.pth"
    model = open_model(file, RuntimeOptions(runtime="torch"))
    assert model.metadata.classes == 751
