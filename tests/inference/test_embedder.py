import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from scalereid.data.records import ReidDataset
from scalereid.inference.embedder import Embedder, UnreadableImagesWarning
from scalereid.inference.runtimes import RUNTIMES
from tests.inference.conftest import expected, unit


@pytest.fixture(scope="module")
def embedder(run: Path) -> Embedder:
    return Embedder(run, runtime="torch")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_runtime_gives_the_models_embeddings(run: Path, paths: list[Path], runtime: Any) -> None:
    with Embedder(run, runtime=runtime) as embedder:
        assert embedder.runtime.name == runtime
        found = embedder(paths)
        assert found.dtype == np.float32
        assert found.shape == (32, 32) == (len(paths), embedder.embedding_size)
        np.testing.assert_allclose(found, unit(expected(run, paths)), atol=1e-5)
        for n in (1, 7, 9):  # whatever the batch
            np.testing.assert_allclose(embedder(paths[:n]), found[:n], atol=1e-5)
        with ThreadPoolExecutor(4) as pool:  # and from several threads
            for i, rows in enumerate(pool.map(lambda i: embedder(paths[i : i + 9]), range(20))):
                np.testing.assert_allclose(rows, found[i : i + 9], atol=1e-5)


def test_raw_and_mirrored_embeddings(run: Path, paths: list[Path]) -> None:
    raw = Embedder(run, runtime="torch", normalize=False, batch_size=5)(paths)
    np.testing.assert_allclose(raw, expected(run, paths), rtol=1e-3, atol=1e-4)
    mirrored = Embedder(run, runtime="torch", flip=True)(paths)
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


def test_nothing_one_many_and_a_stream(embedder: Embedder, paths: list[Path]) -> None:
    everything = embedder(paths)
    assert embedder([]).shape == (0, 32)
    assert embedder(paths[0]).shape == (1, 32)
    np.testing.assert_allclose(embedder(path for path in paths), everything, atol=1e-6)
    np.testing.assert_allclose(embedder(np.array([str(path) for path in paths])), everything, atol=1e-6)
    with Image.open(paths[1]) as image:
        mixed: list[Any] = [paths[0], image, np.asarray(image.convert("RGB"))]
        np.testing.assert_allclose(embedder(mixed), everything[[0, 1, 1]], atol=1e-5)


def test_a_folder_a_pattern_and_a_table(
    embedder: Embedder, people: ReidDataset, paths: list[Path], tmp_path: Path
) -> None:
    """Rows follow the sorted paths, or the table."""
    everything = embedder(paths)
    (tmp_path / "b").mkdir()
    for number, name in enumerate(("2.jpg", "b/1.jpg", "0.png")):
        shutil.copy(paths[number], tmp_path / name)  # Pillow reads what is inside, whatever the suffix says
    for source in (tmp_path, str(tmp_path)):
        np.testing.assert_allclose(embedder(source), everything[[2, 0, 1]], atol=1e-6)
    np.testing.assert_allclose(embedder(str(tmp_path / "*.jpg")), everything[[0]], atol=1e-6)
    assert embedder(people.root / "dataset.csv").shape == (72 + 16 + 32, 32)
    with pytest.raises(FileNotFoundError, match=r"No images in .*\*\.gif; name a folder, a pattern in quotes"):
        embedder(str(tmp_path / "*.gif"))
    with pytest.raises(ValueError, match=r"nowhere\.jpg cannot be read as an image"):
        embedder(str(tmp_path / "nowhere.jpg"))


@pytest.fixture
def pictures(paths: list[Path]) -> list[Any]:
    found = []
    for path in paths[:4]:
        with Image.open(path) as image:
            found.append(np.asarray(image.convert("RGB")))
    return found


def test_a_frame_with_boxes(embedder: Embedder, paths: list[Path], pictures: list[Any]) -> None:
    """Four pictures side by side are one frame with four boxes."""
    height, width = pictures[0].shape[:2]
    frame = np.concatenate(pictures, axis=1)
    boxes = [[i * width, 0, (i + 1) * width, height] for i in range(4)]
    np.testing.assert_allclose(embedder(frame, boxes=boxes), embedder(paths[:4]), atol=1e-6)
    np.testing.assert_allclose(embedder(frame[..., ::-1], boxes=boxes, channels="BGR"), embedder(paths[:4]), atol=1e-6)
    assert embedder(frame, boxes=[]).shape == (0, 32)
    with pytest.warns(UnreadableImagesWarning, match="1 image could not be read: box 1"):
        found = embedder(frame, boxes=[boxes[0], [-9, 0, -2, 5], boxes[1]], on_error="report")
    assert np.isnan(found).all(axis=1).tolist() == [False, True, False]


def test_several_frames_with_boxes(embedder: Embedder, paths: list[Path], pictures: list[Any]) -> None:
    height, width = pictures[0].shape[:2]
    frames = [np.concatenate(pair, axis=1) for pair in (pictures[:2], pictures[2:])]
    left, right = [0, 0, width, height], [width, 0, 2 * width, height]
    everything = embedder(paths[:4])
    both: list[Any] = [[[left, right], [left, right]], np.array([[left, right]] * 2)]
    for boxes in both:
        np.testing.assert_allclose(embedder(frames, boxes=boxes), everything, atol=1e-6)
    some: list[Any] = [[right], [], np.array([right, left])]
    np.testing.assert_allclose(
        embedder([frames[0], frames[0], frames[1]], boxes=some), everything[[1, 3, 2]], atol=1e-6
    )
    with pytest.warns(UnreadableImagesWarning, match="1 image could not be read: frame 1, box 0"):
        found = embedder(iter(frames), boxes=[[left], [[-9, 0, -2, 5], right]], on_error="report")
    np.testing.assert_allclose(found[[0, 2]], everything[[0, 3]], atol=1e-6)


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
    with pytest.warns(UnreadableImagesWarning):  # a whole batch of them, and no other
        assert np.isnan(embedder([tmp_path / "bad.jpg"] * 4, on_error="report")).all(axis=1).tolist() == [True] * 4


def test_closed_means_no_threads_and_no_use(run: Path, paths: list[Path]) -> None:
    def own_threads() -> int:
        return len([thread for thread in threading.enumerate() if thread.name.startswith("closing")])

    with Embedder(run, runtime="torch") as embedder:
        embedder(paths)
        for thread in threading.enumerate():
            if thread in embedder._threads._threads:
                thread.name = "closing"
        assert own_threads() > 0
    assert own_threads() == 0
    assert embedder.metadata.embedding_size == 32
    embedder.close()  # again is no error
    for use in (
        lambda: embedder(paths),
        lambda: embedder([]),
        embedder.warm_up,
        lambda: embedder.embed_pixels(np.zeros((1, 64, 32, 3), np.uint8)),
        lambda: embedder.runtime,
    ):
        with pytest.raises(RuntimeError, match="This Embedder is closed; make a new one"):
            use()


def test_a_partial_batch_is_warm_too(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    embedder = Embedder(run, runtime="openvino", batch_size=4)
    embedder.warm_up()
    runtime: Any = embedder.runtime
    made = set(runtime.graphs)
    embedder(np.zeros((4 + 4 + 3, 64, 32, 3), np.uint8))
    embedder(np.zeros((2, 64, 32, 3), np.uint8))
    assert set(runtime.graphs) == made


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_on_a_gpu(run: Path, paths: list[Path], precision: Any) -> None:
    embedder = Embedder(run, device="cuda", precision=precision, batch_size=8)
    embedder.warm_up()
    assert (embedder.runtime.name, embedder.runtime.workers) == ("torch", 1)
    exact = unit(expected(run, paths))
    assert (embedder(paths) * exact).sum(axis=1).min() > (0.99999 if precision == "float32" else 0.98)
    with ThreadPoolExecutor(4) as pool:
        for i, found in enumerate(pool.map(lambda i: embedder(paths[i : i + 9]), range(20))):
            assert (found * exact[i : i + 9]).sum(axis=1).min() > (0.99999 if precision == "float32" else 0.98)


BOX = [0, 0, 5, 5]
FRAME = np.zeros((9, 9, 3), np.uint8)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"channels": "bgr"}, "No such channels: 'bgr'. Choose from RGB, BGR"),
        ({"on_error": "ignore"}, "No such on_error: 'ignore'. Choose from raise, report"),
        ({"boxes": [BOX], "images": [FRAME] * 2}, "the boxes are of one frame, but several frames are given"),
        ({"boxes": [[BOX]], "images": [FRAME] * 2}, "boxes end after 1; give one"),
        ({"boxes": [[BOX]] * 2, "images": [FRAME]}, "frames end after 1; give one"),
        ({"boxes": [BOX], "images": np.zeros((9, 9), np.uint8)}, r"shape \[9, 9\] is not an image"),
        ({"images": None}, "None is not an image; give a file name, .*imread"),
        ({"images": 3}, "int is not an image"),
        ({"boxes": [[50, 0, 60, 5]], "images": FRAME}, "box 0, .* has no pixels within the frame"),
        ({"images": np.zeros((9, 9), np.uint8)}, r"shape \[9, 9\] is not an image"),
    ],
)
def test_wrong_arguments_are_named(embedder: Embedder, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        embedder(**{"images": []} | given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"channels": "bgr"}, "No such channels: 'bgr'. Choose from RGB, BGR"),
        ({"on_error": "skip"}, "No such on_error: 'skip'. Choose from raise, report"),
    ],
)
def test_wrong_arguments_of_collect_are_named(embedder: Embedder, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        embedder.collect([FRAME], **given)


def test_a_forked_child_is_told_at_once(run: Path, paths: list[Path]) -> None:
    embedder = Embedder(run, runtime="torch")
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            embedder(paths[:1])
        except RuntimeError as error:
            os.write(writing, str(error).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert b"made before the process was forked" in os.read(reading, 1_000)
    assert embedder(paths[:1]).shape == (1, embedder.embedding_size)
