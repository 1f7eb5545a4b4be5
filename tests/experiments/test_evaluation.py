import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from scalereid.data import DATASETS
from scalereid.data.readers import SPLITS
from scalereid.data.reading import read_dataset
from scalereid.data.records import ReidDataset, tracklet_of
from scalereid.experiments.evaluation import evaluate, evaluate_all
from scalereid.experiments.options import EvaluationOptions
from scalereid.experiments.training import train
from scalereid.inference.opening import RuntimeOptions
from scalereid.progress import Progress
from scalereid.retrieval.reranking import Reranking
from scalereid.retrieval.scores import score
from scalereid.runs.checkpoint import load_checkpoint
from scalereid.runs.recipe import EvaluationSettings, Recipe, ScheduleSettings
from scalereid.runs.run import Run
from tests.experiments.test_training import write_table

States = Callable[[str], dict[str, np.ndarray]]


def test_evaluating_a_run_gives_the_scores_of_its_log(people: ReidDataset, trained: Run) -> None:
    logged = [entry.scores.to_json() for entry in trained.log() if entry.scores]
    last = evaluate(trained.folder, data=people.root)
    assert last.scores.to_json() == logged[-1]
    assert last.model.metadata.image_size == (64, 32)
    assert last.to_json()["dataset"]["fingerprint"] == people.fingerprint()
    assert last.to_json()["epoch"] == 2
    best = evaluate(trained.best, data=people.root)
    values = [scores["mAP"] for scores in logged]
    assert best.scores.mAP == max(values)
    assert load_checkpoint(trained.best).trained.epoch == int(np.argmax(values))
    assert "osnet_one_stream" in str(last)
    assert "epoch 2 on people" in str(last)
    assert "16 queries, 32 gallery images; cosine distance, market1501 protocol; 64×32" in str(last)


def test_released_weights_need_a_dataset_name(people: ReidDataset, tmp_path: Path, released_state: States) -> None:
    state = {name: torch.as_tensor(value) for name, value in released_state("osnet_x0_25").items()}
    torch.save(state, tmp_path / "x.pth")
    with pytest.raises(ValueError, match="does not say what to evaluate it on; name a dataset"):
        evaluate(tmp_path / "x.pth", data=people.root)
    with pytest.raises(ValueError, match="does not say what to evaluate it on"):
        evaluate(state, data=people.root)
    scored = evaluate(tmp_path / "x.pth", data=people.root, dataset="csv", options=EvaluationOptions(flip=True))
    assert scored.model.metadata.image_size == (256, 128)
    assert "256×128, mirrored too" in str(scored)


def test_another_image_size(people: ReidDataset, trained: Run) -> None:
    scored = evaluate(trained.folder, data=people.root, options=EvaluationOptions(image_size=(96, 48)))
    assert "96×48" in str(scored)
    own = evaluate(trained.folder, data=people.root)
    assert scored.model.metadata.fingerprint != own.model.metadata.fingerprint
    with pytest.raises(ValueError, match="image_size is 8×8"):
        evaluate(trained.folder, data=people.root, options=EvaluationOptions(image_size=(8, 8)))


def test_tracklets_are_embedded_as_their_mean(people: ReidDataset, tiny: Recipe, tmp_path: Path) -> None:
    """Query and gallery of two images a tracklet: the scores are those of the mean embeddings."""
    lines = ["split,path,pid,camid,tracklet"]
    for split, records in people.splits.items():
        for i, r in enumerate(records):
            number = "" if split == "train" else 100 * r.pid + 10 * r.camid + (i % 3) // 2 + 5 * (split == "gallery")
            lines.append(f"{split},{r.path},{r.pid},{r.camid},{number}")
    (tmp_path / "dataset.csv").write_text("\n".join(lines))
    run = train(replace(tiny, schedule=ScheduleSettings(epochs=1)), data=tmp_path, out=tmp_path / "x")
    scored = evaluate(run.folder, data=tmp_path)
    tracklets = scored.dataset.counts()["gallery"].tracklets
    assert 0 < tracklets < len(people.gallery)
    assert len(scored.gallery) == tracklets
    assert f"{tracklets} gallery images and tracklets" in str(scored)
    single = evaluate(run.folder, data=people.root, dataset="csv")
    groups = tracklet_of(scored.dataset.gallery)
    expected = torch.stack([single.gallery.embeddings[groups == i].mean(dim=0) for i in range(tracklets)])
    torch.testing.assert_close(scored.gallery.embeddings, expected, rtol=1e-4, atol=1e-5)
    logged = run.log()[-1].scores
    assert logged
    assert scored.scores.mAP == logged.mAP
    assert scored.rank().indices.max() < tracklets


def test_what_is_left_out_is_said(people: ReidDataset, trained: Run, tmp_path: Path) -> None:
    junk = tmp_path / "junk.jpg"
    junk.hardlink_to(people.gallery[0].path)
    file = write_table(tmp_path / "junk.csv", people, add=(f"gallery,{junk},-1,1",))
    assert "left out: 1 junk (pid −1) listed as gallery" in str(evaluate(trained.folder, data=file))


def test_another_protocol(people: ReidDataset, tiny: Recipe, tmp_path: Path) -> None:
    recipe = replace(
        tiny, schedule=ScheduleSettings(epochs=1), evaluation=EvaluationSettings(every=1, protocol="all-cameras")
    )
    run = train(recipe, data=people.root, out=tmp_path / "x")
    logged = run.log()[-1].scores
    assert logged
    assert logged.protocol == "all-cameras"
    scored = evaluate(run.folder, data=people.root)
    assert scored.scores.to_json() == logged.to_json()
    market = evaluate(run.folder, data=people.root, options=EvaluationOptions(protocol="market1501"))
    assert "market1501 protocol" in str(market)
    assert market.scores.mAP != scored.scores.mAP
    (tmp_path / "elsewhere").mkdir()
    write_table(tmp_path / "elsewhere" / "dataset.csv", people)
    other = evaluate(run.folder, data=tmp_path, dataset="csv@elsewhere")
    assert other.scores.protocol == "market1501"  # another dataset's own, whatever the recipe says of its own
    trapezoid = evaluate(run.folder, data=people.root, options=EvaluationOptions(ap_rule="trapezoid"))
    assert trapezoid.scores.mAP < scored.scores.mAP
    assert trapezoid.scores.ap_rule == "trapezoid"


def test_several_datasets(people: ReidDataset, trained: Run, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    write_table(tmp_path / "again" / "dataset.csv", people)
    shutil.copy(tmp_path / "again" / "dataset.csv", tmp_path)
    found = evaluate_all(trained.folder, data=tmp_path, datasets=["csv", "csv@again"])
    assert [*found] == ["csv", "csv@again"]
    assert [evaluations[0].scores.mAP for evaluations in found.values()] == [
        evaluate(trained.folder, data=people.root).scores.mAP
    ] * 2


def test_what_does_not_fit_is_found_before_anything_is_embedded(
    people: ReidDataset, trained: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second dataset that is not there; one of two splits, of which none is named."""
    monkeypatch.setitem(DATASETS, "halves", lambda root, split=1: read_dataset("csv", root))  # noqa: ARG005
    monkeypatch.setitem(SPLITS, "halves", 2)
    with pytest.raises(FileNotFoundError, match="gone"):
        evaluate_all(trained.folder, data=people.root, datasets=["csv", "csv@gone"], progress=Progress())
    with pytest.raises(ValueError, match="halves has 2 splits; name one of them, such as halves#1"):
        evaluate(trained.folder, data=people.root, dataset="halves", progress=Progress())
    assert "embedding" not in capsys.readouterr().out


def test_splits_share_their_embeddings(
    people: ReidDataset, trained: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two splits of 24 of the gallery's 32 images each, with all queries: 16 + 32 images, each embedded once."""

    def read_thirds(root: Path, split: int = 1) -> ReidDataset:
        table = read_dataset("csv", root)
        return replace(table, name=f"thirds#{split}", gallery=table.gallery[8 * (split - 1) :][:24])

    monkeypatch.setitem(DATASETS, "thirds", read_thirds)
    monkeypatch.setitem(SPLITS, "thirds", 2)
    both = evaluate_all(trained.folder, data=people.root, datasets=["thirds"], progress=Progress())["thirds"]
    printed = capsys.readouterr().out
    assert "reading 2 splits' images: 48 images in" in printed
    assert printed.count("embedding: 48 images in") == 1
    for number, evaluation in enumerate(both, start=1):
        alone = evaluate(trained.folder, data=people.root, dataset=f"thirds#{number}")
        assert evaluation.dataset == alone.dataset
        assert evaluation.gallery.paths == alone.gallery.paths
        torch.testing.assert_close(evaluation.gallery.embeddings, alone.gallery.embeddings)
        assert evaluation.scores.mAP == pytest.approx(alone.scores.mAP, abs=1e-3)
    assert both[0].scores.mAP != both[1].scores.mAP


def test_which_tensors_matched_is_a_detail(
    people: ReidDataset, trained: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    for verbose in (False, True):
        evaluate(trained.folder, data=people.root, progress=Progress(verbose=verbose))
        assert ("tensors matched" in capsys.readouterr().out) == verbose


def test_training_images_alone_cannot_be_scored(people: ReidDataset, trained: Run, tmp_path: Path) -> None:
    file = write_table(tmp_path / "train.csv", people, keep="train")
    with pytest.raises(ValueError, match="0 query and 0 gallery images; both are needed"):
        evaluate(trained.folder, data=file)


def test_rows_between_cameras(people: ReidDataset, trained: Run) -> None:
    pairs = evaluate(trained.folder, data=people.root).camera_pairs()
    trapezoids = evaluate(
        trained.folder, data=people.root, options=EvaluationOptions(ap_rule="trapezoid")
    ).camera_pairs()
    assert sum(pair.mAP for pair in trapezoids) < sum(pair.mAP for pair in pairs)
    assert {(pair.query, pair.gallery) for pair in pairs} == {
        (q, g) for q in range(1, 5) for g in range(1, 5) if q != g
    }
    assert [pair.mAP for pair in pairs] == sorted(pair.mAP for pair in pairs)


def test_reranked_scores_say_so(people: ReidDataset, trained: Run) -> None:
    scored = evaluate(trained.folder, data=people.root, options=EvaluationOptions(rerank=Reranking(k1=4, k2=2)))
    assert "re-ranked (k1 4, k2 2" in str(scored)
    assert scored.to_json()["scores"]["rerank"]["k1"] == 4


def test_half_precision_and_an_unknown_runtime(people: ReidDataset, trained: Run) -> None:
    scored = evaluate(trained.folder, data=people.root, runtime=RuntimeOptions(runtime="torch", precision="bfloat16"))
    assert scored.to_json()["precision"] == "bfloat16"
    exact = evaluate(trained.folder, data=people.root)
    assert scored.scores.mAP == pytest.approx(exact.scores.mAP, abs=0.1)
    with pytest.raises(ValueError, match="tensorrt"):
        evaluate(trained.folder, data=people.root, runtime=RuntimeOptions(runtime="tensorrt"))


MSMT17 = {"euclidean": (62.75, 78.73, 38.66), "cosine": (61.84, 78.58, 40.75)}


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize(
    ("weights", "runtime", "expected"),  # rank-1, rank-5 and mAP, measured with torchreid's own model and formula
    [
        ("msmt17", "openvino", MSMT17),
        ("msmt17", "torch", MSMT17),
        ("market1501", "torch", {"cosine": (99.85, 99.85, 99.76)}),
    ],
)
def test_real_weights_on_real_images(
    data_root: Path, weights: str, runtime: str, expected: dict[Any, tuple[float, float, float]]
) -> None:
    file = data_root / "weights" / f"osnet_x0_25_{weights}.pth"
    scored = evaluate(
        file,
        data=data_root,
        dataset="market1501-dev",
        options=EvaluationOptions(distance="cosine"),
        runtime=RuntimeOptions(runtime=runtime),
    )
    for distance, (rank1, rank5, mean) in expected.items():
        scores = score(scored.query, scored.gallery, distance=distance)
        assert distance != "cosine" or scores.mAP == scored.scores.mAP
        assert 100 * scores.rank(1) == pytest.approx(rank1, abs=0.16)  # one query of 663
        assert 100 * scores.rank(5) == pytest.approx(rank5, abs=0.16)
        assert 100 * scores.mAP == pytest.approx(mean, abs=0.02)
        assert scores.queries_without_match == 6
