"""Image files to pixels: decoded once, at the size asked for, and kept where they fit."""

import hashlib
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from torch import Tensor

ImageSize = tuple[int, int]  # (height, width), always in this order
_AHEAD = 2  # batches read while one is used
Advance = Callable[[int], None]  # told how many more images are done


def read_image(path: Path, image_size: ImageSize) -> NDArray[np.uint8]:
    """One image as RGB (height, width, 3), resized by Pillow's antialiased bilinear filter.

    That filter is part of what a model has learned: another resize gives other embeddings. Greyscale, palette and CMYK images
    become RGB, transparency is ignored, and an image that says how the camera was held (EXIF) is turned upright.

    Raises:
        ValueError: the file is no image, a damaged one, one with more than 8 bits a channel or with several frames; the message
            names it.
    """
    height, width = image_size
    with open_image(path) as image:
        return np.asarray(upright(image).resize((width, height), Image.Resampling.BILINEAR))


@contextmanager
def open_image(source: Path | BytesIO, name: Path | None = None) -> Iterator[Image.Image]:
    """An image file, open and not decoded yet. What goes wrong with it, now or on decoding, names the file.

    Raises:
        ValueError: see `read_image`.
    """
    try:
        with Image.open(source) as image:
            if image.mode.startswith(("I", "F")):
                raise ValueError("it has more than 8 bits a channel; convert it")
            if getattr(image, "is_animated", False) and image.format != "MPO":  # whose first picture is the photograph
                raise ValueError("it has several frames; save the one that is meant as an image of its own")
            yield image
    except MemoryError:
        raise
    except UnidentifiedImageError:
        raise ValueError(f"{name or source} cannot be read as an image: it is of no kind that Pillow knows") from None
    except Exception as error:  # Pillow's decoders raise a dozen kinds for damaged files
        raise ValueError(f"{name or source} cannot be read as an image: {error}") from error


def upright(image: Image.Image) -> Image.Image:
    """`image` as RGB, turned as it was seen."""
    return (image if orientation(image) == 1 else ImageOps.exif_transpose(image)).convert("RGB")


def orientation(image: Image.Image) -> int:
    """How the camera was held, as EXIF numbers it: 1 upright, 5 to 8 lying on a side."""
    if "exif" not in image.info and image.format != "TIFF":
        return 1  # without asking for more, for which a PNG would be decoded
    return int(image.getexif().get(ExifTags.Base.Orientation, 1))


def check_image_size(image_size: ImageSize) -> None:
    """Networks here halve an image four times; less than a pixel is left of a smaller one.

    Raises:
        ValueError: `image_size` is below 16 pixels either way.
    """
    if min(image_size) < 16:
        raise ValueError(f"image_size is {image_size[0]}×{image_size[1]}; height and width must be at least 16")


class ImageStore:
    """The pixels of a list of image files, as a uint8 array (n, height, width, 3) or decoded again at each reading.

    Kept in memory up to `memory_limit` bytes (unless told, a quarter of what the process may have), else in a memory-mapped
    file in `cache_folder` (unless told, SCALEREID_CACHE or ~/.cache/scalereid) that later runs find again and anyone may
    delete, else, when the disk has no room either, decoded whenever asked for.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        image_size: ImageSize,
        *,
        memory_limit: int | None = None,
        cache_folder: Path | None = None,
        advance: Advance = lambda _: None,
    ) -> None:
        self.paths = tuple(paths)
        self.image_size = image_size
        shape = (len(self.paths), *image_size, 3)
        size = int(np.prod(shape))
        if size <= (_quarter_of_memory() if memory_limit is None else memory_limit):
            pixels = np.empty(shape, np.uint8)
            self._decode_into(pixels, advance)
            self.pixels: Tensor | None = torch.from_numpy(pixels)
            return
        folder = cache_folder or default_cache_folder()
        file = self._file_in(folder)
        fits = file.is_file() or _free_space(folder) > 1.1 * size
        self.pixels = torch.from_numpy(self._mapped(file, shape, advance)) if fits else None

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, indices: NDArray[np.int64]) -> Tensor:
        """The images at `indices`: uint8 (b, height, width, 3) in host memory."""
        if self.pixels is not None:
            return torch.from_numpy(self.pixels.numpy()[indices])
        batch = np.empty((len(indices), *self.image_size, 3), np.uint8)
        _decode([self.paths[i] for i in indices], self.image_size, batch, lambda _: None)
        return torch.from_numpy(batch)

    def _decode_into(self, pixels: NDArray[np.uint8], advance: Advance) -> None:
        _decode(self.paths, self.image_size, pixels, advance)

    def _mapped(self, file: Path, shape: tuple[int, ...], advance: Advance) -> NDArray[np.uint8]:
        if not file.is_file():
            partial = file.with_suffix(f".partial-{os.getpid()}")
            pixels = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=shape)
            try:
                self._decode_into(pixels, advance)
                pixels.flush()
                partial.replace(file)  # complete or not there at all
            finally:
                partial.unlink(missing_ok=True)
        # Copy-on-write rather than read-only: torch has no read-only tensors and warns of them. Nobody writes.
        return np.load(file, mmap_mode="c")

    def _file_in(self, folder: Path) -> Path:
        """A name that changes when any image's path, size or date does, or the image size."""
        digest = hashlib.sha256(f"{self.image_size}\n".encode())
        for path in self.paths:
            stat = path.stat()
            digest.update(f"{path.absolute()}\t{stat.st_size}\t{stat.st_mtime_ns}\n".encode())
        return folder / f"{digest.hexdigest()[:32]}.npy"


def read_ahead(store: ImageStore, batches: Iterable[NDArray[np.int64]], device: torch.device) -> Iterator[Tensor]:
    """The pixels of each batch of image numbers, uint8 (b, height, width, 3) on `device`, read while the one before is used."""
    if store.pixels is not None and device.type == "cpu":
        yield from map(store.read, batches)  # at hand: a thread would cost more than it saves
        return

    def fetch(batch: NDArray[np.int64]) -> Tensor:
        pixels = store.read(batch)
        if device.type == "cuda":
            return pixels.pin_memory()  # which is copied while the GPU computes
        return pixels

    # Read by NumPy in a thread of its own: torch's threads there would fight those that compute.
    with ThreadPoolExecutor(1) as reader:
        ahead: deque[Future[Tensor]] = deque()
        for batch in batches:
            ahead.append(reader.submit(fetch, batch))
            if len(ahead) > _AHEAD:
                yield ahead.popleft().result().to(device, non_blocking=True)
        while ahead:
            yield ahead.popleft().result().to(device, non_blocking=True)


def _decode(paths: Iterable[Path], image_size: ImageSize, pixels: NDArray[np.uint8], advance: Advance) -> None:
    # Pillow releases the interpreter lock while it decodes and resizes, so threads use all cores.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for i, image in enumerate(pool.map(lambda path: read_image(path, image_size), paths)):
            pixels[i] = image
            advance(1)


def _quarter_of_memory() -> int:
    """Of the machine's memory, or of what its container allows."""
    limits = [4 * 1024**3]  # where the system does not say
    if hasattr(os, "sysconf"):
        limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    container = Path("/sys/fs/cgroup/memory.max")
    if container.is_file() and (text := container.read_text().strip()).isdigit():
        limits.append(int(text))
    return min(limits) // 4


def default_cache_folder() -> Path:
    """Where what can be made again is kept: SCALEREID_CACHE, or ~/.cache/scalereid."""
    if named := os.environ.get("SCALEREID_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "scalereid"  # noqa: PTH111 - never fails


def _free_space(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(folder).free
    except OSError:  # no home, or not ours to write
        return 0
