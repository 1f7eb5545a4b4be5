import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from scalereid.data import packed
from scalereid.data.check import check
from scalereid.data.images import ImageStore, load_image
from scalereid.data.packed import container, packed_image, packed_size, packed_stamp, zipped_files
from scalereid.data.readers.class_folders import read_class_folders
from scalereid.files import stamp


@pytest.fixture
def zipped(class_images: Path, tmp_path: Path) -> Path:
    file = tmp_path / "x.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("a/", "")
        for number in range(4):
            writer.write(class_images / "train" / "red" / f"{number}.png", f"a/{number}.png")
    return file


def test_images_in_a_zip_file_are_those_beside_it(class_images: Path, zipped: Path) -> None:
    inside = [zipped / "a" / f"{number}.png" for number in range(4)]
    outside = [class_images / "train" / "red" / f"{number}.png" for number in range(4)]
    np.testing.assert_array_equal(ImageStore(inside, (8, 8)).pixels, ImageStore(outside, (8, 8)).pixels)
    assert [packed_size(path) for path in inside] == [packed_size(path) for path in outside]
    assert packed_stamp(inside[0]) == stamp(zipped)
    assert (container(inside[0]), container(outside[0]), packed_image(outside[0])) == (zipped, None, None)
    assert zipped_files(zipped).names() == [f"a/{number}.png" for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert len({*pool.map(lambda path: packed_image(path).getvalue(), inside * 20)}) == 4  # type: ignore[union-attr]


@pytest.mark.parametrize("begin", ["./", "/", "x//"])
def test_names_are_as_in_paths(class_images: Path, tmp_path: Path, begin: str) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as writer:
        for file in sorted(class_images.rglob("*.png")):
            writer.writestr(f"{begin}{file.relative_to(class_images)}", file.read_bytes())
    dataset = read_class_folders(tmp_path)
    assert len(dataset.train) == 36
    assert {load_image(record.path).size for record in dataset.train} == {(40, 32)}


def test_a_folder_may_be_called_like_a_zip_file(class_images: Path, tmp_path: Path) -> None:
    (tmp_path / "x.zip").mkdir()
    (tmp_path / "x.zip" / "0.png").symlink_to(class_images / "train" / "red" / "0.png")
    assert load_image(tmp_path / "x.zip" / "0.png").size == (40, 32)
    with zipfile.ZipFile(tmp_path / "x.zip" / "y.zip", "w") as writer:
        writer.write(class_images / "train" / "red" / "0.png", "z.zip/0.png")
    inside = tmp_path / "x.zip" / "y.zip" / "z.zip" / "0.png"
    assert container(inside) == tmp_path / "x.zip" / "y.zip"
    assert load_image(inside).size == (40, 32)


def test_pixels_of_cifar(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    file = tmp_path / "x.bin"
    file.write_bytes(b"".join(b"\x05" + one.transpose(2, 0, 1).tobytes() for one in pixels))
    np.testing.assert_array_equal(np.asarray(load_image(file / "3074")), pixels[1])
    with pytest.raises(ValueError, match=r"3075 cannot be read as an image: x.bin ends before it"):
        load_image(file / "3075")


def test_damage_is_named(zipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"x.zip/b.png cannot be read as an image: .*x.zip contains no b.png"):
        load_image(zipped / "b.png")
    with pytest.raises(FileNotFoundError, match="contains no b.png"):
        packed_size(zipped / "b.png")
    monkeypatch.setattr(packed, "_LARGEST", 100)
    with pytest.raises(ValueError, match=r"unpacks to .* bytes, more than 100"):
        load_image(zipped / "a" / "0.png")
    monkeypatch.undo()
    content = bytearray(zipped.read_bytes())
    content[200:260] = bytes(60)
    zipped.write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        load_image(zipped / "a" / "0.png")
    zipped.write_bytes(content[:500])
    with pytest.raises(ValueError, match="damaged or cut off"):
        zipped_files(zipped)


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_check_names_what_cannot_be_unpacked(class_images: Path, tmp_path: Path, packing: int) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", packing) as writer:
        for file in sorted(class_images.rglob("*.png")):
            writer.write(file, file.relative_to(class_images))
        damaged = writer.getinfo("train/red/1.png")
    content = bytearray((tmp_path / "x.zip").read_bytes())
    begin = damaged.header_offset + 30 + len(damaged.filename)
    content[begin : begin + 20] = b"\xff" * 20
    (tmp_path / "x.zip").write_bytes(content)
    (found,) = check(read_class_folders(tmp_path))
    assert found.kind == "unusable-files"
    assert len(found.examples) == 1
    assert "x.zip/train/red/1.png: the zip file is damaged, encrypted or of an unknown kind: " in found.examples[0]


def test_a_check_reads_what_is_inside(class_images: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as writer:
        for file in sorted(class_images.rglob("*.png")):
            writer.write(file, file.relative_to(class_images))
        writer.writestr("train/red/x.png", b"no picture")
    (found,) = check(read_class_folders(tmp_path))  # nothing about people, cameras or shapes
    assert (found.severity, found.kind) == ("error", "unusable-files")
    assert "x.zip/train/red/x.png" in str(found)
