import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from scalereid.data.records import ReidDataset
from scalereid.inference.embed_files import embed_files
from scalereid.inference.embedder import Embedder
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


def test_a_job_that_was_stopped_continues(embedder: Embedder, items: list[Item], tmp_path: Path) -> None:
    """With the shards that are whole: their images may be gone by then."""
    copies = []
    for number, item in enumerate(items):
        copies.append(Item(str(tmp_path / f"{number}.png"), item.pid, item.camid))
        Path(copies[-1].path).write_bytes(Path(item.path).read_bytes())
    out = tmp_path / "all.npz"
    with pytest.raises(KeyboardInterrupt):
        embed_files(embedder, copies, out, shard=10, progress=Counting(stop_at=25))
    assert not out.exists()
    shards = tmp_path / "all.npz.shards"
    assert {path.name for path in shards.glob("0*")} == {"000000.npz", "000001.npz"}
    (shards / ".000002.partial-1.npz").write_bytes(b"half a shard")
    with pytest.raises(
        ValueError,
        match=r"holds shards of a job with other settings: images \(.* then, .* now\); use the same settings",
    ):
        embed_files(embedder, copies[:-1], out, shard=10)
    for gone in copies[:20]:
        Path(gone.path).unlink()
    progress = Counting()
    embed_files(embedder, copies, out, shard=10, progress=progress)
    assert progress.done == 32
    with np.load(out) as table:
        np.testing.assert_allclose(table["embedding"], embedder([item.path for item in items]), atol=1e-5)
    assert not shards.exists()


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


def test_what_cannot_be_written_is_said(embedder: Embedder, items: list[Item], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"are written to a \.parquet or \.npz file"):
        embed_files(embedder, items, tmp_path / "x.csv")
    with pytest.raises(ValueError, match="is not UTF-8, as Parquet requires; rename it"):
        embed_files(embedder, [Item("\udcff.jpg")], tmp_path / "x.parquet")
    (tmp_path / "x.npz").touch()
    with pytest.raises(FileExistsError, match="choose another name, or move it away"):
        embed_files(embedder, items, tmp_path / "x.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]
