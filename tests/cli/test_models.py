import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from scalereid.cli.errors import UsageError
from scalereid.cli.models import ComputeOptions, PixelOptions
from scalereid.data.images import read_image
from scalereid.data.records import ReidDataset
from scalereid.inference.pixel_format import PRESETS, PixelFormat
from tests.cli.conftest import Answer, Fail, Say
from tests.inference.networks import SIZE, write_onnx


def test_how_pixels_go_in() -> None:
    assert PixelOptions().format() is None
    assert PixelOptions(preset="torchreid").format() == "torchreid"
    assert PixelOptions(channels="BGR").format() == PixelFormat("BGR")
    given = PixelOptions(channels="RGB", scale=255.0, mean=(0.5, 0.4, 0.3), std=(0.1, 0.2, 0.3))
    assert given.format() == PixelFormat("RGB", 255.0, (0.5, 0.4, 0.3), (0.1, 0.2, 0.3))
    assert ComputeOptions(pixels=given).runtime_options("x.onnx").pixels == given.format()
    with pytest.raises(UsageError, match="--preset has no effect with --scale: leave one of them out"):
        PixelOptions(preset="torchreid", scale=255.0).format()


def test_a_file_of_others_in_every_command(
    people: ReidDataset, runs: Path, tmp_path: Path, say: Say, answer: Answer, fail: Fail
) -> None:
    """One whose embedding are the pixels as they go in."""
    file, data = write_onnx(tmp_path / "x.onnx"), people.root
    told = fail("evaluate", file, "--data", data, "--dataset", "csv")
    assert "x.onnx was not written by scalereid" in told
    assert "(on the command line: --preset NAME, or --channels, --scale, --mean and --std)" in told
    told = fail("evaluate", runs / "long", "--data", data, "--preset", "torchreid")
    assert "says itself how its pixels go in" in told
    assert "without --preset, --channels" in told

    words: tuple[str | Path, ...] = ("--data", data, "--dataset", "csv", "--preset", "torchreid")
    [scored] = answer("evaluate", file, *words, "--camera-pairs")
    assert (scored["model"], scored["runtime"], scored["image_size"]) == ("x.onnx", "onnxruntime", [*SIZE])
    assert scored["pixels"] == json.loads(json.dumps(asdict(PRESETS["torchreid"])))
    told = say("evaluate", file, *words)
    assert "16×32; pixels RGB, divided by 255, mean 0.485, 0.456, 0.406, std 0.229, 0.224, 0.225; dataset" in told
    compared = answer("compare", runs / "long", file, *words)
    assert compared["one"]["pixels"] is None
    assert compared["other"]["scores"]["mAP"] == scored["scores"]["mAP"]

    image, words = (
        people.gallery[0].path,
        ("--channels=BGR", "--scale=2", "--mean", "1", "2", "3", "--std", "4", "5", "6"),
    )
    say("embed", file, str(image), "--out", tmp_path / "x.npz", "--no-normalize", *words)
    with np.load(tmp_path / "x.npz") as table:
        found = table["embedding"].reshape(3, *SIZE)
    bgr = read_image(image, SIZE)[..., ::-1]
    np.testing.assert_allclose(found.transpose(1, 2, 0), (bgr / 2 - [1, 2, 3]) / [4, 5, 6], rtol=1e-5, atol=1e-5)
