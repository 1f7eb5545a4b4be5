import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scalereid import cli
from scalereid.data.records import ReidDataset
from scalereid.inference.embed_files import Item, embed_files, find_items
from scalereid.inference.embedder import Embedder


@pytest.fixture(scope="module")
def embedder(run: Path) -> Embedder:
    return Embedder(run, runtime="torch")


@pytest.fixture
def items(people: ReidDataset) -> list[Item]:
    return [Item(str(r.path), r.pid, r.camid) for r in people.gallery]


@pytest.mark.parametrize("suffix", [".parquet", ".npz"])
def test_a_table_of_embeddings(embedder: Embedder, items: list[Item], tmp_path: Path, suffix: str) -> None:
    from pyarrow import parquet

    out = tmp_path / f"all{suffix}"
    done: list[int] = []
    assert embed_files(embedder, items, out, shard=10, advance=done.append) == []
    assert sum(done) == 32
    assert list(tmp_path.iterdir()) == [out]  # no shards are left
    if suffix == ".npz":
        with np.load(out) as table:
            columns = {name: table[name].tolist() for name in ("path", "pid", "camid")}
            embeddings, about = table["embedding"], json.loads(str(table["about"]))
    else:
        table = parquet.read_table(out)
        columns = {name: table[name].to_pylist() for name in ("path", "pid", "camid")}
        embeddings = np.array(table["embedding"].to_pylist(), np.float32)
        about = json.loads(table.schema.metadata[b"scalereid"])
    assert columns == {
        "path": [item.path for item in items],
        "pid": [item.pid for item in items],
        "camid": [item.camid for item in items],
    }
    np.testing.assert_allclose(embeddings, embedder([item.path for item in items]), atol=1e-5)
    assert about["fingerprint"] == embedder.about.fingerprint
    assert (about["precision"], about["normalized"]) == ("float32", True)


def test_a_killed_job_goes_on(
    embedder: Embedder, items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "all.npz"
    embedded: list[int] = []
    embed_pixels = embedder.embed_pixels

    def stop_in_the_third_shard(pixels: Any, **how: Any) -> Any:
        if sum(embedded) >= 20:
            raise KeyboardInterrupt
        embedded.append(len(pixels))
        return embed_pixels(pixels, **how)

    monkeypatch.setattr(embedder, "embed_pixels", stop_in_the_third_shard)
    with pytest.raises(KeyboardInterrupt):
        embed_files(embedder, items, out, shard=10)
    assert not out.exists()
    (tmp_path / "all.npz.shards" / "000002.partial").write_bytes(b"half a shard")
    with pytest.raises(
        ValueError,
        match=r"holds shards of a job with other settings: images \(.* then, .* now\); give the same command",
    ):
        embed_files(embedder, items[:-1], out, shard=10)
    embedded.clear()

    def count(pixels: Any, **how: Any) -> Any:
        embedded.append(len(pixels))
        return embed_pixels(pixels, **how)

    monkeypatch.setattr(embedder, "embed_pixels", count)
    embed_files(embedder, items, out, shard=10)
    assert sum(embedded) == 12  # the first two shards were done
    with np.load(out) as table:
        np.testing.assert_allclose(table["embedding"], embedder([item.path for item in items]), atol=1e-5)


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


def test_what_images_are_named(people: ReidDataset, tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in ("a/2.jpg", "a/b/1.PNG", "a/notes.txt"):
        (tmp_path / name).touch()
    assert find_items(str(tmp_path)) == [Item(str(tmp_path / "a" / "2.jpg")), Item(str(tmp_path / "a" / "b" / "1.PNG"))]
    assert find_items(str(tmp_path / "**" / "*.jpg")) == [Item(str(tmp_path / "a" / "2.jpg"))]
    assert len(find_items(str(people.root / "dataset.csv"))) == 72 + 16 + 32
    assert find_items(str(people.root / "dataset.csv"))[0].pid == people.train[0].pid
    table = tmp_path / "some.csv"
    table.write_text("path,pid,camid\na/2.jpg,,\na/b/1.PNG,-1,3\na/2.jpg,7,\n")
    assert find_items(str(table)) == [
        Item(str(tmp_path / "a/2.jpg"), -1, -1),
        Item(str(tmp_path / "a/b/1.PNG"), -1, 3),
        Item(str(tmp_path / "a/2.jpg"), 7, -1),
    ]
    (tmp_path / "some.jsonl").write_text('{"path": "a/2.jpg", "pid": 0}\n{"path": "a/2.jpg"}\n')
    assert [item.pid for item in find_items(str(tmp_path / "some.jsonl"))] == [0, -1]
    for text, message in (
        ("file,pid\na,1\n", "no column path; its first line names file, pid"),
        ("path,pid\na/2.jpg,x\n", "line 2: pid is 'x'; it must be a whole number, or left out"),
        ("path\na/2.jpg\na/3.jpg\n", r"line 3: there is no file .*a/3\.jpg"),
    ):
        table.write_text(text)
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            find_items(str(table))
    with pytest.raises(FileNotFoundError, match="there are no images in"):
        find_items(str(tmp_path / "nowhere"))


def test_what_cannot_be_written_is_said(embedder: Embedder, items: list[Item], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"are written to a \.parquet or a \.npz file"):
        embed_files(embedder, items, tmp_path / "x.csv")
    with pytest.raises(ValueError, match="is no UTF-8, which Parquet takes alone"):
        embed_files(embedder, [Item("\udcff.jpg")], tmp_path / "x.parquet")
    (tmp_path / "x.npz").touch()
    with pytest.raises(FileExistsError, match="name another file, or move it away"):
        embed_files(embedder, items, tmp_path / "x.npz")


def test_commands(run: Path, people: ReidDataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "all.parquet")
    cli.main(["embed", str(run), str(people.root / "dataset.csv"), "--out", out, "--runtime", "torch"])
    text = capsys.readouterr().out
    assert "osnet_one_stream (run), torch in float32" in text
    assert re.search(r"120 embeddings of 32 numbers in .*all\.parquet; model [0-9a-f]{12}", text)
    with pytest.raises(SystemExit):
        cli.main(["embed", str(run), str(people.root), "--out", out, "--runtime", "torch"])
    assert "exists; name another file" in capsys.readouterr().err
    cli.main(["export", str(run), "--out", str(tmp_path / "model.onnx")])
    text = capsys.readouterr().out
    assert "takes uint8 RGB (n, height, width, 3), of 64 × 32; gives 32 numbers, not normalised" in text
    assert re.search(r"largest difference \d\.\de-\d\d of the longest embedding, smallest cosine [01]\.\d+", text)
