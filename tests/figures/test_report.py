import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from scalereid.data.records import ReidDataset
from scalereid.experiments.evaluation import Evaluation, evaluate
from scalereid.figures.report import write_report
from scalereid.retrieval.calibration import calibrate
from scalereid.retrieval.labelled import with_labels
from scalereid.retrieval.pairs import pair_distances
from scalereid.retrieval.scores import score
from scalereid.runs.run import Run


@pytest.fixture(scope="module")
def evaluation(people: ReidDataset, trained: Run) -> Evaluation:
    return evaluate(trained.folder, data=people.root)


@pytest.fixture
def run(trained: Run, tmp_path: Path) -> Run:
    return Run(shutil.copytree(trained.folder, tmp_path / "<run>"))


def perfect(evaluation: Evaluation) -> Evaluation:
    """The same with embeddings that say who is who."""
    pids = [
        torch.tensor([r.pid for r in records]) for records in (evaluation.dataset.query, evaluation.dataset.gallery)
    ]
    one_hot = [torch.nn.functional.one_hot(numbers).float() for numbers in pids]
    query, gallery = with_labels(evaluation.dataset, one_hot[0], one_hot[1])
    return replace(evaluation, query=query, gallery=gallery, scores=score(query, gallery))


def test_the_page_is_whole_and_loads_nothing_from_outside(run: Run, evaluation: Evaluation) -> None:
    page = write_report(run, evaluation)
    html = page.read_text()
    before, after = run.log()[0].scores, evaluation.scores
    assert before
    assert "<h1>&lt;run&gt;</h1>" in html
    assert f"<tr><th>before training</th><td>{before.mAP:.2%}</td>" in html
    assert f"<tr><th>after epoch 2</th><td>{after.mAP:.2%}</td><td>{after.mINP:.2%}</td><td>{after.rank(1):.2%}" in html
    assert "16 queries, 32 gallery images" in html
    assert not re.search(r"https?://|src=\"/|@import", html)
    pictures = re.findall(r'<img src="([^"]+)" alt="([^"]+)"', html)
    assert {name for name, _ in pictures} == {"curve.png", "ranked_lists.png", "mistakes.png"}
    for name, _ in pictures:
        with Image.open(page.parent / name) as image:
            assert image.width > 300


def test_without_mistakes_there_is_no_picture_of_them(run: Run, evaluation: Evaluation) -> None:
    write_report(run, evaluation)
    assert (run.folder / "report" / "mistakes.png").is_file()
    page = write_report(run, perfect(evaluation))
    assert "The nearest image is right for every query" in page.read_text()
    assert "<td>100.00%</td>" in page.read_text()
    assert not (page.parent / "mistakes.png").exists()


def test_a_calibration_gives_probabilities(run: Run, evaluation: Evaluation) -> None:
    right = perfect(evaluation)
    pairs = pair_distances(right.query, right.gallery)
    calibration = calibrate(pairs, distance="cosine", model="m", fingerprint="0", dataset="toy <1>")
    html = write_report(run, right, calibration).read_text()
    assert f"calibrated on toy &lt;1&gt;, where {calibration.prior:.2%} of all pairs show the same person" in html
    assert "Per cent" not in write_report(run, right).read_text()
