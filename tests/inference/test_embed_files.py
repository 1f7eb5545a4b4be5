import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from scalereid.data.records import ReidDataset
from scalereid.files import stamp
from scalereid.inference.embed_files import check_out, embed_files
from scalereid.inference.embedder import Embedder, OnError
from scalereid.inference.embedding_table import read_table, write_table
from scalereid.inference.items import Item
from scalereid.progress import Progress


@pytest.fixture(scope="module")
def embedder(run: Path) -> Embedder:
    return Embedder(run, runtime="torch")


@pytest.fixture
def items(people: ReidDataset) -> list[Item]:
    return [Item(str(r.path), r.pid, r.camid) for r in people.gallery]


class Counting(Progress):
    """Counts images, and is interrupted at one of them."""

    def __init__(self, stop_at: float = float("inf")) -> None:
        super().__init__(Console(quiet=True))
        self.done, self.stop_at = 0, stop_at
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    @contextmanager
    def stage(self, what: str, images: int) -> Iterator[Any]:
        def advance(images: int, detail: str = "") -> None:  # noqa: ARG001
            self.done += images
            if self.done >= self.stop_at:
                raise KeyboardInterrupt

        assert (what, images) == ("embedding", 32)
        yield advance


@pytest.mark.parametrize("suffix", [".parquet", ".npz"])
def test_a_table_of_embeddings(embedder: Embedder, items: list[Item], tmp_path: Path, suffix: str) -> None:
    from pyarrow import parquet

    out = tmp_path / f"all{suffix}"
    progress = Counting()
    assert embed_files(embedder, items, out, shard=10, progress=progress) == []
    assert progress.done == 32
    assert list(tmp_path.iterdir()) == [out]  # no shards are left
    if suffix == ".npz":
        with np.load(out) as table:
            columns = {name: table[name].tolist() for name in ("path", "pid", "camid")}
            embeddings, metadata = table["embedding"], json.loads(str(table["metadata"]))
    else:
        table = parquet.read_table(out)
        columns = {name: table[name].to_pylist() for name in ("path", "pid", "camid")}
        embeddings = np.array(table["embedding"].to_pylist(), np.float32)
        metadata = json.loads(table.schema.metadata[b"scalereid"])
    assert columns == {
        "path": [item.path for item in items],
        "pid": [item.pid for item in items],
        "camid": [item.camid for item in items],
    }
    np.testing.assert_allclose(embeddings, embedder([item.path for item in items]), atol=1e-5)
    assert metadata["fingerprint"] == embedder.metadata.fingerprint
    assert (metadata["precision"], metadata["normalized"], metadata["flip"]) == ("float32", True, False)


def copied(items: list[Item], folder: Path) -> list[Item]:
    """The same images, uncompressed, so that all files have one size."""
    copies = []
    for number, item in enumerate(items):
        copies.append(Item(str(folder / f"{number}.bmp"), item.pid, item.camid))
        with Image.open(item.path) as image:
            image.save(copies[-1].path)
    return copies


def rows_of(out: Path) -> dict[str, list[float]]:
    table = read_table(out)
    return {item.path: row.tolist() for item, row in zip(table.items, table.embeddings, strict=True)}


def stop(embedder: Embedder, items: list[Item], out: Path, **options: Any) -> Path:
    """Interrupt a job in its third shard; the folder of those that are finished."""
    with pytest.raises(KeyboardInterrupt):
        embed_files(embedder, items, out, shard=10, progress=Counting(stop_at=25), **options)
    assert not out.exists()
    folder = out.with_name(out.name + ".shards")
    assert {path.name for path in folder.iterdir()} == {"job.json", "000000.npz", "000001.npz"}
    return folder


def test_a_job_that_was_stopped_continues(embedder: Embedder, items: list[Item], tmp_path: Path) -> None:
    out = tmp_path / "all.npz"
    shards = stop(embedder, items, out)
    before = [stamp(shards / name) for name in ("000000.npz", "000001.npz")]
    with pytest.raises(
        ValueError,
        match=r"holds shards of a job with other settings: images \(.* then, .* now\); use the same settings",
    ):
        embed_files(embedder, items[:-1], out, shard=10)
    again = stop(embedder, items, out)
    assert [stamp(again / name) for name in ("000000.npz", "000001.npz")] == before
    progress = Counting()
    embed_files(embedder, items, out, shard=10, progress=progress)
    assert (progress.done, progress.said) == (32, [])
    expected = embedder([item.path for item in items])
    np.testing.assert_allclose([*rows_of(out).values()], expected, atol=1e-5)
    assert not shards.exists()


def _npy() -> bytes:
    file = BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


def replace(path: Path, content: bytes) -> None:
    """By another file of the same size and date, as `mv` and `cp -p` do."""
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    assert len(content) == path.stat().st_size
    (path.parent / "new").write_bytes(content)
    os.utime(path.parent / "new", ns=times)
    (path.parent / "new").replace(path)


@pytest.mark.parametrize("on_error", ["raise", "report"])
def test_images_that_changed_since_are_embedded_again(
    embedder: Embedder, items: list[Item], tmp_path: Path, on_error: OnError
) -> None:
    copies, out = copied(items, tmp_path), tmp_path / "all.npz"
    stop(embedder, copies, out, on_error=on_error)
    replace(Path(copies[3].path), Path(copies[30].path).read_bytes())
    Path(copies[12].path).write_bytes(Path(items[31].path).read_bytes())
    progress = Counting()
    embed_files(embedder, copies, out, shard=10, on_error=on_error, progress=progress)
    assert progress.said == ["2 images had changed since the job was stopped and have been embedded again"]
    assert progress.done == 32
    rows = rows_of(out)
    np.testing.assert_allclose(rows[copies[3].path], rows[copies[30].path], atol=1e-5)
    np.testing.assert_allclose([*rows.values()], embedder([item.path for item in copies]), atol=1e-5)


def test_images_that_are_gone_or_mended_since(embedder: Embedder, items: list[Item], tmp_path: Path) -> None:
    copies, out = copied(items, tmp_path), tmp_path / "all.npz"
    for number in (5, 6):
        Path(copies[number].path).write_text("no image")
    stop(embedder, copies, out, on_error="report")
    Path(copies[0].path).unlink()
    with pytest.raises(ValueError, match=r"0\.bmp cannot be read as an image: No such file or directory$"):
        embed_files(embedder, copies, out, shard=10)
    Path(copies[5].path).write_bytes(Path(copies[7].path).read_bytes())
    progress = Counting()
    left_out = embed_files(embedder, copies, out, shard=10, on_error="report", progress=progress)
    assert [why.partition(" cannot")[0] for why in left_out] == [copies[0].path, copies[6].path]
    assert progress.said == ["2 images had changed since the job was stopped and have been embedded again"]
    rows = rows_of(out)
    assert [*rows] == [item.path for number, item in enumerate(copies) if number not in (0, 6)]
    np.testing.assert_allclose(rows[copies[5].path], rows[copies[7].path], atol=1e-5)


def test_an_image_that_was_left_out_is_an_error_where_none_may_be(
    embedder: Embedder, items: list[Item], tmp_path: Path
) -> None:
    copies, out = copied(items, tmp_path), tmp_path / "all.npz"
    Path(copies[5].path).write_text("no image")
    stop(embedder, copies, out, on_error="report")
    with pytest.raises(ValueError, match=r"5\.bmp cannot be read"):
        embed_files(embedder, copies, out, shard=10)


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"not an archive"),
        lambda file: file.write_bytes(file.read_bytes()[:-200]),
        lambda file: file.write_bytes(file.read_bytes().replace(b"\x93NUMPY", b"\x93NUMPX")),
        lambda file: np.savez(file, a=np.zeros(3)),
        lambda file: np.savez(file, **{**np.load(file), "embedding": np.zeros((10, 7), np.float32)}),
        lambda file: np.savez(file, **{**np.load(file), "embedding": np.full((10, 32), np.nan, np.float32)}),
        lambda file: np.savez(file, **{**np.load(file), "stamp": np.zeros(3)}),
        lambda file: np.savez(file, **{**np.load(file), "path": np.array([print], dtype=object)}),
        lambda file: file.write_bytes((file.parent / "000001.npz").read_bytes()),
        lambda file: file.write_bytes(_npy()),
    ],
    ids=["empty", "text", "cut", "headers", "other", "width", "nan", "stamps", "pickle", "of another part", "npy"],
)
def test_a_damaged_shard_is_embedded_again(
    embedder: Embedder, items: list[Item], tmp_path: Path, damage: Callable[[Path], Any]
) -> None:
    out = tmp_path / "all.npz"
    file = stop(embedder, items, out) / "000000.npz"
    damage(file)
    progress = Counting()
    embed_files(embedder, items, out, shard=10, progress=progress)
    assert progress.said == [f"{file} is damaged; its 10 images will be embedded again"]
    np.testing.assert_allclose(read_table(out).embeddings, embedder([item.path for item in items]), atol=1e-5)


@pytest.mark.parametrize("name", ["all.npz", "all.parquet"])
def test_a_job_that_was_killed_before_it_removed_the_shards_is_finished(
    embedder: Embedder, items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "bad.jpg").write_text("no image")
    some, out = [*items[:15], Item(str(tmp_path / "bad.jpg")), *items[15:31]], tmp_path / name
    shards = tmp_path / f"{name}.shards"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("scalereid.inference.embed_files.remove_folder", interrupt)
        embed_files(embedder, some, out, shard=10, on_error="report")
    written = out.read_bytes()
    for changed in (some[:-1], [*some[:-1], items[31]]):
        with pytest.raises(
            FileExistsError, match=f"{name} exists, and is not the table of the shards in {shards}; move"
        ):
            embed_files(embedder, changed, out, shard=10, on_error="report")
    monkeypatch.setattr(Embedder, "collect", interrupt)  # nothing is embedded again
    progress = Counting()
    (left_out,) = embed_files(embedder, some, out, shard=10, on_error="report", progress=progress)
    assert "bad.jpg cannot be read" in left_out
    assert progress.said == [f"{out} was complete already"]
    assert out.read_bytes() == written
    assert {path.name for path in tmp_path.iterdir()} == {name, "bad.jpg"}


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "foreign", ["of other images", "of other embeddings", "damaged", "of more shards", "of other metadata"]
)
def test_a_table_that_is_not_that_of_the_shards_is_kept(
    embedder: Embedder, items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, foreign: str
) -> None:
    out, other = tmp_path / "all.npz", tmp_path / "other.npz"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("scalereid.inference.embed_files.remove_folder", interrupt)
        embed_files(embedder, items, out, shard=10)
    shards = tmp_path / "all.npz.shards"
    if foreign == "of other images":
        embed_files(embedder, items[:-1], other)
        other.replace(out)
    elif foreign == "damaged":
        out.write_bytes(out.read_bytes()[:-300])
    elif foreign == "of more shards":
        (shards / "000003.npz").unlink()
    else:
        size = embedder.embedding_size
        with np.load(shards / "000003.npz") as arrays:
            last = dict(arrays)
        metadata = asdict(embedder.metadata) | {"flip": False}
        if foreign == "of other metadata":
            metadata["fingerprint"] = "another"
        else:
            last["embedding"] = -last["embedding"]
        np.savez(tmp_path / "last.npz", **last)
        write_table(out, [*sorted(shards.glob("*.npz"))[:3], tmp_path / "last.npz"], json.dumps(metadata), size)
    before = sorted(stamp(path) for path in tmp_path.rglob("*"))
    with pytest.raises(FileExistsError, match=f"{out} exists, and is not the table of the shards in {shards}; move it"):
        embed_files(embedder, items, out, shard=10)
    assert sorted(stamp(path) for path in tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda _: "", r"job\.json is damaged: .*; remove .*\.shards to start anew"),
        (lambda _: "[1]", r"job\.json is damaged: expected an object, found list; remove .*\.shards to start anew"),
        (
            lambda job: json.dumps({key: job[key] for key in job if key != "format"}),
            r"job\.json has format 1, which another version of scalereid writes; this one continues jobs of format 2\. "
            r"Continue with that version, or remove .*\.shards to start anew",
        ),
        (lambda job: json.dumps(job | {"format": {}}), r"job\.json has format {}, which another version"),
        (lambda _: '{"format": 2}', r"job\.json is damaged: it has no flip, images, model, .*, shard; remove"),
        (lambda job: json.dumps(job | {"shard": "x"}), r"with other settings: shard \(x then, 10 now\); use the same"),
    ],
    ids=["empty", "list", "earlier format", "other format", "keys", "type"],
)
def test_a_job_that_cannot_be_continued_is_named(
    embedder: Embedder, items: list[Item], tmp_path: Path, change: Callable[[Any], str], sentence: str
) -> None:
    out = tmp_path / "all.npz"
    shards = stop(embedder, items, out)
    (shards / "job.json").write_text(change(json.loads((shards / "job.json").read_text())))
    with pytest.raises(ValueError, match=sentence):
        embed_files(embedder, items, out, shard=10)
    assert len([*shards.iterdir()]) == 3  # nothing is lost


def test_a_folder_of_that_name_that_is_not_of_a_job_is_kept(
    embedder: Embedder, items: list[Item], tmp_path: Path
) -> None:
    shards = tmp_path / "x.npz.shards"
    shards.mkdir()
    (shards / "diary.txt").touch()
    with pytest.raises(FileExistsError, match=f"{shards} exists; choose another name, or move it away"):
        embed_files(embedder, items, tmp_path / "x.npz")
    (shards / "diary.txt").unlink()
    embed_files(embedder, items[:2], tmp_path / "x.npz")  # an empty one will do
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]


def test_what_can_be_written_is_known_beforehand(tmp_path: Path) -> None:
    for name in ("a.npz", "a.parquet"):
        check_out(tmp_path / name)
        (tmp_path / name).touch()
        with pytest.raises(FileExistsError, match=rf"{name} exists"):
            check_out(tmp_path / name)
        (tmp_path / f"{name}.shards").mkdir()
        (tmp_path / f"{name}.shards" / "job.json").touch()
        check_out(tmp_path / name)  # it may be that of the shards
    with pytest.raises(ValueError, match=r"a\.csv: embeddings are written to a \.parquet or \.npz file"):
        check_out(tmp_path / "a.csv")


@pytest.mark.slow
def test_a_process_that_is_killed_again_and_again(run: Path, items: list[Item], tmp_path: Path) -> None:
    out, shards = tmp_path / "all.npz", tmp_path / "all.npz.shards"
    code = (
        "import sys; from pathlib import Path; from scalereid.inference.embed_files import embed_files\n"
        "from scalereid.inference.embedder import Embedder; from scalereid.inference.items import Item\n"
        "model, out, *paths = sys.argv[1:]\n"
        "embed_files(Embedder(model, runtime='torch'), [Item(path) for path in paths], Path(out), shard=4)"
    )
    words = [sys.executable, "-c", code, str(run), str(out), *(item.path for item in items)]
    for moment in (shards, shards / "000001.npz", shards / "000004.npz", shards / "000007.npz", out):
        with subprocess.Popen(words) as process:
            while not moment.exists() and process.poll() is None:
                time.sleep(0.0002)
            process.kill()
    assert subprocess.run(words, check=False, capture_output=True).returncode in (
        0,
        1,
    )  # 1: complete before it was killed
    assert [path.name for path in tmp_path.iterdir()] == ["all.npz"]
    with Embedder(run, runtime="torch") as embedder:
        np.testing.assert_allclose(read_table(out).embeddings, embedder([item.path for item in items]), atol=1e-5)


def test_unreadable_images_stop_the_job_or_are_left_out(embedder: Embedder, items: list[Item], tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_text("no image")
    some = [*items[:3], Item(str(bad), 7, 7), *items[3:5]]
    with pytest.raises(ValueError, match=r"bad\.jpg cannot be read"):
        embed_files(embedder, some, tmp_path / "x.npz")
    [why] = embed_files(embedder, some, tmp_path / "x.npz", on_error="report")
    assert "bad.jpg cannot be read" in why
    with np.load(tmp_path / "x.npz") as table:
        assert table["path"].tolist() == [item.path for item in items[:5]]
        assert np.isfinite(table["embedding"]).all()
    assert embed_files(embedder, some[3:4] * 2, tmp_path / "none.npz", on_error="report") == [why] * 2
    with np.load(tmp_path / "none.npz") as table:
        assert table["embedding"].shape == (0, 32)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"on_error": "skip"}, "No such on_error: 'skip'. Choose from raise, report"),
        ({"shard": 0}, "shard is 0; expected a whole number of at least 1"),
        ({"items": []}, "there are no items to embed"),
    ],
)
def test_wrong_arguments_are_named(
    embedder: Embedder, items: list[Item], tmp_path: Path, given: dict[str, Any], message: str
) -> None:
    arguments: dict[str, Any] = {"items": items, "out": tmp_path / "t.npz"} | given
    with pytest.raises(ValueError, match=message):
        embed_files(embedder, **arguments)
    assert not any(tmp_path.iterdir())


def test_what_cannot_be_written_is_said(embedder: Embedder, items: list[Item], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"are written to a \.parquet or \.npz file"):
        embed_files(embedder, items, tmp_path / "x.csv")
    with pytest.raises(ValueError, match="is not UTF-8, as Parquet requires; rename it"):
        embed_files(embedder, [Item("\udcff.jpg")], tmp_path / "x.parquet")
    (tmp_path / "x.npz").touch()
    with pytest.raises(FileExistsError, match="choose another name, or move it away"):
        embed_files(embedder, items, tmp_path / "x.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]
