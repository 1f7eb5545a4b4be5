import json
from dataclasses import replace
from pathlib import Path

import pytest

from scalereid.data.records import ReidDataset
from scalereid.inference.metadata import NORMALISED, OTHER, ModelMetadata
from scalereid.inference.pixel_format import PixelFormat
from scalereid.inference.trained import describe_model
from scalereid.models.fingerprint import fingerprint
from scalereid.runs.checkpoint import load_checkpoint

METADATA = ModelMetadata("osnet_x0_25 (x)", "0123456789ab", (64, 32), 512, epoch=7, training="people (abc)")


def test_text_and_back() -> None:
    for metadata in (METADATA, replace(METADATA, input=NORMALISED, precision="int8", epoch=None)):
        assert ModelMetadata.from_json(metadata.to_json()) == metadata
    assert METADATA.takes_pixels
    assert not replace(METADATA, input=NORMALISED).takes_pixels


def test_how_pixels_go_in_is_kept_for_files_of_others_alone() -> None:
    """So that earlier versions read the metadata of ours."""
    other = replace(METADATA, input=OTHER, pixels=PixelFormat("BGR", 255.0, (0.5, 0.5, 0.25), (0.1, 0.2, 0.3)))
    assert ModelMetadata.from_json(other.to_json()) == other
    assert not other.takes_pixels
    assert "pixels" not in json.loads(METADATA.to_json())
    for change in ({"pixels": None}, {"input": NORMALISED}):
        with pytest.raises(ValueError, match="expected both 'float32, in the format that pixels says' and a format"):
            replace(other, **change)


def test_other_text_is_refused() -> None:
    """As that of files which an earlier version wrote."""
    values = json.loads(METADATA.to_json())
    earlier = {key: value for key, value in values.items() if key not in ("precision", "epoch")} | {
        "arithmetic": "float32"
    }
    for text in ("{}", "[]", "no JSON", json.dumps(earlier)):
        with pytest.raises(
            ValueError, match=r"damaged, or exported by another version of scalereid \(.*\); export it again"
        ):
            ModelMetadata.from_json(text)


def test_a_run_is_described(run: Path, people: ReidDataset) -> None:
    loaded = load_checkpoint(run)
    metadata = describe_model(loaded, run)
    assert metadata.model == "osnet_one_stream (run)"
    assert metadata.fingerprint == fingerprint(loaded.model, (64, 32))
    assert (metadata.image_size, metadata.embedding_size, metadata.epoch) == ((64, 32), 32, 1)
    assert metadata.training == f"{people.name} ({people.fingerprint()})"
    assert json.loads(metadata.recipe)["model"]["backbone"] == "osnet_one_stream"
    larger = describe_model(loaded, run, (128, 64))
    assert larger == replace(metadata, image_size=(128, 64), fingerprint=fingerprint(loaded.model, (128, 64)))
    assert larger.fingerprint != metadata.fingerprint


def test_given_tensors_have_no_history(run: Path) -> None:
    loaded = replace(load_checkpoint(run), recipe=None)
    loaded = replace(loaded, trained=type(loaded.trained)())
    metadata = describe_model(loaded, {})
    assert metadata.model == "osnet_one_stream (given tensors)"
    assert (metadata.image_size, metadata.training, metadata.epoch, metadata.recipe) == ((256, 128), "", None, "")


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("image_size", [8, 32], "image_size is 8×32; height and width must be from 16 to 4096"),
        ("image_size", [10**6, 32], "image_size is 1000000×32; height and width must be from 16 to 4096"),
        ("embedding_size", 0, "embedding_size is 0; it must be at least 1"),
        ("input", "uint8 BGR", r"input is 'uint8 BGR'; expected uint8 RGB \(n, height, width, 3\) or float32"),
        ("precision", "float8", "precision is 'float8'; (expected|choose from) float32"),
        ("resize", "OpenCV's INTER_AREA", "resize is \"OpenCV's INTER_AREA\"; expected Pillow's BILINEAR"),
        ("fingerprint", "abc", "fingerprint is 'abc'; expected 12 hexadecimal digits"),
        ("mean", [0.5, 0.5], r"mean is \(0\.5, 0\.5\); expected 3 finite numbers"),
        ("std", [0.5, 0.5, 0], r"std is \(0\.5, 0\.5, 0\); expected 3 finite numbers above 0"),
        ("recipe", "[1]", r"recipe is '\[1\]'; expected a JSON object"),
        ("recipe", "{", "Expecting property name"),
        ("later", 1, "later"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(field: str, value: object, sentence: str) -> None:
    values = json.loads(METADATA.to_json()) | {field: value}
    with pytest.raises(ValueError, match=rf"another version of scalereid.*{sentence}"):
        ModelMetadata.from_json(json.dumps(values))
