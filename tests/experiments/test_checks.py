import io
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console

from scalereid.data.records import ReidDataset
from scalereid.experiments.checks import advise_precision, check_before_training, check_parts
from scalereid.experiments.training import train
from scalereid.progress import Progress
from scalereid.runs.recipe import OptimizerSettings, Recipe, ScheduleSettings
from scalereid.training import Precision


def said(dataset: ReidDataset, target: ReidDataset, *also: ReidDataset) -> str:
    console = Console(record=True, width=200, file=io.StringIO())
    check_before_training(dataset, target, also, Progress(console))
    return console.export_text()


def test_good_data_needs_no_words(people: ReidDataset) -> None:
    assert "warning" not in said(people, people)


def test_data_without_training_images_is_refused(people: ReidDataset) -> None:
    with pytest.raises(ValueError, match="has no training images"):
        check_before_training(replace(people, train=()), people, [], Progress.silent())


def test_test_images_seen_in_training(people: ReidDataset) -> None:
    leaky = replace(people, train=people.train + people.gallery[:3])
    assert "warning: 3 test images of toy are training images too" in said(leaky, people)
    good = replace(people, name="another", query=people.query[:1], gallery=people.gallery[3:])
    assert "warning: 3 test images of toy are training images too" in said(leaky, good, people)


def test_people_who_are_trained_on_are_not_scored_on(people: ReidDataset) -> None:
    """By names of published datasets, wherever their images lie; the main target and the others alike."""
    learned, held_out = replace(people, name="market1501-dev"), replace(people, name="market1501-all")
    for targets in ([held_out], [learned, held_out]):
        with pytest.raises(
            ValueError,
            match="market1501-dev is trained on, and so some or all of the test people of market1501-all: .*; choose another",
        ):
            said(learned, *targets)
    assert "warning" not in said(learned, learned, replace(people, name="cuhk03-pair1-all"))


def test_what_is_also_scored_on_needs_images_and_is_checked(people: ReidDataset) -> None:
    with pytest.raises(ValueError, match=r"evaluation\.also names toy, which has 0 query and 32 gallery images; both"):
        said(people, people, replace(people, query=()))
    one_camera = tuple(replace(record, camid=1) for record in people.gallery)
    with pytest.raises(ValueError, match="cannot be used as it is"):
        said(people, people, replace(people, query=one_camera[:4], gallery=one_camera))


def test_a_target_without_queries_is_said(people: ReidDataset) -> None:
    assert "has no query images: the run will not be scored" in said(people, replace(people, query=()))


def test_errors_are_all_listed(people: ReidDataset, tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    broken = replace(people.train[0], path=tmp_path / "empty.jpg")
    one_camera = [replace(record, camid=1) for record in (*people.query, *people.gallery)]
    bad = replace(people, train=(*people.train, broken), query=tuple(one_camera[:16]), gallery=tuple(one_camera[16:]))
    with pytest.raises(
        ValueError, match=r"cannot be used as it is(.|\n)*have one camera(.|\n)*is empty|is empty(.|\n)*have one camera"
    ):
        check_before_training(bad, bad, [], Progress.silent())


WRONG_NET = """
from torch import nn
from scalereid.models import Backbone

class MyNet(Backbone):
    def __init__(self, depth: int = 1):
        super().__init__()
        self.out_channels = 64
        self.stem = nn.Conv2d(3, 32 * depth, 16, stride=16)

    def forward(self, images):
        return self.stem(images)
"""


def test_a_wrong_backbone_is_found_before_any_data_is_read(tiny: Recipe, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(WRONG_NET)
    recipe = replace(tiny, model=replace(tiny.model, backbone=f"{tmp_path / 'net.py'}:MyNet", width=None))
    with pytest.raises(
        ValueError,
        match=r"MyNet's feature maps have 32 channels, \(2, 32, 4, 2\) .*; expected 64, as out_channels says",
    ):
        train(recipe, data=tmp_path / "no data here", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    deeper = replace(recipe, model=replace(recipe.model, options=("depth=2",)))
    check_parts(deeper, torch.device("cpu"))
    with pytest.raises(FileNotFoundError):
        train(deeper, data=tmp_path / "no data here", out=tmp_path / "run")


def test_a_wrong_augmentation_is_found_before_any_data_is_read(tiny: Recipe, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("def half(images, generator, probability):\n    return images[:1]\n")
    recipe = replace(tiny, data=replace(tiny.data, augmentation=f"{tmp_path / 'own.py'}:half"))
    with pytest.raises(
        ValueError, match=r"own\.py:half returns \(1, 3, 64, 32\) of .*; expected images \(2, 3, 64, 32\)"
    ):
        train(recipe, data=tmp_path / "no data here", out=tmp_path / "run")


@pytest.mark.parametrize(
    ("device", "precision", "epochs", "has", "advised"),
    [
        ("cpu", "float32", 150, True, True),
        ("cpu", "float32", 150, False, False),
        ("cpu", "float32", 5, True, False),
        ("cpu", "bfloat16", 150, True, False),
        ("cuda", "float32", 150, True, False),
    ],
)
def test_bfloat16_is_advised_where_it_saves_hours(
    device: str, precision: Precision, epochs: int, has: bool, advised: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scalereid.experiments.checks.computes_bfloat16", lambda: has)
    console = Console(record=True, width=200, file=io.StringIO())
    recipe = Recipe(optimizer=OptimizerSettings(precision=precision), schedule=ScheduleSettings(epochs=epochs))
    advise_precision(recipe, torch.device(device), Progress(console))
    assert ("set optimizer.precision to bfloat16" in console.export_text()) is advised


def test_who_is_on_the_images_does_not_matter_for_attributes_alone(people: ReidDataset) -> None:
    singles = tuple(replace(record, pid=pid, camid=1) for pid, record in enumerate(people.train, start=1))
    others = replace(people, train=singles, query=())
    console = Console(record=True, width=200, file=io.StringIO())
    check_before_training(others, others, [], Progress(console), has_people=False)
    text = console.export_text()
    assert "warning" not in text
    assert "will not be scored" not in text
    console = Console(record=True, width=200, file=io.StringIO())
    check_before_training(others, replace(others, gallery=()), [], Progress(console), has_people=False)
    assert "has no test images: the run will not be scored" in console.export_text()
    assert "have a single image" in said(others, others)
