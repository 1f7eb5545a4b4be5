import io
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console

from scalereid.data.records import ReidDataset
from scalereid.experiments.checks import check_before_training, check_parts
from scalereid.experiments.training import train
from scalereid.progress import Progress
from scalereid.runs.recipe import Recipe


def said(dataset: ReidDataset, target: ReidDataset) -> str:
    console = Console(record=True, width=200, file=io.StringIO())
    check_before_training(dataset, target, Progress(console))
    return console.export_text()


def test_good_data_needs_no_words(people: ReidDataset) -> None:
    assert "warning" not in said(people, people)


def test_data_without_training_images_is_refused(people: ReidDataset) -> None:
    with pytest.raises(ValueError, match="has no training images"):
        check_before_training(replace(people, train=()), people, Progress.silent())


def test_test_images_seen_in_training(people: ReidDataset) -> None:
    leaky = replace(people, train=people.train + people.gallery[:3])
    assert "warning: 3 test images are training images too" in said(leaky, people)


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
        check_before_training(bad, bad, Progress.silent())


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
