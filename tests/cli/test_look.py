import shutil
from pathlib import Path

from scalereid.data.records import ReidDataset
from tests.cli.conftest import Answer, Fail, Say

WORDS = ("--images", "10", "--top", "3")


def test_a_run_keeps_its_page(runs: Path, colours: Path, tmp_path: Path, say: Say) -> None:
    run = tmp_path / "run"
    shutil.copytree(runs / "short", run)
    said = say("look", run, "--data", colours, *WORDS)
    assert "mAP of 10 queries on" in said
    assert "If these pictures show real people, this page is personal data" in said
    assert said.endswith(f"Look at it: {run}/report/look.html\n")
    html = (run / "report" / "look.html").read_text()
    assert 'id="retrieval"' in html
    assert 'id="gates"' not in html  # its blocks weight no streams


def test_two_models(runs: Path, colours: Path, tmp_path: Path, answer: Answer) -> None:
    page = tmp_path / "new" / "page.html"
    found = answer("look", runs / "long", "--other", runs / "short", "--data", colours, "--out", page, *WORDS)
    assert found["page"] == str(page)
    assert found["parts"] == ["activation", "retrieval", "map"]
    assert [each["model"][:1] for each in found["retrieval"]] == ["A"] * 4 + ["B"] * 4
    assert {each["degradation"] for each in found["retrieval"]} == {"as it is", "blurred", "occluded", "darkened"}
    assert all(each["queries"] == 10 and 0 <= each["rank1"] <= 1 for each in found["retrieval"])


def test_attributes(attribute_run: Path, people: ReidDataset, tmp_path: Path, answer: Answer) -> None:
    words = ("--data", people.root, "--what", "attributes", "--out", tmp_path / "page.html")
    found = answer("look", attribute_run, *words)
    assert (found["parts"], found["pictures"]) == (["attributes"], 16)
    assert "of 2 right</caption>" in (tmp_path / "page.html").read_text()


def test_what_cannot_be_looked_into(runs: Path, colours: Path, tmp_path: Path, fail: Fail) -> None:
    weights, exported = tmp_path / "weights.safetensors", tmp_path / "model.onnx"
    shutil.copy(runs / "long" / "last.safetensors", weights)
    exported.touch()
    said = fail("look", weights, "--data", colours, "--dataset", "csv")
    assert f"{weights} is not a run to keep a page in; name a file: out=page.html\n(on the command line: --out)" in said
    said = fail("look", exported, "--data", colours, "--dataset", "csv", "--out", tmp_path / "page.html")
    assert "gives embeddings alone; to look inside, give the run or the weights that it was made of" in said
    assert not (tmp_path / "page.html").exists()
