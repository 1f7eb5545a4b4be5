import json
from pathlib import Path

import pytest

from scalereid.cli import main
from scalereid.data.records import ReidDataset
from tests.cli.conftest import Answer, Fail, Say
from tests.cli.json_page import undocumented

pytest.importorskip("onnxruntime")


def test_the_file_is_described_to_a_person_and_a_program(
    runs: Path, tmp_path: Path, fail: Fail, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "model.onnx"
    main(["export", str(runs / "long"), "--out", str(out), "--no-normalisation", "--json"])
    captured = capsys.readouterr()
    assert (
        f"{out}: osnet_one_stream (long)\ninput: float32 RGB (n, 3, height, width), normalised, 64×32" in captured.err
    )
    found = json.loads(captured.out)
    assert undocumented("export", found) == set()
    assert found["metadata"]["input"] == "float32 RGB (n, 3, height, width), normalised"
    assert found["agreement"]["cosine"] > 0.9999
    assert found["attributes"] == found["classes"] == []
    assert "beside them" not in captured.err
    assert "exists" in fail("export", runs / "long", "--out", out)
    assert ".xml" in fail("export", runs / "long", "--out", out, "--format", "openvino")


def test_attributes_and_classes_are_told_and_can_be_asked_for(
    attribute_run: Path,
    class_run: Path,
    class_images: Path,
    people: ReidDataset,
    tmp_path: Path,
    answer: Answer,
    say: Say,
) -> None:
    one, other = tmp_path / "attributes.onnx", tmp_path / "classes.onnx"
    assert "beside them: 2 attributes" in say("export", attribute_run, "--out", one)
    found = answer("export", class_run, "--out", other)
    assert (found["attributes"], found["classes"]) == ([], ["blue", "green", "red"])
    assert answer("attributes", one, people.query[0].path)["attributes"] == ["hat", "bag"]
    scores = [answer("attributes", model, "--data", people.root)["scores"]["mA"] for model in (one, attribute_run)]
    assert scores[0] == pytest.approx(scores[1], abs=0.02)
    errors = [answer("classify", model, "--data", class_images)["scores"]["top1"] for model in (other, class_run)]
    assert errors[0] == errors[1]
