import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from scalereid.data.augmentation import normalise
from scalereid.data.images import read_image
from scalereid.data.records import ReidDataset
from scalereid.inference import choice as module
from scalereid.inference.agreement import Agreement
from scalereid.inference.embedder import Embedder, UnreadableImagesWarning
from scalereid.models.building import build_model
from scalereid.runs.checkpoint import load_model, save_model
from scalereid.runs.recipe import DataSettings, ModelSettings, Recipe
from tests.runs.test_wiring import OWN_BACKBONE

RUNTIMES: list[Any] = ["torch", "onnxruntime", "openvino"]


def expected(run: Path, paths: list[Path], *, flip: bool = False) -> Any:
    model = load_model(run)
    images = normalise(torch.from_numpy(np.stack([read_image(path, (64, 32)) for path in paths])))
    with torch.inference_mode():
        rows = model(images) + (model(images.flip(3)) if flip else 0)
    return rows.numpy()


def unit(rows: Any) -> Any:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def paths(people: ReidDataset) -> list[Path]:
    return [record.path for record in people.gallery]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_runtime_gives_the_models_embeddings(run: Path, paths: list[Path], runtime: Any) -> None:
    embedder = Embedder(run, runtime=runtime)
    assert embedder.runtime.name == runtime
    found = embedder(paths)
    assert found.dtype == np.float32
    assert found.shape == (32, 32) == (len(paths), embedder.embedding_size)
    np.testing.assert_allclose(found, unit(expected(run, paths)), atol=1e-5)
    for n in (1, 7, 9):  # whatever the batch
        np.testing.assert_allclose(embedder(paths[:n]), found[:n], atol=1e-5)
    raw = Embedder(run, runtime=runtime, normalize=False, batch_size=5)(paths)
    np.testing.assert_allclose(raw, expected(run, paths), rtol=1e-3, atol=1e-4)
    mirrored = Embedder(run, runtime=runtime, flip=True)(paths)
    np.testing.assert_allclose(mirrored, unit(expected(run, paths, flip=True)), atol=1e-5)


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_half_precision_is_near(run: Path, paths: list[Path], runtime: Any) -> None:
    found = Embedder(run, runtime=runtime, precision="bfloat16")(paths)
    assert (found * unit(expected(run, paths))).sum(axis=1).min() > 0.98


def test_auto_takes_one_that_agrees(run: Path, paths: list[Path]) -> None:
    embedder = Embedder(run)
    embedder.warm_up()
    assert embedder.runtime.name in RUNTIMES
    np.testing.assert_allclose(embedder(paths), unit(expected(run, paths)), atol=1e-5)


def test_a_runtime_that_disagrees_is_not_used(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "compare", lambda *_: Agreement(0.5, 0.9))
    with pytest.raises(
        ValueError, match=r"onnxruntime in float32 does not give this model's embeddings: a cosine of 0\.9"
    ):
        Embedder(run, runtime="onnxruntime")
    monkeypatch.setattr(module, "measure", lambda runtimes, *_: [r.name == "torch" for r in runtimes])  # the slowest
    with pytest.warns(UserWarning, match="does not give this model's embeddings"):
        assert Embedder(run).runtime.name == "torch"


def test_nothing_one_many_and_a_stream(run: Path, paths: list[Path]) -> None:
    embedder = Embedder(run, runtime="torch")
    everything = embedder(paths)
    assert embedder([]).shape == (0, 32)
    assert embedder(paths[0]).shape == (1, 32)
    np.testing.assert_allclose(embedder(path for path in paths), everything, atol=1e-6)
    np.testing.assert_allclose(embedder(np.array([str(path) for path in paths])), everything, atol=1e-6)
    with Image.open(paths[1]) as image:
        mixed: list[Any] = [paths[0], image, np.asarray(image.convert("RGB"))]
        np.testing.assert_allclose(embedder(mixed), everything[[0, 1, 1]], atol=1e-5)


def test_a_frame_with_boxes(run: Path, paths: list[Path]) -> None:
    """Four pictures side by side are one frame with four boxes."""
    embedder = Embedder(run, runtime="torch")
    pictures = []
    for path in paths[:4]:
        with Image.open(path) as image:
            pictures.append(np.asarray(image.convert("RGB")))
    height, width = pictures[0].shape[:2]
    frame = np.concatenate(pictures, axis=1)
    boxes = [[i * width, 0, (i + 1) * width, height] for i in range(4)]
    np.testing.assert_allclose(embedder(frame, boxes=boxes), embedder(paths[:4]), atol=1e-6)
    np.testing.assert_allclose(embedder(frame[..., ::-1], boxes=boxes, channels="BGR"), embedder(paths[:4]), atol=1e-6)
    assert embedder(frame, boxes=[]).shape == (0, 32)
    with pytest.warns(UnreadableImagesWarning, match="1 image could not be read: box 1"):
        found = embedder(frame, boxes=[boxes[0], [-9, 0, -2, 5], boxes[1]], on_error="report")
    assert np.isnan(found).all(axis=1).tolist() == [False, True, False]


def test_unreadable_images_are_named_or_listed(run: Path, paths: list[Path], tmp_path: Path) -> None:
    embedder = Embedder(run, runtime="torch", batch_size=3)
    (tmp_path / "bad.jpg").write_text("no image")
    images: list[Any] = [*paths[:4], tmp_path / "bad.jpg", *paths[4:6]]
    with pytest.raises(ValueError, match=r"bad\.jpg cannot be read as an image"):
        embedder(images)
    with pytest.warns(UnreadableImagesWarning, match=r"1 image could not be read: .*bad\.jpg") as caught:
        found = embedder(images, on_error="report")
    warning = caught[0].message
    assert isinstance(warning, UnreadableImagesWarning)
    assert [number for number, _ in warning.images] == [4]
    assert np.isnan(found[4]).all()
    np.testing.assert_allclose(np.delete(found, 4, axis=0), embedder(paths[:6]), atol=1e-5)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_several_threads(run: Path, paths: list[Path], runtime: Any) -> None:
    embedder = Embedder(run, runtime=runtime)
    everything = embedder(paths)
    with ThreadPoolExecutor(4) as pool:
        for i, found in enumerate(pool.map(lambda i: embedder(paths[i : i + 9]), range(20))):
            np.testing.assert_allclose(found, everything[i : i + 9], atol=1e-5)


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_many_batches_in_lanes_of_one_thread_each(
    run: Path, paths: list[Path], runtime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    embedder = Embedder(run, runtime=runtime, batch_size=4, flip=True)
    assert embedder.runtime.lanes == 3
    embedder.warm_up()
    lanes: list[bool] = []
    compute = embedder.runtime

    class Noting:
        name, precision, lanes = compute.name, compute.precision, compute.lanes

        def __call__(self, pixels: Any, *, lane: bool = False) -> Any:
            lanes.append(lane)
            return compute(pixels, lane=lane)

    embedder.runtime = Noting()
    (bad := run.parent / "bad.jpg").write_text("no image")
    few = embedder(paths[:4])
    assert lanes == [False] * 2  # and its mirror images: one batch, computed by all threads
    np.testing.assert_allclose(few, unit(expected(run, paths[:4], flip=True)), atol=1e-5)
    many = embedder(paths)
    assert lanes[2:] == [True] * 16
    np.testing.assert_allclose(many, unit(expected(run, paths, flip=True)), atol=1e-5)
    with pytest.warns(UnreadableImagesWarning, match=r"1 image could not be read"):
        found = embedder([*paths[:9], bad, *paths[9:]], on_error="report")
    assert np.isnan(found[9]).all()
    np.testing.assert_allclose(np.delete(found, 9, axis=0), many, atol=1e-5)
    with pytest.raises(ValueError, match=r"bad\.jpg cannot be read"):
        embedder([*paths[:9], bad, *paths[9:]])


def test_a_partial_batch_is_warm_too(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    embedder = Embedder(run, runtime="openvino", batch_size=4)
    embedder.warm_up()
    runtime: Any = embedder.runtime
    made = set(runtime.graphs)
    embedder(np.zeros((4 + 4 + 3, 64, 32, 3), np.uint8))
    embedder(np.zeros((2, 64, 32, 3), np.uint8))
    assert set(runtime.graphs) == made


def test_a_network_that_cannot_be_a_graph_is_computed_by_torch(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("data-dependent\nand more")

    monkeypatch.setattr(module, "_graph", refuse)
    with pytest.warns(UserWarning, match="(onnxruntime|openvino) is not used: data-dependent$"):
        embedder = Embedder(run)
    assert embedder.runtime.name == "torch"
    with pytest.raises(RuntimeError, match="data-dependent"):
        Embedder(run, runtime="openvino")


def test_two_at_once_may_write_the_graph(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCALEREID_CACHE", str(tmp_path))
    with ThreadPoolExecutor(2) as pool:
        made = [*pool.map(lambda _: Embedder(run, runtime="onnxruntime"), range(2))]
    pixels = np.zeros((1, 64, 32, 3), np.uint8)
    np.testing.assert_array_equal(made[0](pixels), made[1](pixels))
    assert len([*(tmp_path / "graphs").iterdir()]) == 1


def test_a_network_of_ones_own_that_was_edited_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same weights, so its graph in the cache is of no use."""
    monkeypatch.chdir(tmp_path)
    pixels = np.full((1, 64, 32, 3), 200, np.uint8)
    settings = ModelSettings(backbone="net.py:MyNet", embedding_size=8)
    recipe = Recipe(data=DataSettings(image_size=(64, 32)), model=settings)
    found = []
    for code in (OWN_BACKBONE, OWN_BACKBONE.replace("return self.stem(images)", "return self.stem(images) ** 2")):
        Path("net.py").write_text(code)
        model = build_model("net.py:MyNet", embedding_size=8)
        for parameter in model.parameters():
            torch.nn.init.constant_(parameter, 0.1)
        save_model(Path("x.safetensors"), model, recipe, {})
        embedder = Embedder("x.safetensors", runtime="onnxruntime", run_code=True, normalize=False)
        found.append(embedder(pixels))
    assert not np.allclose(found[0], found[1])


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_on_a_gpu(run: Path, paths: list[Path], precision: Any) -> None:
    embedder = Embedder(run, device="cuda", precision=precision, batch_size=8)
    embedder.warm_up()
    assert (embedder.runtime.name, embedder.runtime.lanes) == ("torch", 1)
    exact = unit(expected(run, paths))
    assert (embedder(paths) * exact).sum(axis=1).min() > (0.99999 if precision == "float32" else 0.98)
    with ThreadPoolExecutor(4) as pool:
        for i, found in enumerate(pool.map(lambda i: embedder(paths[i : i + 9]), range(20))):
            assert (found * exact[i : i + 9]).sum(axis=1).min() > (0.99999 if precision == "float32" else 0.98)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"channels": "bgr"}, "'bgr' is none of RGB, BGR"),
        ({"on_error": "ignore"}, "'ignore' is none of raise, report"),
        ({"boxes": [[0, 0, 5, 5]], "images": [np.zeros((9, 9, 3), np.uint8)] * 2}, "boxes are of one frame"),
        ({"boxes": [[0, 0, 5, 5]], "images": np.zeros((9, 9), np.uint8)}, r"shape \[9, 9\] is no image"),
        ({"images": None}, "None is no image; give a file's name, .*imread"),
        ({"images": 3}, "int is no image"),
        ({"boxes": [[50, 0, 60, 5]], "images": np.zeros((9, 9, 3), np.uint8)}, "box 0, .* holds nothing of the frame"),
        ({"images": np.zeros((9, 9), np.uint8)}, r"shape \[9, 9\] is no image"),
    ],
)
def test_what_is_asked_for_wrongly_is_said(run: Path, how: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Embedder(run, runtime="torch")(**{"images": []} | how)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"runtime": "tensorrt"}, "there is no runtime 'tensorrt'; there are auto, torch, onnxruntime, openvino"),
        (
            {"runtime": "onnxruntime", "precision": "bfloat16"},
            "does not compute in bfloat16 on cpu; it does in float32",
        ),
        ({"precision": "float16", "device": "cpu"}, "no runtime here computes in float16 on cpu"),
        ({"precision": "fp16"}, "there is no precision 'fp16'; there are float32, bfloat16, float16, int8"),
        ({"batch_size": -1}, "batch_size is -1; it must be at least 1"),
    ],
)
def test_what_cannot_be_had_is_said(run: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Embedder(run, **change)


def test_a_missing_runtime_is_named_with_the_way_to_get_it(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "installed", lambda name: name == "torch")
    with pytest.raises(ModuleNotFoundError, match=r"openvino is not installed: pip install 'scalereid\[export\]'"):
        Embedder(run, runtime="openvino")
    assert Embedder(run).runtime.name == "torch"


def test_memory_does_not_grow_with_the_number_of_images(run: Path, paths: list[Path]) -> None:
    """Images are taken from a stream a few batches ahead of those embedded, no more."""
    embedder = Embedder(run, runtime="torch", batch_size=2)
    taken = 0
    done: list[int] = []
    runtime = embedder.runtime

    class Counting:
        name, precision, lanes = runtime.name, runtime.precision, 1

        def __call__(self, pixels: Any, *, lane: bool = False) -> Any:  # noqa: ARG002 - one lane
            assert taken - sum(done) <= 2 * (2 + (os.cpu_count() or 1))
            done.append(len(pixels))
            return runtime(pixels)

    embedder.runtime = Counting()

    def stream() -> Any:
        nonlocal taken
        for path in paths * 3:
            taken += 1
            yield path

    assert embedder(stream()).shape == (96, 32)
    assert sum(done) == 96
