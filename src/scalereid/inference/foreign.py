"""ONNX and OpenVINO files that scalereid did not write: what they take and give is found out, and tried on drawn people."""

import hashlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalereid import processor
from scalereid.data.image_size import ImageSize
from scalereid.files import sha256
from scalereid.inference.agreement import drawn_people
from scalereid.inference.kept import kept
from scalereid.inference.metadata import OTHER, ModelMetadata, Precision
from scalereid.inference.pixel_format import PixelFormat
from scalereid.inference.runtimes import Runtime, RuntimeKind
from scalereid.inference.signature import Signature, TensorType
from scalereid.packages import version_of
from scalereid.wording import counted

_LEAST_COSINE = {"float32": 0.999, "bfloat16": 0.98}
"""Between the embeddings of a picture alone, as the file has them, and in a batch."""
_LEAST_DIFFERENCE = 1e-5  # between the embeddings of two people, as a share of their length
_LOCATION = b"\n\x08location\x12"  # in an ONNX file, before the name of a file beside it that holds weights


class NetworkInput(NamedTuple):
    """What a network takes, and how pixels become that."""

    pixels: PixelFormat
    image_size: ImageSize
    channels_last: bool
    dtype: str
    batch: int | None
    """The number of images at a time; None where any number fits."""

    def compute(
        self, network: Callable[[NDArray[Any]], NDArray[Any]], pixels: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """What a network gives for RGB (n, height, width, 3), as (n, d). Black images fill up a batch that is too small."""
        size = self.batch or len(pixels)
        rows = []
        for start in range(0, len(pixels), size):
            part = pixels[start : start + size]
            missing = size - len(part)
            filled = np.concatenate([part, np.zeros((missing, *part.shape[1:]), np.uint8)]) if missing else part
            converted = self.pixels.convert(filled, channels_last=self.channels_last)
            found = np.asarray(network(converted.astype(self.dtype, copy=False)), np.float32)
            if len(found) != size or any(side != 1 for side in found.shape[2:]):
                raise ValueError(f"it gives {found.shape} for {counted(size, 'picture')}; expected ({size}, d)")
            rows.append(found.reshape(size, -1)[: len(part)])
        return np.concatenate(rows)


@dataclass(frozen=True)
class ForeignRuntime:
    """A runtime for a file of others: see `Runtime`."""

    own: Runtime
    takes: NetworkInput

    @property
    def name(self) -> str:
        """See `Runtime`."""
        return self.own.name

    @property
    def precision(self) -> Precision:
        """See `Runtime`."""
        return self.own.precision

    @property
    def workers(self) -> int:
        """See `Runtime`."""
        return self.own.workers

    def __call__(self, pixels: NDArray[np.uint8], *, concurrent: bool = False) -> NDArray[np.float32]:
        """See `Runtime`."""
        return self.takes.compute(partial(self.own, concurrent=concurrent), pixels)


def open_foreign(
    file: Path, kind: RuntimeKind, signature: Signature, pixels: PixelFormat, precision: Precision
) -> tuple[ModelMetadata, Runtime]:
    """A file of others, ready to compute: what it is as far as the file tells, and what computes it.

    When it is opened first on this machine, it is tried on drawn people: embeddings must be finite, differ between people, and
    be the same for a picture alone and in a batch. Whether `pixels` are right this cannot tell: only scores do.

    Raises:
        ValueError: It takes or gives something else, or does not stand the trial; the message says what to do.
    """
    takes = find_input(file, signature, pixels)
    check_output(file, signature)
    fingerprint = foreign_fingerprint(file, pixels, takes.image_size)
    trial = _Trial(file, kind, takes)
    question = ["foreign", fingerprint, kind.name, version_of(kind.package), processor.fingerprint()]
    metadata = ModelMetadata(
        model=file.name,
        fingerprint=fingerprint,
        image_size=takes.image_size,
        embedding_size=int(kept(json.dumps(question), trial.embedding_size)),
        input=OTHER,
        mean=pixels.mean,
        std=pixels.std,
        pixels=pixels,
    )
    runtime = ForeignRuntime(kind.load().of_file(file, metadata, precision), takes)
    kept(json.dumps([*question, precision]), lambda: trial.compare(runtime))
    return metadata, runtime


def find_input(file: Path, signature: Signature, pixels: PixelFormat) -> NetworkInput:
    """What a network takes: its only input, (n, 3, height, width) or (n, height, width, 3), n fixed or free.

    Raises:
        ValueError: It takes something else.
    """
    expected = "expected one input, float32 (n, 3, height, width) or (n, height, width, 3)"
    if len(signature.inputs) != 1:
        raise ValueError(f"{file} takes {_listed(signature.inputs)}; {expected}")
    takes = signature.inputs[0]
    if takes.dtype not in ("float32", "float16") or len(takes.shape) != 4 or 3 not in (takes.shape[1], takes.shape[3]):
        raise ValueError(f"{file} takes {takes}; {expected}")
    channels_last = takes.shape[1] != 3
    height, width = takes.shape[1:3] if channels_last else takes.shape[2:]
    if height is None or width is None:
        raise ValueError(
            f"{file} takes images of any size, {takes}, and does not say for which it was trained; fix height and width in the "
            "file, an ONNX file's by `python -m onnxruntime.tools.make_dynamic_shape_fixed`"
        )
    given = signature.outputs[0].shape[:1] if signature.outputs else ()
    batch = takes.shape[0] if takes.shape[0] is not None else next(iter(given), None)
    return NetworkInput(pixels, (height, width), channels_last, takes.dtype, batch)


def check_output(file: Path, signature: Signature) -> None:
    """Check that a network has one output, and that it may be embeddings: (n, d), or (n, d, 1, 1).

    Raises:
        ValueError: It has others.
    """
    expected = "expected one output, embeddings (n, d) or (n, d, 1, 1)"
    if len(signature.outputs) != 1:
        raise ValueError(
            f"{file} gives {_listed(signature.outputs)}; {expected}. Keep that one alone, in an ONNX file by "
            "onnx.utils.extract_model"
        )
    shape = signature.outputs[0].shape
    if shape and (len(shape) not in (2, 4) or any(size not in (None, 1) for size in shape[2:])):
        raise ValueError(f"{file} gives {signature.outputs[0]}; {expected}: it may not be a re-identification network")


def foreign_fingerprint(file: Path, pixels: PixelFormat, image_size: ImageSize) -> str:
    """Hash of the bytes of a file and of the weights beside it, of how pixels go in, and of the image size."""
    beside = [file.with_suffix(".bin")] if file.suffix == ".xml" else _weights_beside(file)
    content = [sha256(each) for each in (file, *beside) if each.is_file()]
    return hashlib.sha256(json.dumps([content, pixels.values(), image_size]).encode()).hexdigest()[:12]


def _weights_beside(file: Path) -> list[Path]:
    """The files that hold the weights of an ONNX file, by the names in it, which may be any.

    A name is a text of protobuf, after its length. It is looked for as such, since onnx, which would read it, may be missing.
    """
    content, names = file.read_bytes(), dict[str, None]()
    for found in re.finditer(re.escape(_LOCATION), content):
        start, length = found.end() + 1, content[found.end()]
        if length > 0x7F:  # two bytes, of seven bits each
            start, length = start + 1, (length & 0x7F) + (content[start] << 7)
        names[os.fsdecode(content[start : start + length])] = None
    return [file.parent / name for name in names]


@dataclass(frozen=True)
class _Trial:
    """A file on pictures of drawn people; the results are for `kept`."""

    file: Path
    kind: RuntimeKind
    takes: NetworkInput

    def embedding_size(self) -> bytes:
        """The width of the embeddings of two people, each alone; they must differ."""
        one, other = self._alone(2)
        if len(one) < 2:
            raise ValueError(f"{self.file} gives one number for a picture; expected an embedding of several")
        if np.abs(one - other).max() <= _LEAST_DIFFERENCE * np.linalg.norm(one):
            raise ValueError(
                f"{self.file} gives the same embedding for pictures of two people: it is damaged or not trained, or its "
                f"pixels do not go in as {self.takes.pixels}"
            )
        return str(len(one)).encode()

    def compare(self, runtime: Runtime) -> bytes:
        """Compare embeddings in a batch of five with those of each picture alone."""
        pictures = drawn_people(self.takes.image_size)
        expected, found = self._alone(len(pictures)), self._tried(runtime, pictures)
        lengths = np.linalg.norm(expected, axis=1) * np.linalg.norm(found, axis=1)
        cosine = float(((expected * found).sum(axis=1) / lengths.clip(1e-12)).min())
        if not cosine >= (least := _LEAST_COSINE[runtime.precision]):
            raise ValueError(
                f"{self.file} gives other embeddings for pictures in a batch, in {runtime.precision}, than for each alone: the "
                f"cosine is {cosine:.5f}, expected at least {least}. Export it for one image at a time, or for any number"
            )
        return b"agrees"

    def _alone(self, number: int) -> NDArray[np.float32]:
        """Embeddings of a few people, each picture alone, computed as any program would."""
        network = self.kind.load().as_written(self.file)
        pictures = drawn_people(self.takes.image_size)[:number]
        alone = partial(self.takes.compute, network)
        return np.concatenate([self._tried(alone, pictures[i : i + 1]) for i in range(number)])

    def _tried(
        self, compute: Callable[[NDArray[np.uint8]], NDArray[np.float32]], pictures: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Embeddings of pictures, one finite row each."""
        try:
            found = compute(pictures)
        except Exception as error:  # of the runtimes' many kinds
            reason = str(error).strip().rpartition("\n")[2]
            raise ValueError(
                f"{self.file} cannot be computed for {counted(len(pictures), 'picture')} at once: {reason}. Export it for one "
                "image at a time"
            ) from error
        if not np.isfinite(found).all():
            raise ValueError(
                f"{self.file} gives embeddings that are not finite, for pixels as {self.takes.pixels}: it was trained on "
                "others, or its weights are damaged"
            )
        return found


def _listed(tensors: tuple[TensorType, ...]) -> str:
    return " and ".join(map(str, tensors)) or "nothing"
