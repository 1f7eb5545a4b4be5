import re
from pathlib import Path

from PIL import Image

from scalereid.data.records import ReidDataset
from scalereid.models.genotype import Genotype
from tests.cli.conftest import Answer, Fail, Say


def test_search_and_train_what_it_found(
    people: ReidDataset, tmp_path: Path, say: Say, answer: Answer, fail: Fail
) -> None:
    run = tmp_path / "search"
    smaller = (
        "--data.image-size",
        "32",
        "16",
        "--data.batch-size",
        "36",
        "--model.width",
        "0.2",
        "--optimizer.lr",
        "0.001",
    )
    words = ("nas", "nas_toy", "--data", people.root, "--data.dataset", "csv", "--out", run, "--schedule.epochs", "1")
    text = say(*words, *smaller)
    assert re.search(r"from the first block to the last: ((none|inside|outside|both) ?){6}\n", text)
    assert re.search(rf"train RECIPE --data {people.root} --out runs/child --genotype {run}/genotype.json\n$", text)
    found = answer("nas", "--resume", run)  # finished: nothing is left to do
    genotype = Genotype.load(Path(found["genotype"]))
    assert (found["stem"], found["placements"]) == (genotype.stem, [*genotype.placements])
    assert found["log"]["epoch"] == 1
    assert found["undecided"] == [1, 2, 3, 4, 5, 6]  # after one epoch at this rate
    assert [block["placement"] for block in found["blocks"]] == found["placements"]
    assert "The search is undecided in 6 of 6 blocks: 1, 2, 3, 4, 5, 6. There all" in text
    assert "(entropy above 90% of ln 4 = 1.386)" in text
    first = found["blocks"][0]
    percent, points = 100 * first["probability"], 100 * first["margin"]
    assert (
        f"block 1: {first['placement']} {percent:.1f}%, {points:.1f} points before {first['second']} (undecided)\n"
        in text
    )
    assert genotype.origin.endswith("undecided in 6 of 6 blocks: 1, 2, 3, 4, 5, 6")
    with Image.open(found["picture"]) as picture:
        assert picture.width > 1000
    assert f"scalereid nas --resume {run}" in fail("train", "--resume", run)
