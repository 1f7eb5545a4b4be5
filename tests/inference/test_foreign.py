import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from numpy.typing import NDArray

from scalereid.inference.embedder import Embedder
from scalereid.inference.export.graph import write_onnx as write_graph
from scalereid.inference.foreign import foreign_fingerprint
from scalereid.inference.metadata import NORMALISED, OTHER, ModelMetadata
from scalereid.inference.opening import OpenModel, RuntimeOptions, open_model
from scalereid.inference.pixel_format import PRESETS, PixelFormat
from scalereid.inference.trained import describe_model
from scalereid.runs.checkpoint import load_checkpoint
from tests.inference.conftest import expected, pixels_of
from tests.inference.networks import PIXELS, SIZE, write_onnx, write_openvino

UNLIKE = PixelFormat("BGR", 50.0, (1.0, 2.0, 3.0), (0.5, 0.25, 2.0))
MEANS = {"constants": {"axes": np.array([2, 3])}, "gives": [("n", 3, 1, 1)]}


def opened(file: Path, pixels: PixelFormat | str = UNLIKE, **options: Any) -> OpenModel:
    return open_model(file, RuntimeOptions(pixels=pixels, **options))


def pictures(number: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (number, *SIZE, 3), dtype=np.uint8)


def converted(pixels: NDArray[np.uint8], form: PixelFormat = UNLIKE) -> NDArray[np.float64]:
    """What goes into a network, in float64 and in one line."""
    ordered = pixels[..., ::-1] if form.channels == "BGR" else pixels
    return ((ordered / form.scale - form.mean) / form.std).transpose(0, 3, 1, 2)


RESHAPE = ("Reshape", ["images", "shape"], ["embeddings"])
HIDDEN = [  # whose output's shape only running it tells
    ("ReduceMax", ["images"], ["largest"], {"keepdims": 0}),
    ("Mul", ["largest", "zero"], ["none"]),
    ("Cast", ["none"], ["whole"], {"to": 7}),
    ("Add", ["whole", "expected"], ["shape"]),
    RESHAPE,
]
SCALED = [("Flatten", ["images"], ["flat"]), ("Mul", ["flat", "each"], ["embeddings"])]
TWICE = [("Flatten", ["images"], ["flat"]), ("Concat", ["flat", "flat"], ["embeddings"], {"axis": 0})]
WRITERS: dict[str, Callable[[Path], Path]] = {
    "any number": lambda folder: write_onnx(folder / "x.onnx"),
    "one": lambda folder: write_onnx(folder / "x.onnx", takes=(1, 3, *SIZE), gives=[(1, PIXELS)]),
    "four": lambda folder: write_onnx(folder / "x.onnx", takes=(4, 3, *SIZE), gives=[(4, PIXELS)]),
    "one, which only its output tells": lambda folder: write_onnx(
        folder / "x.onnx", [RESHAPE], constants={"shape": np.array([1, PIXELS])}
    ),
    "float16": lambda folder: write_onnx(folder / "x.onnx", dtype="FLOAT16"),
    "OpenVINO": lambda folder: write_openvino(folder / "x.xml"),
    "OpenVINO, one": lambda folder: write_openvino(folder / "x.xml", fixed=True),
    "OpenVINO, three": lambda folder: write_openvino(folder / "x.xml", batch=3, fixed=True),
    "OpenVINO, four": lambda folder: write_openvino(folder / "x.xml", batch=4, fixed=True),
    "OpenVINO, twenty": lambda folder: write_openvino(folder / "x.xml", batch=20, fixed=True),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_pixels_go_in_as_is_said(kind: str, tmp_path: Path) -> None:
    """Into networks that give what they take, for any number of images, one by one and in threads."""
    model = opened(WRITERS[kind](tmp_path))
    assert (model.metadata.image_size, model.metadata.embedding_size, model.metadata.input) == (SIZE, PIXELS, OTHER)
    assert model.runtime.precision == "float32"
    pixels = pictures(7)
    exact = converted(pixels).reshape(7, -1)
    limit = 2e-3 if kind == "float16" else 1e-5
    for number in (1, 3, 4, 7):
        found = model.runtime(pixels[:number])
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, exact[:number], rtol=limit, atol=10 * limit)
    with ThreadPoolExecutor(4) as pool:
        for row, found in enumerate(pool.map(lambda i: model.runtime(pixels[i : i + 1], concurrent=True), range(7))):
            np.testing.assert_allclose(found, exact[row : row + 1], rtol=limit, atol=10 * limit)


def test_channels_last(tmp_path: Path) -> None:
    file = write_onnx(tmp_path / "x.onnx", takes=("n", *SIZE, 3))
    pixels = pictures(3)
    found = opened(file).runtime(pixels).reshape(3, *SIZE, 3)
    np.testing.assert_allclose(found, converted(pixels).transpose(0, 2, 3, 1), rtol=1e-5, atol=1e-5)


def test_embeddings_that_are_maps_of_one_pixel(tmp_path: Path) -> None:
    file = write_onnx(tmp_path / "x.onnx", [("ReduceMean", ["images", "axes"], ["embeddings"])], **MEANS)  # type: ignore[arg-type]
    model, pixels = opened(file), pictures(5)
    assert model.metadata.embedding_size == 3
    np.testing.assert_allclose(model.runtime(pixels), converted(pixels).mean(axis=(2, 3)), rtol=1e-4)


def test_a_width_that_the_file_does_not_tell(tmp_path: Path) -> None:
    """As files that older exporters wrote with a free number of images."""
    assert opened(write_onnx(tmp_path / "x.onnx", gives=[("n", "width")])).metadata.embedding_size == PIXELS


def test_half_precision(tmp_path: Path) -> None:
    model, pixels = opened(write_openvino(tmp_path / "x.xml"), precision="bfloat16"), pictures(3)
    assert (model.runtime.precision, model.metadata.precision) == ("bfloat16", "float32")
    np.testing.assert_allclose(model.runtime(pixels), converted(pixels).reshape(3, -1), rtol=0.01, atol=0.1)


def test_the_metadata_open_it_again(tmp_path: Path) -> None:
    """The very lines by which a gallery remembers its model."""
    file = write_openvino(tmp_path / "x.xml")
    with Embedder(file, pixels="open-model-zoo") as embedder:
        stored, first = embedder.metadata.to_json(), embedder(pictures(3))
    metadata = ModelMetadata.from_json(stored)
    assert metadata.pixels == PRESETS["open-model-zoo"]
    options = RuntimeOptions(pixels=metadata.pixels)
    with Embedder(file, **vars(options)) as embedder:
        assert embedder.metadata == metadata
        np.testing.assert_array_equal(embedder(pictures(3)), first)


def test_another_format_or_file_is_another_model(tmp_path: Path) -> None:
    file = write_openvino(tmp_path / "x.xml")
    forms = [
        UNLIKE,
        replace(UNLIKE, channels="RGB"),
        replace(UNLIKE, scale=51.0),
        replace(UNLIKE, mean=(1.0, 2.0, 4.0)),
    ]
    forms.append(replace(UNLIKE, std=(0.5, 0.25, 1.0)))
    found = {foreign_fingerprint(file, form, SIZE) for form in forms}
    assert len(found) == 5
    assert opened(file).metadata.fingerprint in found
    assert foreign_fingerprint(file, UNLIKE, (32, 16)) not in found
    moved = shutil.copytree(tmp_path, tmp_path / "moved") / "x.xml"
    assert foreign_fingerprint(moved, UNLIKE, SIZE) in found
    moved.with_suffix(".bin").write_bytes(b"others")
    assert foreign_fingerprint(moved, UNLIKE, SIZE) not in found


@pytest.mark.parametrize("beside", ["x.onnx.data", "weights.bin", f"{'w' * 200}.bin"])
def test_other_weights_beside_an_onnx_file_are_another_model(tmp_path: Path, beside: str) -> None:
    import onnx

    file = write_onnx(tmp_path / "x.onnx", SCALED, constants={"each": np.ones(PIXELS, np.float32)})
    onnx.save_model(onnx.load(file), file, save_as_external_data=True, location=beside, size_threshold=0)
    graph, before = file.read_bytes(), foreign_fingerprint(file, UNLIKE, SIZE)
    (tmp_path / "other.data").write_bytes(b"of something else")
    assert foreign_fingerprint(file, UNLIKE, SIZE) == before
    weights = np.fromfile(tmp_path / beside, np.float32)
    assert weights.tolist() == [1] * PIXELS
    (2 * weights).tofile(tmp_path / beside)
    assert file.read_bytes() == graph
    assert foreign_fingerprint(file, UNLIKE, SIZE) != before


def test_it_is_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCALEREID_CACHE", str(tmp_path / "cache"))
    file = write_onnx(tmp_path / "x.onnx")
    first = opened(file).metadata
    monkeypatch.setattr("scalereid.inference.foreign.drawn_people", lambda _: pytest.fail("it was tried again"))
    assert opened(file).metadata == first


DIFFERS = [  # the mean of a batch is added to each embedding
    ("Flatten", ["images"], ["flat"]),
    ("ReduceMean", ["flat", "first"], ["mean"]),
    ("Mul", ["mean", "ten"], ["much"]),
    ("Add", ["flat", "much"], ["embeddings"]),
]
DIFFERS_BY = {"first": np.array([0]), "ten": np.array(10, np.float32)}
BLIND = [("Mul", ["images", "zero"], ["no"]), ("Flatten", ["no"], ["flat"]), ("Add", ["flat", "one"], ["embeddings"])]


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            {"takes": ("n", 1, *SIZE)},
            r"takes float32 \(n, 1, 16, 32\); expected one input, float32 \(n, 3, height, width\)",
        ),
        ({"takes": ("n", PIXELS)}, r"takes float32 \(n, 1536\); expected one input"),
        ({"dtype": "DOUBLE"}, r"takes float64 \(n, 3, 16, 32\); expected one input, float32"),
        (
            {"takes": ("n", 3, "h", "w")},
            r"takes images of any size, float32 \(n, 3, n, n\), .* onnxruntime\.tools\.make_dynamic_shape_fixed",
        ),
        ({"takes": ("n", 3, 8, 64)}, "image_size is 8×64; height and width must be from 16 to 4096"),
        (
            {"nodes": [("Relu", ["images"], ["embeddings"])], "gives": [("n", 3, *SIZE)]},
            r"gives float32 \(n, 3, 16, 32\); expected one output, .* it may not be a re-identification network",
        ),
        (
            {
                "nodes": [("Flatten", ["images"], ["embeddings"]), ("Relu", ["images"], ["other1"])],
                "gives": [("n", PIXELS), ("n", 3, *SIZE)],
            },
            r"gives float32 \(n, 1536\) and float32 \(n, 3, 16, 32\); expected one output.*onnx\.utils\.extract_model",
        ),
        (
            {
                "nodes": [("Flatten", ["images"], ["x"]), ("ReduceMean", ["x", "axis"], ["embeddings"])],
                "constants": {"axis": np.array([1])},
                "gives": [("n", 1)],
            },
            "gives one number for a picture; expected an embedding of several",
        ),
        (
            {"nodes": BLIND, "constants": {"zero": np.float32(0), "one": np.float32(1)}},
            r"gives the same embedding for pictures of two people: .* do not go in as BGR, divided by 50, mean 1, 2, 3, std",
        ),
        (
            {"nodes": [("Flatten", ["images"], ["x"]), ("Sqrt", ["x"], ["embeddings"])]},
            "gives embeddings that are not finite, for pixels as BGR, divided by 50",
        ),
        (
            {"nodes": DIFFERS, "constants": DIFFERS_BY},
            r"gives other embeddings for pictures in a batch, in float32, .* Export it for one image at a time",
        ),
        (
            {
                "nodes": [
                    ("Compress", ["images", "chosen"], ["rows"], {"axis": 2}),
                    ("Compress", ["rows", "chosen"], ["embeddings"], {"axis": 3}),
                ],
                "constants": {"chosen": np.array([True, True, False])},
                "gives": [("n", 3, "h", "w")],
            },
            r"cannot be computed for 1 picture at once: it gives \(1, 3, 2, 2\) for 1 picture; expected \(1, d\)",
        ),
        (
            {"nodes": HIDDEN, "constants": {"zero": np.float32(0), "expected": np.array([1, PIXELS])}},
            r"cannot be computed for 5 pictures at once: .*. Export it for one image at a time",
        ),
        (
            {"nodes": TWICE},
            r"cannot be computed for 1 picture at once: it gives \(2, 1536\) for 1 picture; expected \(1, d\)",
        ),
    ],
)
def test_what_cannot_be_used_is_said(network: dict[str, Any], message: str, tmp_path: Path) -> None:
    file = write_onnx(tmp_path / "x.onnx", **network)
    with pytest.raises(ValueError, match=rf"(x\.onnx {message}|^{message})"):
        opened(file)


def test_two_inputs(tmp_path: Path) -> None:
    import onnx

    model = onnx.load(write_onnx(tmp_path / "x.onnx"))
    model.graph.input.append(onnx.helper.make_tensor_value_info("other", onnx.TensorProto.FLOAT, [1]))
    onnx.save(model, tmp_path / "x.onnx")
    with pytest.raises(ValueError, match=r"takes float32 \(n, 3, 16, 32\) and float32 \(1\); expected one input"):
        opened(tmp_path / "x.onnx")


def test_how_pixels_go_in_must_be_said(tmp_path: Path) -> None:
    file = write_onnx(tmp_path / "x.onnx")
    with pytest.raises(
        ValueError,
        match=r"x\.onnx was not written by scalereid, .*; give pixels: a preset's name \(torchreid, fast-reid, open-model-",
    ):
        Embedder(file)
    with pytest.raises(
        ValueError, match=r"x\.safetensors is not a \.onnx or \.xml file, and says itself how its pixels go in; leave"
    ):
        opened(tmp_path / "x.safetensors")
    with pytest.raises(ValueError, match=r"pixels is 'caffe'; expected a PixelFormat"):
        Embedder(file, pixels="caffe")
    with ZipFile(tmp_path / "x.pt2", "w") as archive:
        archive.writestr("x/models/x.pt", b"")
    with pytest.raises(
        ValueError, match=r"x\.pt2 has no metadata of scalereid, which exported files have; export the model"
    ):
        opened(tmp_path / "x.pt2")


def test_options_that_do_not_fit(tmp_path: Path) -> None:
    file = write_onnx(tmp_path / "x.onnx")
    for options, message in (
        ({"runtime": "openvino"}, r"x\.onnx is for onnxruntime, not for openvino"),
        ({"device": "cuda"}, r"x\.onnx is computed on the CPU, not on 'cuda'"),
        ({"precision": "int8"}, "leave precision out"),
        ({"precision": "bfloat16"}, "onnxruntime does not compute in bfloat16 on cpu"),
    ):
        with pytest.raises(ValueError, match=message):
            opened(file, **options)
    with pytest.raises(ValueError, match=r"x\.onnx takes images of 16×32, not of 256×128"):
        open_model(file, RuntimeOptions(pixels="torchreid"), image_size=(256, 128))


@pytest.mark.slow  # it writes a graph
def test_a_network_that_takes_what_torchreids_do(run: Path, paths: list[Path], tmp_path: Path) -> None:
    """The run's, in a file that says nothing of itself, gives the run's embeddings."""
    import onnx

    loaded = load_checkpoint(run)
    write_graph(loaded.model, replace(describe_model(loaded, run), input=NORMALISED), tmp_path / "x.onnx")
    model = onnx.load(tmp_path / "x.onnx")
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "x.onnx")
    found = opened(tmp_path / "x.onnx", "torchreid").runtime(pixels_of(paths))
    np.testing.assert_allclose(found, expected(run, paths), rtol=1e-3, atol=1e-4)


@pytest.mark.data
def test_a_network_of_the_open_model_zoo(data_root: Path) -> None:
    """Of two people of Market-1501, each in four pictures, every picture is nearest to one of the same person."""
    images = [
        file
        for person in ("0002", "0011")
        for file in sorted(data_root.glob(f"Market-1501-v15.09.15/bounding_box_train/{person}_*.jpg"))[::4][:4]
    ]
    file = data_root / "models" / "person-reidentification-retail-0277-FP16.xml"
    with Embedder(file, pixels="open-model-zoo") as embedder:
        assert (embedder.embedding_size, embedder.metadata.image_size) == (256, (256, 128))
        assert embedder.runtime.precision == "float32"
        embeddings = embedder(images)
        alone = np.concatenate([embedder(image) for image in images])
    np.testing.assert_allclose(alone, embeddings, atol=1e-4)
    similarities = embeddings @ embeddings.T - 2 * np.eye(8)
    assert (similarities.argmax(axis=1) // 4).tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    with Embedder(file, pixels="fast-reid") as embedder:  # RGB
        other = (embedder(images) * embeddings).sum(axis=1)
        assert embedder.metadata.fingerprint != "4bb8098d2152"
    assert other.max() < 0.99
