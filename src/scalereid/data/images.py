"""Image files to pixels: the one preprocessing, and a store that decodes each image once."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from scalereid.data.doubling import doubled
from scalereid.data.framing import Framing, cut, middle
from scalereid.data.image_size import ImageSize
from scalereid.data.jpeg import decode_jpeg
from scalereid.data.packed import packed_image, packed_stamp
from scalereid.data.shapes import ShapeCount
from scalereid.distributed import processes_here
from scalereid.files import create_array, kind, remove_leftovers, write

FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
"""Pillow's names of the formats that are read. Of others, EPS would start Ghostscript."""
_EXIF = {"exif", "Raw profile type exif"}  # the latter is how ImageMagick and others long wrote it into PNG files
Pixels = NDArray[np.uint8]
_LIST = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
Advance = Callable[[int], None]  # called with the number of images just completed


def read_image(
    path: Path, image_size: ImageSize, shapes: ShapeCount | None = None, framing: Framing = "stretch"
) -> NDArray[np.uint8]:
    """RGB pixels (height, width, 3) of an image file, as a model takes them: upright and resized.

    `shapes` counts the image by its size in the file. Of the framings that crop, it is the middle.

    Raises:
        ValueError: See `load_image`.
    """
    image = load_image(path)
    if shapes:
        shapes.add(image.height, image.width, path)
    if framing == "stretch":
        return resize(image, image_size)
    return cut(image, middle(image.size, image_size), image_size)


def load_image(path: Path) -> Image.Image:
    """An image file, decoded, in RGB and upright.

    Raises:
        ValueError: The file is not an image, is damaged, or has more than 8 bits per channel or several frames; the message
            names it.
    """
    if decoded := decode_jpeg(path):
        return decoded
    with open_image(path) as image:
        return upright(image)


def resize(image: Image.Image, image_size: ImageSize) -> NDArray[np.uint8]:
    """Pixels (height, width, 3) of an RGB image, resized by Pillow's antialiased bilinear filter.

    That filter is part of what a model has learned: another one gives other embeddings.
    """
    if (2 * image.height, 2 * image.width) == tuple(image_size):
        return doubled(np.asarray(image))
    return np.asarray(image.resize(image_size[::-1], Image.Resampling.BILINEAR))


@contextmanager
def open_image(source: Path | BytesIO, name: Path | str | None = None) -> Iterator[Image.Image]:
    """An image file, open but not decoded. Any error with it, also on decoding within the context, names the file.

    Raises:
        ValueError: See `load_image`.
    """
    try:
        packed = None
        if isinstance(source, Path):
            packed = packed_image(source)
            if packed is None:
                require_file(source)
        with Image.open(packed or source, formats=FORMATS) as image:
            if has_deep_channels(image):
                raise ValueError("it has more than 8 bits a channel; convert it")
            if getattr(image, "is_animated", False) and image.format != "MPO":  # whose first picture is the photograph
                raise ValueError("it has several frames; save one of them as an image of its own")
            yield image
    except MemoryError:
        raise
    except UnidentifiedImageError:
        raise ValueError(f"{name or source} cannot be read as an image: it is not {_LIST}, whatever its name") from None
    except Exception as error:  # Pillow's decoders raise a dozen kinds for damaged files
        why = (isinstance(error, OSError) and error.strerror) or error
        raise ValueError(f"{name or source} cannot be read as an image: {why}") from error


def require_file(path: Path) -> None:
    """Check that a path is of a file: a named pipe would be waited for, and some devices never end.

    Raises:
        ValueError: It is something else; the message says what.
        OSError: It does not exist, or cannot be looked at.
    """
    if (found := kind(path)) != "a file":
        raise ValueError(f"it is {found}, not a file")


def has_deep_channels(image: Image.Image) -> bool:
    """Whether an image has more than 8 bits per channel, which a conversion to RGB would clip or Pillow already has."""
    stored = [str(part[3]) for part in getattr(image, "tile", ())]  # as in the file, such as RGB;16B
    return image.mode.startswith(("I", "F")) or any(";16" in mode for mode in stored)


def upright(image: Image.Image) -> Image.Image:
    """`image` in RGB, rotated as its EXIF orientation says; greyscale, palette and CMYK converted, transparency ignored.

    `image` itself where there is nothing to do: a copy would be an eighth of what reading a file takes with Python's lock held.
    """
    image.load()  # a PNG's EXIF data may come after its pixels
    turned = image if orientation(image) == 1 else ImageOps.exif_transpose(image)
    return turned if turned.mode == "RGB" else turned.convert("RGB")


def as_jpeg(image: Image.Image, *, quality: int) -> bytes:
    """An image as the content of a JPEG file."""
    stored = BytesIO()
    image.save(stored, "JPEG", quality=quality)
    return stored.getvalue()


def orientation(image: Image.Image) -> int:
    """EXIF orientation of an image: 1 upright, 5 to 8 lying on a side."""
    if _EXIF.isdisjoint(image.info) and image.format != "TIFF":
        return 1  # without asking for more, for which a PNG would be decoded
    told = image.getexif().get(ExifTags.Base.Orientation, 1)
    return told if isinstance(told, int) else 1  # a damaged tag may hold text


class ImageStore:
    """The pixels of a list of image files, as a uint8 array (n, height, width, 3) or decoded anew at each reading.

    Kept in memory up to `memory_limit` bytes (default: a quarter of what the process may have, divided by the number of
    processes that train together on this machine), else in a memory-mapped file in `cache_folder` (default:
    SCALEREID_CACHE or ~/.cache/scalereid) that later runs find again and that may be deleted, else, when the disk has no room
    either, decoded at each reading. `shapes` counts what is decoded, so nothing where the file is found again.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        image_size: ImageSize,
        *,
        memory_limit: int | None = None,
        cache_folder: Path | None = None,
        shapes: ShapeCount | None = None,
        framing: Framing = "stretch",
        advance: Advance = lambda _: None,
    ) -> None:
        self.paths = tuple(paths)
        self.image_size, self.framing = image_size, framing
        self.shapes = shapes
        shape = (len(self.paths), *image_size, 3)
        size = int(np.prod(shape))
        self.pixels: Pixels | None = None
        if size <= (_quarter_of_memory() // processes_here() if memory_limit is None else memory_limit):
            self.pixels = self._decode(self.paths, np.empty(shape, np.uint8), advance)
            return
        folder = cache_folder or default_cache_folder()
        remove_leftovers(folder)
        file = self._file_in(folder)
        self.pixels = _mapped(file, shape)
        if self.pixels is None and _free_space(folder) > 1.1 * size:
            write(file, lambda partial: self._save(partial, shape, advance))
            self.pixels = _mapped(file, shape)

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, indices: NDArray[np.int64], _seed: int = 0) -> Pixels:
        """The images at `indices`: uint8 (b, height, width, 3). Nothing is drawn here; `RandomCrops` needs the seed."""
        if self.pixels is not None:
            return self.pixels[indices]
        batch = np.empty((len(indices), *self.image_size, 3), np.uint8)
        return self._decode([self.paths[i] for i in indices], batch, lambda _: None)

    def read_one(self, path: Path) -> Pixels:
        """The pixels of a file, decoded anew."""
        return read_image(path, self.image_size, self.shapes, self.framing)

    def _decode(self, paths: Iterable[Path], pixels: Pixels, advance: Advance) -> Pixels:
        """Fill `pixels` with the images, and return it."""
        # Pillow releases the interpreter lock while it decodes and resizes, so threads use all cores.
        with Threads(os.cpu_count()) as pool:
            for i, image in enumerate(pool.map(self.read_one, paths)):
                pixels[i] = image
                advance(1)
        return pixels

    def _save(self, file: Path, shape: tuple[int, ...], advance: Advance) -> None:
        pixels = create_array(file, np.uint8, shape)
        self._decode(self.paths, pixels, advance)
        pixels.flush()

    def _file_in(self, folder: Path) -> Path:
        """A name that changes when any image's path or stamp does, or the image size or the framing."""
        framed = "" if self.framing == "stretch" else " middle"
        digest = hashlib.sha256(f"{self.image_size}{framed}\n".encode())
        for path in self.paths:
            digest.update(os.fsencode(path.absolute()) + f"\t{packed_stamp(path)}\n".encode())
        return folder / f"{digest.hexdigest()[:32]}.npy"


class Threads(ThreadPoolExecutor):
    """Threads. What they have not begun when their block is left, after an error or Ctrl-C for example, is not done."""

    def __exit__(self, *_: object) -> None:
        self.shutdown(cancel_futures=True)


def _mapped(file: Path, shape: tuple[int, ...]) -> Pixels | None:
    """The pixels in a file as a memory map; None if there is no such file, or it is damaged or something else."""
    if not file.is_file():
        return None
    try:
        # Copy-on-write rather than read-only: torch has no read-only tensors and warns of them. Nothing writes to it.
        pixels = np.lib.format.open_memmap(file, mode="c")
    except Exception:  # NumPy raises a few kinds for damaged files
        return None
    is_whole = pixels.shape == shape and pixels.dtype == np.uint8 and pixels.flags.c_contiguous
    return pixels if is_whole and file.stat().st_size == pixels.offset + pixels.nbytes else None


def _quarter_of_memory() -> int:
    """A quarter of the machine's memory, or of what its container allows, in bytes."""
    limit = 4 * 1024**3  # where the system does not tell
    if hasattr(os, "sysconf"):
        limit = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    container = Path("/sys/fs/cgroup/memory.max")
    if container.is_file() and (text := container.read_text().strip()).isdigit():
        limit = min(limit, int(text))
    return limit // 4


def default_cache_folder() -> Path:
    """The folder for files that can be made anew: SCALEREID_CACHE, or ~/.cache/scalereid."""
    if named := os.environ.get("SCALEREID_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "scalereid"  # noqa: PTH111 - never fails


def _free_space(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(folder).free if os.access(folder, os.W_OK) else 0
    except OSError:  # no home, or not writable
        return 0
