import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from scalereid.data.records import ReidDataset
from scalereid.experiments.evaluation import Evaluation, evaluate
from scalereid.figures.report import write_report
from scalereid.figures.terms import TERMS
from scalereid.retrieval.calibration import calibrate
from scalereid.retrieval.labelled import with_labels
from scalereid.retrieval.pairs import pair_distances
from scalereid.retrieval.scores import score
from scalereid.runs.run import Run
from tests.browser import browser
from tests.figures.pages import check_page


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


def test_the_page_is_whole(run: Run, evaluation: Evaluation) -> None:
    file = run.folder / "report" / "index.html"
    write_report(evaluation, file, run=run)
    html = file.read_text()
    before, after = run.log()[0].scores, evaluation.scores
    assert before
    check_page(html)
    assert "<h1>&lt;run&gt; on people</h1>" in html
    assert "<th>before training</th><th>after epoch 2</th>" in html
    for metric in ("mAP", "mINP", "rank-1"):
        assert f"<td>{before.metric(metric):.2%}</td><td>{after.metric(metric):.2%}</td>" in html
    assert str(evaluation).splitlines()[1] in html
    assert "16 queries, 32 gallery images" in html
    assert 'alt="loss and scores over 2 epochs of training"' in html
    assert html.count('<figure class="query">') > 8  # ranked lists and mistakes
    folded = re.findall(r"<summary>(.+)</summary>", html)
    assert folded == [
        "Evaluation and its data", "Settings of the training", "Data of the training", "Environment of the training",
    ]  # fmt: skip
    assert [*file.parent.iterdir()] == [file]


def test_terms_are_explained_before_they_are_used_again(run: Run, evaluation: Evaluation, tmp_path: Path) -> None:
    write_report(evaluation, tmp_path / "page.html", run=run)
    text = re.sub(r"<small>|</small>", " ", (tmp_path / "page.html").read_text())
    for term, explained in (
        ("mAP", "mAP "),
        ("mINP", "mINP "),
        ("rank-k", "rank-k: "),
        ("AP", "AP: "),
        ("CMC", "CMC: "),
    ):
        assert text.count(f"{explained}{TERMS[term]}") == 1
    assert text.index(TERMS["CMC"]) < text.index(str(evaluation).splitlines()[0])


def test_a_model_without_a_run_has_no_training(evaluation: Evaluation, tmp_path: Path) -> None:
    weights = replace(
        evaluation, model=replace(evaluation.model, metadata=replace(evaluation.model.metadata, epoch=None, recipe=""))
    )
    write_report(weights, tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text()
    assert f"<h1>{evaluation.model.metadata.model} on people</h1>" in html
    assert "<tr><th></th><th>score</th></tr>" in html
    assert "Training" not in html
    assert re.findall(r"<summary>(.+)</summary>", html) == ["Evaluation and its data"]


def test_scores_before_training_are_of_the_same_images(run: Run, evaluation: Evaluation, tmp_path: Path) -> None:
    dataset = replace(evaluation.dataset, gallery=evaluation.dataset.gallery[:-1])
    fewer = replace(evaluation, dataset=dataset, gallery=evaluation.gallery.rows(slice(0, len(dataset.gallery))))
    write_report(fewer, tmp_path / "page.html", run=run)
    assert "before training" not in (tmp_path / "page.html").read_text()
    euclidean = replace(evaluation, scores=replace(evaluation.scores, distance="euclidean"))
    write_report(euclidean, tmp_path / "page.html", run=run)
    assert "before training" not in (tmp_path / "page.html").read_text()


def test_without_mistakes_none_are_shown(run: Run, evaluation: Evaluation, tmp_path: Path) -> None:
    write_report(perfect(evaluation), tmp_path / "page.html", run=run)
    html = (tmp_path / "page.html").read_text()
    assert "The nearest image is right for every query" in html
    assert "<td>100.00%</td>" in html
    assert html.count('<figure class="query">') == html.count('data-ap="[[1.0]]"') == 16
    assert "c1, c2 …: the camera. Images of the query's person from the query's own camera are left out." in html


def test_unknown_cameras_are_not_named(evaluation: Evaluation, tmp_path: Path) -> None:
    records = [
        tuple(replace(r, camid=-1) for r in split) for split in (evaluation.dataset.query, evaluation.dataset.gallery)
    ]
    dataset = replace(evaluation.dataset, query=records[0], gallery=records[1], protocol="all-cameras")
    write_report(
        replace(evaluation, dataset=dataset, scores=replace(evaluation.scores, protocol="all-cameras")),
        tmp_path / "page.html",
    )
    html = (tmp_path / "page.html").read_text()
    assert "the camera" not in html
    assert "own camera" not in html
    assert "c-1" not in html


def test_a_calibration_gives_probabilities(evaluation: Evaluation, tmp_path: Path) -> None:
    right, file = perfect(evaluation), tmp_path / "page.html"
    pairs = pair_distances(right.query, right.gallery)
    calibration = calibrate(pairs, distance="cosine", model="m", fingerprint="0", dataset="toy <1>")
    write_report(right, file, calibration=calibration)
    html = file.read_text()
    assert f"calibrated on toy &lt;1&gt;, where {calibration.prior:.2%} of all pairs show the same person" in html
    assert re.search(r"<b>1 ✓</b><br>c\d · \d+%</figcaption>", html)
    write_report(right, file)
    assert "Per cent" not in file.read_text()


def test_pictures_open_with_their_neighbours(run: Run, evaluation: Evaluation, tmp_path: Path) -> None:
    """Also those of queries in both lists; neighbours are the nearest by the evaluation, and each picture is there once."""
    file = tmp_path / "page.html"
    write_report(evaluation, file, run=run)
    html = file.read_text()
    anchors = re.findall(r'<article class="item" id="([\w-]+)" tabindex="-1"', html)
    assert len({*anchors}) == len(anchors)
    assert {anchor.split("-")[0] for anchor in anchors} == {"query", "mistake"}
    data = re.search(r'<script type="application/json" id="pictures">(.*?)</script>', html)
    assert data
    found = json.loads(data[1])
    shown = {record.path.name: record for record in (*evaluation.dataset.query, *evaluation.dataset.gallery)}
    names = {number: known["words"].split(" · ")[-1] for number, known in found["known"].items()}
    embeddings = {Path(path).name: unit / unit.norm() for side in (evaluation.query, evaluation.gallery)
                  for path, unit in zip(side.paths or (), side.embeddings, strict=True)}  # fmt: skip
    for number, name in names.items():
        others = sorted(({*names.values()} - {name}), key=lambda other: -float(embeddings[name] @ embeddings[other]))
        assert [names[str(near)] for near in found["known"][number]["near"]] == others[:6]
        assert found["known"][number]["pid"] == shown[name].pid
    assert {*found["searches"].values()} <= {*anchors}
    with browser(tmp_path / "browser") as page:
        page.open(file, width=390, height=844)
        assert page.evaluate("[...document.querySelectorAll('[data-picture] img')].every((image) => image.src)")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.evaluate("document.querySelector('article .wrong button').click()")
        assert page.evaluate("at('large').open && at('near').childElementCount") == 6
        page.evaluate("document.querySelector('#search a').click()")
        page.wait("document.activeElement.tagName === 'ARTICLE' && !at('large').open")
