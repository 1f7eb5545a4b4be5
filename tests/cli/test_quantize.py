import json
from pathlib import Path
from typing import Any

import pytest

from scalereid.data.records import ReidDataset
from scalereid.inference import quantization
from scalereid.inference.quantization import Accuracy, LossTooLargeError
from tests.cli.conftest import Answer, Fail

WORDS = ("quantize", "runs/x", "--data", "data", "--dataset", "csv")


@pytest.mark.slow
def test_the_accuracy_of_each_precision(
    runs: Path, people: ReidDataset, tmp_path: Path, answer: Answer, fail: Fail
) -> None:
    pytest.importorskip("nncf", reason="NNCF is not installed (extra int8): int8 is NOT tested")
    words = ("quantize", runs / "long", "--data", people.root, "--dataset", "csv", "--out", tmp_path / "model.xml")
    found = answer(*words, "--force")
    assert found["out"] == str(tmp_path / "model.xml")
    assert found["metadata"]["precision"] == "int8"
    assert [row["precision"] for row in found["accuracy"]] == ["float32", "bfloat16", "int8"]
    assert found["accuracy"][0]["cosine"] == pytest.approx(1)
    assert "exists" in fail(*words)


def test_a_file_that_loses_too_much_is_not_kept(fail: Fail, monkeypatch: pytest.MonkeyPatch) -> None:
    report = [Accuracy("float32", 0.5, 0.6, 1, 100), Accuracy("int8", 0.49, 0.6, 0.9, 200)]

    def losing(*_: Any, max_loss: float, **__: Any) -> Any:
        raise LossTooLargeError(report, max_loss)

    monkeypatch.setattr(quantization, "quantize", losing)
    text = fail(*WORDS, "--max-loss", "0.25", "--json")
    assert "mAP falls by 1.00 points, from 50.00% to 49.00%, but at most 0.25 are allowed" in text
    assert "(on the command line: --max-loss" in text
    document = json.loads(text[text.index("{") :])
    assert document["out"] is None
    assert [row["mAP"] for row in document["accuracy"]] == [0.5, 0.49]


@pytest.mark.parametrize("points", ["-1", "200", "nan"])
def test_a_loss_that_no_model_can_have_is_refused_as_it_was_given(fail: Fail, points: str) -> None:
    text = fail(*WORDS, "--max-loss", points, code=2)
    assert text == f"scalereid: --max-loss is {points}; expected percentage points, from 0 to 100\n"
