import json
import re
from pathlib import Path

import pytest

from scalereid.data.records import ReidDataset
from tests.cli.conftest import Answer, Fail, Say


def test_scores_are_printed_written_and_given_to_programs(
    runs: Path, people: ReidDataset, tmp_path: Path, say: Say, answer: Answer
) -> None:
    words = ("evaluate", runs / "long", "--data", people.root, "--distance", "euclidean", "--flip", "--camera-pairs")
    text = say(*words, "--out", tmp_path / "new" / "x.json")
    assert "16 queries, 32 gallery images; euclidean distance" in text
    assert "gallery images of one camera alone" in text
    assert len(re.findall(r"│ [1-4] +│ [1-4] +│ +[\d.]+% │", text)) == 12
    (found,) = answer(*words)
    assert [found] == json.loads((tmp_path / "new" / "x.json").read_text())
    assert (found["flip"], found["scores"]["distance"], found["runtime"]) == (True, "euclidean", "torch")
    pairs = [pair["mAP"] for pair in found["camera_pairs"]]
    assert pairs == sorted(pairs)
    assert f"{found['scores']['mAP']:.2%}" in text


def test_a_dash_is_standard_output(
    runs: Path,
    people: ReidDataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    say: Say,
    answer: Answer,
    fail: Fail,
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("evaluate", runs / "short", "--data", people.root, "--camera-pairs")
    assert json.loads(say(*words, "--out", "-")) == answer(*words)
    for other in (("embed", "x", "y", "--out", "-"), ("train", "toy", "--data", "d", "--out=-")):
        text = fail(*other, code=2)
        assert f"{other[0]} does not write to standard output; give --out a name other than '-'" in text
    assert not [*tmp_path.iterdir()]


def test_neighbours_and_average_precision(runs: Path, people: ReidDataset, say: Say) -> None:
    words = ("evaluate", runs / "long", "--data", people.root)
    assert "cosine distance, re-ranked (k1 20, k2 6, λ 0.3, as paper), market1501 protocol" in say(*words, "--rerank")
    text = say(*words, "--expand-queries", "2", "--augment-gallery", "3", "--alpha", "1.5", "--multi-query")
    assert "queries pooled by person and camera, gallery augmented by 3, queries expanded by 2 (α 1.5)" in text
    assert "average precision by trapezoid" in say(*words, "--ap-rule", "trapezoid", "--protocol", "all-cameras")


def test_options_that_do_not_fit_are_named_as_flags(runs: Path, people: ReidDataset, fail: Fail) -> None:
    words = ("evaluate", runs / "long", "--data", people.root)
    text = fail(*words, "--distance", "euclidean", "--expand-queries", "3")
    assert "set distance to 'cosine'" in text
    assert "(on the command line: --expand-queries, --augment-gallery)" in text
    assert "gone" in fail("evaluate", runs / "gone", "--data", people.root)


def test_several_datasets_in_one_table(runs: Path, people: ReidDataset, say: Say) -> None:
    text = say("evaluate", runs / "short", "--data", people.root, "--dataset", "csv", "csv@.")
    assert len(re.findall(r"│ csv(?:@\.)? +│ +[\d.]+% │", text)) == 2


def test_reranking_says_when_it_cannot_help(runs: Path, people: ReidDataset, tmp_path: Path, say: Say) -> None:
    header, *lines = (people.root / "dataset.csv").read_text().splitlines()
    lines = [re.sub(r"^(\w+),", rf"\1,{people.root}/", line) for line in lines]
    gallery = {line.split(",")[2]: line for line in lines if line.startswith("gallery")}  # one for each person
    kept = [header, *(line for line in lines if not line.startswith("gallery")), *gallery.values()]
    (tmp_path / "dataset.csv").write_text("\n".join(kept))
    text = say("evaluate", runs / "long", "--data", tmp_path, "--rerank")
    assert "k-reciprocal neighbours carry no signal" in text


def test_an_exported_file_is_computed_by_its_own_runtime(
    runs: Path, people: ReidDataset, tmp_path: Path, say: Say, answer: Answer, fail: Fail
) -> None:
    pytest.importorskip("onnxruntime")
    file, words = tmp_path / "model.onnx", ("--data", people.root, "--camera-pairs")
    say("export", runs / "long", "--out", file)
    (exported,) = answer("evaluate", file, *words)
    (run,) = answer("evaluate", runs / "long", *words)
    assert (exported["runtime"], run["runtime"]) == ("onnxruntime", "torch")
    assert exported["scores"]["mAP"] == pytest.approx(run["scores"]["mAP"], abs=1e-4)
    assert exported["model_fingerprint"] == run["model_fingerprint"]
    assert "is for onnxruntime, not for torch" in fail("evaluate", file, *words, "--runtime", "torch")


def test_the_precision_is_chosen(runs: Path, people: ReidDataset, answer: Answer) -> None:
    words = ("--data", people.root, "--camera-pairs", "--precision", "bfloat16", "--batch-size", "4")
    (found,) = answer("evaluate", runs / "long", *words)
    assert (found["runtime"], found["precision"]) == ("torch", "bfloat16")
