from pathlib import Path

import pytest

from scalereid.data.records import ReidDataset
from tests.cli.conftest import Answer, Fail

pytest.importorskip("nncf")


@pytest.mark.slow
def test_the_accuracy_of_each_precision(
    runs: Path, people: ReidDataset, tmp_path: Path, answer: Answer, fail: Fail
) -> None:
    words = ("quantize", runs / "long", "--data", people.root, "--dataset", "csv", "--out", tmp_path / "model.xml")
    found = answer(*words, "--force")
    assert found["out"] == str(tmp_path / "model.xml")
    assert found["metadata"]["precision"] == "int8"
    assert [row["precision"] for row in found["accuracy"]] == ["float32", "bfloat16", "int8"]
    assert found["accuracy"][0]["cosine"] == pytest.approx(1)
    assert "exists" in fail(*words)


@pytest.mark.slow
def test_a_file_that_loses_too_much_is_not_kept(runs: Path, people: ReidDataset, tmp_path: Path, fail: Fail) -> None:
    out = tmp_path / "model.xml"
    words = ("quantize", runs / "long", "--data", people.root, "--dataset", "csv", "--out", out, "--max-loss", "-100")
    text = fail(*words, "--json")
    assert '"out": null' in text
    assert "(on the command line: --max-loss" in text
    assert not out.exists()
