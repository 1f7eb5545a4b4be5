"""What a deployed model is, as the metadata of its file say."""

import json
import os
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from scalereid.data.augmentation import PIXEL_MEAN, PIXEL_STD
from scalereid.data.images import ImageSize
from scalereid.models.fingerprint import fingerprint
from scalereid.runs.checkpoint import LoadedModel, Source

Precision = Literal["float32", "bfloat16", "float16", "int8"]
KEY = "scalereid"  # in the metadata of a file


@dataclass(frozen=True)
class About:
    """What a deployed model is and what it takes."""

    model: str
    """Backbone, and where the weights came from."""
    fingerprint: str
    """Of weights and image size: embeddings of two models can be compared when theirs are equal."""
    image_size: ImageSize
    """(height, width) that images are resized to, by Pillow's antialiased bilinear filter."""
    embedding_size: int
    input: str = "uint8 RGB (n, height, width, 3)"
    """Or `float32 RGB (n, 3, height, width), normalised`, where normalisation is not part of the graph."""
    arithmetic: Precision = "float32"
    """Or `int8`."""
    resize: str = "Pillow's BILINEAR (antialiased), to image_size, of the upright RGB image"
    """How images get their size; another filter gives other embeddings."""
    mean: tuple[float, ...] = PIXEL_MEAN
    std: tuple[float, ...] = PIXEL_STD
    training: str = ""
    """The training dataset and its fingerprint, as far as known."""
    recipe: str = ""
    """The recipe as JSON; empty for released weights."""
    accuracy: str = ""
    """Of integers: on which dataset they were judged, and how much was lost."""

    def to_json(self) -> str:
        """For a file's metadata."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "About":
        """What `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            for key in ("image_size", "mean", "std"):
                values[key] = tuple(values[key])
            return cls(**values)
        except (TypeError, ValueError, KeyError) as error:
            raise ValueError(f"not written by scalereid: {error}") from error

    @property
    def takes_pixels(self) -> bool:
        """Whether normalisation is part of the graph."""
        return self.input.startswith("uint8")


def describe_model(loaded: LoadedModel, source: Source) -> About:
    """What a model is, for its embeddings and its files."""
    recipe = loaded.recipe
    dataset = loaded.about.get("dataset", {})
    name = Path(os.fspath(source)).name if isinstance(source, str | os.PathLike) else "given tensors"
    return About(
        model=f"{loaded.report.backbone} ({name})",
        fingerprint=fingerprint(loaded.model, loaded.image_size),
        image_size=loaded.image_size,
        embedding_size=loaded.model.embedding_size,
        training=f"{dataset['name']} ({dataset['fingerprint']})" if dataset else "",
        recipe=json.dumps(recipe.to_json()) if recipe else "",
    )


def read_about(file: Path) -> About:
    """What the metadata of an exported file say: ONNX's (.onnx), OpenVINO's (.xml) or torch's (.pt2). Runs nothing of it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file was not written by scalereid, or is damaged.
    """
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {file}")
    try:
        return About.from_json(_METADATA[file.suffix](file))
    except KeyError:
        raise ValueError(f"{file} does not say what it takes: it was not written by scalereid export") from None
    except Exception as error:  # a protobuf that cannot be parsed, no archive, or other metadata
        raise ValueError(f"{file} cannot be read: {error}") from error


def _of_onnx(file: Path) -> str:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    return str(session.get_modelmeta().custom_metadata_map[KEY])


def _of_openvino(file: Path) -> str:
    import openvino

    model = openvino.Core().read_model(str(file))
    if not model.has_rt_info([KEY]):
        raise KeyError(KEY)
    return str(model.get_rt_info([KEY]).value)


def _of_torch(file: Path) -> str:
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if name.endswith(f"/extra/{KEY}"):  # an exported program
                return archive.read(name).decode()
            if name.endswith("_metadata.json"):  # a compiled one
                return str(json.loads(archive.read(name))[KEY])
    raise KeyError(KEY)


_METADATA = {".onnx": _of_onnx, ".xml": _of_openvino, ".pt2": _of_torch}
