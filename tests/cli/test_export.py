import json
from pathlib import Path

import pytest

from scalereid.cli import main
from tests.cli.conftest import Fail
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
    assert "exists" in fail("export", runs / "long", "--out", out)
    assert ".xml" in fail("export", runs / "long", "--out", out, "--format", "openvino")
