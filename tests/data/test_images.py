import os
import socket
import struct
import subprocess
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from scalereid.data.images import ImageStore, Threads, has_deep_channels, load_image, read_image, resize
from scalereid.data.records import ReidDataset
from tests.conftest import NOT_FILES

SIZE = (48, 24)


@pytest.fixture
def paths(people: ReidDataset) -> list[Path]:
    return [record.path for record in people.query]


def test_resize_is_pillows_antialiased_bilinear(paths: list[Path]) -> None:
    with Image.open(paths[0]) as image:
        expected = np.asarray(image.resize((24, 48), Image.Resampling.BILINEAR))
    assert (read_image(paths[0], SIZE) == expected).all()


def test_a_file_is_loaded_at_its_own_size_and_resized_as_any_image(paths: list[Path]) -> None:
    image = load_image(paths[0])
    with Image.open(paths[0]) as opened:
        assert image.size == opened.size != (24, 48)
    assert image.mode == "RGB"
    assert (resize(image, SIZE) == read_image(paths[0], SIZE)).all()
    shades = Image.fromarray(
        np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)
    )  # 256 rows, one pixel wide
    means = np.arange(256).reshape(64, 4).mean(axis=1)
    assert np.abs(resize(shades, (64, 1))[1:-1, 0, 0] - means[1:-1]).max() <= 0.5  # antialiased: not every fourth row


@pytest.mark.parametrize(
    ("mode", "deep"), [("L", False), ("RGB", False), ("CMYK", False), ("I;16", True), ("I", True), ("F", True)]
)
def test_channels_of_more_than_8_bits(mode: str, deep: bool) -> None:
    assert has_deep_channels(Image.new(mode, (4, 8))) == deep


def test_memory_disk_and_decoding_each_time_give_the_same(paths: list[Path], tmp_path: Path) -> None:
    in_memory = ImageStore(paths, SIZE, memory_limit=10**9)
    on_disk = ImageStore(paths, SIZE, memory_limit=0, cache_folder=tmp_path / "cache")
    nowhere = ImageStore(paths, SIZE, memory_limit=0, cache_folder=Path("/proc/no/room"))
    assert on_disk.pixels is not None
    assert nowhere.pixels is None
    chosen = np.array([5, 0, 5, 15])
    expected = np.stack([read_image(paths[i], SIZE) for i in chosen])
    for store in (in_memory, on_disk, nowhere):
        assert len(store) == 16
        assert (store.read(chosen) == expected).all()


def test_mapped_file_is_found_again_and_made_anew_when_an_image_changes(paths: list[Path], tmp_path: Path) -> None:
    copies = []
    for path in paths[:3]:
        copies.append(tmp_path / path.name)
        copies[-1].write_bytes(path.read_bytes())
    decoded: list[int] = []

    def open_store() -> ImageStore:
        return ImageStore(copies, SIZE, memory_limit=0, cache_folder=tmp_path / "cache", advance=decoded.append)

    open_store()
    assert sum(decoded) == 3
    open_store()
    assert sum(decoded) == 3
    copies[0].write_bytes(paths[7].read_bytes())
    assert (open_store().read(np.array([0])) == read_image(paths[7], SIZE)).all()
    assert sum(decoded) == 6
    times = copies[0].stat().st_atime_ns, copies[0].stat().st_mtime_ns
    (tmp_path / "new").write_bytes(copies[0].read_bytes())
    os.utime(tmp_path / "new", ns=times)
    (tmp_path / "new").replace(copies[0])  # as large, and with the same date
    open_store()
    assert sum(decoded) == 9


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"not an array" * 100),
        lambda file: file.write_bytes(file.read_bytes()[:-1]),
        lambda file: file.write_bytes(file.read_bytes() + b"x"),
        lambda file: file.write_bytes(b"\x93NUMPY\1\0v\0{'descr': '|u1', 'shape': (9" + b"9" * 90 + b"),}\n"),
        lambda file: np.save(file, np.zeros((3, 24, 48, 3), np.uint8)),
        lambda file: np.save(file, np.zeros((3, 48, 24, 3), np.int8)),
        lambda file: np.save(file, np.zeros((3, 48, 24, 3), np.uint8, order="F")),
        lambda file: np.save(file, np.array([print], dtype=object)),
        lambda file: zipfile.ZipFile(file, "w").close(),
    ],
    ids=["empty", "text", "cut", "longer", "header", "shape", "type", "order", "pickle", "archive"],
)
def test_a_damaged_file_in_the_cache_is_made_anew(
    paths: list[Path], tmp_path: Path, damage: Callable[[Path], Any]
) -> None:
    decoded: list[int] = []

    def open_store() -> ImageStore:
        return ImageStore(paths[:3], SIZE, memory_limit=0, cache_folder=tmp_path, advance=decoded.append)

    open_store()
    (file,) = tmp_path.iterdir()
    damage(file)
    expected = np.stack([read_image(path, SIZE) for path in paths[:3]])
    assert (open_store().read(np.arange(3)) == expected).all()
    assert (open_store().read(np.arange(3)) == expected).all()
    assert sum(decoded) == 6
    assert [*tmp_path.iterdir()] == [file]


def test_what_killed_processes_left_in_the_cache_is_removed(paths: list[Path], tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    (tmp_path / f".of-other-images.npy.partial-{socket.gethostname()}-{process.pid}").mkdir()
    ImageStore(paths[:2], SIZE, memory_limit=0, cache_folder=tmp_path)
    (file,) = tmp_path.iterdir()
    assert not file.name.startswith(".")


def test_a_cache_that_cannot_be_written_is_no_hindrance(
    paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    store = ImageStore(paths[:2], SIZE, memory_limit=0, cache_folder=tmp_path)
    assert store.pixels is None
    assert (store.read(np.array([1])) == read_image(paths[1], SIZE)).all()


@pytest.mark.parametrize("content", [b"", b"not an image", "cut"])
def test_unreadable_images_are_named(paths: list[Path], tmp_path: Path, content: bytes | str) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(paths[0].read_bytes()[:900] if isinstance(content, str) else content)
    with pytest.raises(ValueError, match=r"broken\.jpg cannot be read as an image"):
        ImageStore([paths[0], broken], SIZE)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1"])
def test_every_colour_mode_becomes_rgb(paths: list[Path], tmp_path: Path, mode: str) -> None:
    with Image.open(paths[0]) as image:
        file = tmp_path / ("x.tiff" if mode == "CMYK" else "x.png")
        image.convert(mode).save(file)
    assert read_image(file, SIZE).shape == (48, 24, 3)


def test_more_than_eight_bits_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000).save(tmp_path / "x.png")
    with pytest.raises(ValueError, match=r"x\.png cannot be read as an image: it has more than 8 bits a channel"):
        read_image(tmp_path / "x.png", SIZE)


def test_no_home_is_no_hindrance(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "SCALEREID_CACHE"):
        monkeypatch.delenv(name, raising=False)
    assert ImageStore(paths[:2], SIZE).pixels is not None


def test_nothing_half_written_stays_in_the_cache(paths: list[Path], tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"broken")
    with pytest.raises(ValueError, match="cannot be read"):
        ImageStore([*paths, tmp_path / "x.jpg"], SIZE, memory_limit=0, cache_folder=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def _saved(tmp_path: Path, image: Image.Image, name: str, **options: object) -> Path:
    image.save(tmp_path / name, **options)  # type: ignore[arg-type]
    return tmp_path / name


def test_other_kinds_of_images_become_rgb(tmp_path: Path) -> None:
    """Greyscale, CMYK, alpha, palette, two levels; and a name that is not ASCII."""
    colour = Image.new("RGB", (4, 8), (200, 100, 0))
    grey = _saved(tmp_path, colour.convert("L"), "grey.png")
    assert (read_image(grey, SIZE) == read_image(grey, SIZE)[..., :1]).all()
    cmyk = read_image(_saved(tmp_path, colour.convert("CMYK"), "cmyk.jpg", quality=100), SIZE)
    assert np.abs(cmyk.astype(int) - [200, 100, 0]).max() <= 3
    half_transparent = colour.copy()
    half_transparent.putalpha(128)
    for image, name in ((half_transparent, "alpha.png"), (colour.quantize(4), "palette.gif"), (colour, "straße.png")):
        assert (read_image(_saved(tmp_path, image, name), SIZE) == [200, 100, 0]).all()  # transparency is ignored
    assert set(np.unique(read_image(_saved(tmp_path, Image.new("1", (4, 8), 1), "bilevel.png"), SIZE))) == {255}
    assert (read_image(_saved(tmp_path, colour.resize((1, 1)), "dot.png"), SIZE) == [200, 100, 0]).all()


@pytest.mark.parametrize(
    ("image", "name", "message"),
    [
        (Image.fromarray(np.full((8, 4), 40_000, np.uint16)), "deep.png", "more than 8 bits a channel"),
        (Image.new("F", (4, 8)), "float.tif", "more than 8 bits a channel"),
    ],
)
def test_kinds_that_are_refused(tmp_path: Path, image: Image.Image, name: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"{name} cannot be read as an image: .*{message}"):
        read_image(_saved(tmp_path, image, name), SIZE)


@pytest.mark.parametrize("name", ["moving.gif", "moving.png", "moving.webp", "pages.tif"])
def test_several_frames_are_refused(tmp_path: Path, name: str) -> None:
    frames = [Image.new("RGB", (4, 8), colour) for colour in ("red", "blue")]
    path = _saved(tmp_path, frames[0], name, save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match="it has several frames"):
        read_image(path, SIZE)


def test_the_first_picture_of_a_camera_file_of_several_is_the_photograph(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    path = _saved(tmp_path, frames[0], "phone.jpg", format="MPO", save_all=True, append_images=frames[1:])
    assert read_image(path, SIZE)[..., 0].min() > 250


@pytest.mark.parametrize("name", ["lying.jpg", "lying.png", "lying.tif"])
def test_pictures_are_turned_as_the_camera_says(tmp_path: Path, name: str) -> None:
    upright = Image.new("RGB", (32, 64), "red")
    upright.paste("blue", (0, 0, 32, 32))  # blue above red
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: what is stored has to be rotated clockwise
    path = _saved(tmp_path, upright.transpose(Image.Transpose.ROTATE_90), name, exif=exif)
    turned = read_image(path, SIZE).astype(int)
    assert turned[2, :, 2].min() > 200
    assert turned[-3, :, 0].min() > 200


@pytest.mark.parametrize("where", ["in text", "behind the pixels"])
def test_a_png_may_say_elsewhere_that_it_is_turned(tmp_path: Path, where: str) -> None:
    exif, text = Image.Exif(), PngImagePlugin.PngInfo()
    exif[0x0112] = 6
    lying, path = Image.new("RGB", (64, 32), "red"), tmp_path / "lying.png"
    if where == "in text":  # as GraphicsMagick writes it
        text.add_text("Raw profile type exif", f"\nexif\n{len(exif.tobytes()):8}\n{exif.tobytes().hex()}\n", zip=True)
        lying.save(path, pnginfo=text)
    else:
        lying.save(path, exif=exif)
        content = path.read_bytes()
        begin, end = content.index(b"eXIf") - 4, content.index(b"IDAT") - 4
        path.write_bytes(content[:begin] + content[end:-12] + content[begin:end] + content[-12:])  # before IEND
    assert load_image(path).size == (32, 64)


def test_a_png_of_sixteen_bits_a_colour_is_refused(tmp_path: Path) -> None:
    """Pillow drops half of the bits in silence and says that the mode is RGB."""
    raw = b"".join(b"\0" + bytes(range(12)) for _ in range(2))  # two lines of two pixels
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    (tmp_path / "x.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in chunks
        )
    )
    with pytest.raises(
        ValueError, match=r"x\.png cannot be read as an image: it has more than 8 bits a channel; convert it"
    ):
        load_image(tmp_path / "x.png")


def test_a_format_that_would_start_another_program_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n")
    monkeypatch.setattr(subprocess, "check_call", lambda *_: pytest.fail("a program was started"))
    with pytest.raises(
        ValueError, match=r"x\.jpg cannot be read as an image: it is not BMP, .* TIFF or WEBP, whatever its name"
    ):
        load_image(tmp_path / "x.jpg")


@pytest.mark.parametrize(("words", "make"), NOT_FILES.items())
def test_what_is_not_a_file_is_not_waited_for(
    paths: list[Path], tmp_path: Path, words: str, make: Callable[[Path], Any]
) -> None:
    make(tmp_path / "x.jpg")
    for read in (load_image, lambda path: ImageStore([*paths, path], SIZE)):
        with pytest.raises(ValueError, match=rf"x\.jpg cannot be read as an image: it is {words}, not a file$"):
            read(tmp_path / "x.jpg")


def test_a_missing_image_is_named_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"^{tmp_path}/x\.jpg cannot be read as an image: No such file or directory$"):
        load_image(tmp_path / "x.jpg")


def test_an_orientation_that_is_text_is_ignored(tmp_path: Path) -> None:
    entry = struct.pack(">HHHI4s", 1, ExifTags.Base.Orientation, 2, 3, b"up\0\0")  # one entry, of ASCII
    Image.new("RGB", (4, 8)).save(tmp_path / "x.jpg", exif=b"Exif\0\0MM\0*" + struct.pack(">I", 8) + entry + bytes(4))
    assert load_image(tmp_path / "x.jpg").size == (4, 8)


def test_what_threads_have_not_begun_is_not_done_after_an_error() -> None:
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        time.sleep(0.01)

    with pytest.raises(KeyboardInterrupt), Threads(2) as pool:
        for number in range(1000):
            pool.submit(work, number)
        raise KeyboardInterrupt
    assert len(begun) < 500


def test_without_a_cache_images_are_decoded_at_each_reading(
    people: ReidDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SCALEREID_CACHE", str(tmp_path / "file" / "cache"))
    store = ImageStore([record.path for record in people.query], (64, 32), memory_limit=0)
    assert store.pixels is None
    assert store.read(np.array([1])).shape == (1, 64, 32, 3)
