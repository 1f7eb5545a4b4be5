import re
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from scalereid.data.records import ReidDataset
from scalereid.figures.curves import draw_training_curve
from scalereid.figures.report import write_report
from scalereid.retrieval.ranking import Ranking
from scalereid.retrieval.scores import Scores, score
from scalereid.runs.recipe import Recipe
from scalereid.runs.run import create_run


def scores(value: float) -> dict[str, object]:
    return {"mAP": value, "mINP": value, "cmc": [value] * 20}


@pytest.fixture
def evaluated(people: ReidDataset) -> tuple[Scores, Ranking]:
    pids = [r.pid for r in people.query], [r.pid for r in people.gallery]
    camids = [r.camid for r in people.query], [r.camid for r in people.gallery]
    embeddings = torch.nn.functional.one_hot(torch.tensor(pids[0])), torch.nn.functional.one_hot(torch.tensor(pids[1]))
    result = score(
        *embeddings, query_pids=pids[0], gallery_pids=pids[1], query_camids=camids[0], gallery_camids=camids[1]
    )
    zeros = torch.zeros(16, 10, dtype=torch.long)
    return result, Ranking(zeros, zeros.float(), zeros.bool(), torch.ones(16))


def test_page_is_whole_and_asks_for_nothing_outside(
    people: ReidDataset, tmp_path: Path, evaluated: tuple[Scores, Ranking]
) -> None:
    run = create_run(tmp_path / "<run>", Recipe(), {"name": "toy"}, {})
    run.append({"epoch": 0, "scores": scores(0.125)})
    run.append({"epoch": 1, "total": 2.0, "scores": scores(0.5)})
    page = write_report(
        run, scores=evaluated[0], epoch=1, summary="one\ntwo & three", ranking=evaluated[1], dataset=people
    )
    html = page.read_text()
    assert "<h1>&lt;run&gt;</h1>" in html
    assert "one<br>two &amp; three" in html
    assert "<tr><th>before training</th><td>12.50%</td>" in html
    assert "<tr><th>after epoch 1</th><td>100.00%</td>" in html
    assert not re.search(r"https?://|src=\"/|@import", html)
    for picture in re.findall(r'src="([^"]+)"', html):
        with Image.open(page.parent / picture) as image:
            assert image.width > 300


def test_no_mistakes_no_picture_of_them(people: ReidDataset, tmp_path: Path, evaluated: tuple[Scores, Ranking]) -> None:
    run = create_run(tmp_path / "x", Recipe(), {}, {})
    run.append({"epoch": 1, "total": 2.0})
    right = evaluated[1]._replace(correct=torch.ones(16, 10, dtype=torch.bool))
    page = write_report(run, scores=evaluated[0], epoch=1, summary="", ranking=right, dataset=people)
    assert "Nothing: the nearest image is right" in page.read_text()
    assert not (page.parent / "mistakes.png").exists()


def test_hardest_distances_get_a_picture_where_there_are_any(tmp_path: Path) -> None:
    plain: list[dict[str, Any]] = [{"epoch": 0, "scores": scores(0.1)}, {"epoch": 1, "total": 2.0}]
    with_triplet = [*plain, {"epoch": 2, "total": 1.0, "hardest_positive": 3.0, "hardest_negative": 2.0}]
    widths = []
    for number, log in enumerate(([*plain], [with_triplet[0], with_triplet[2]])):
        draw_training_curve(log, tmp_path / f"{number}.png")
        with Image.open(tmp_path / f"{number}.png") as image:
            widths.append(image.width)
    assert widths[1] == 1.5 * widths[0]


def test_missing_matplotlib_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'scalereid\[figures\]'"):
        draw_training_curve([], tmp_path / "x.png")
