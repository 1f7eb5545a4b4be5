"""What a graph takes and gives, compared with what its metadata say."""

from collections.abc import Mapping
from typing import NamedTuple

from scalereid.inference.metadata import KEY, ModelMetadata
from scalereid.wording import counted


class TensorType(NamedTuple):
    """An input or output of a graph."""

    dtype: str
    """As NumPy calls it."""
    shape: tuple[int | None, ...]
    """None where any size fits."""

    def __str__(self) -> str:
        sizes = ", ".join("n" if size is None else str(size) for size in self.shape)
        return f"{self.dtype} ({sizes})"


class Signature(NamedTuple):
    """What a graph takes and gives."""

    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]


class Contents(NamedTuple):
    """What an exported file holds, as far as it can be told without running anything in it."""

    texts: Mapping[str, str]
    """What it says beside the network; what scalereid wrote is under the keys of `stored_layers`."""
    signature: Signature | None
    """What its graph takes and gives; None where only running it tells."""

    @property
    def metadata(self) -> str | None:
        """The text of its metadata; None for a file that is not ours."""
        return self.texts.get(KEY)


def check_signature(signature: Signature, metadata: ModelMetadata) -> None:
    """Check that a graph takes the images and gives the embeddings that its metadata say, any number of them.

    Raises:
        ValueError: It does not; the message names what differs, and the field of the metadata.
    """
    height, width = metadata.image_size
    takes = TensorType("float32", (None, 3, height, width))
    if metadata.takes_pixels:
        takes = TensorType("uint8", (None, height, width, 3))
    gives = TensorType("float32", (None, metadata.embedding_size))
    for kind, tensors, expected in (("input", signature.inputs, takes), ("output", signature.outputs, gives)):
        if len(tensors) != 1:
            raise ValueError(f"its graph has {counted(len(tensors), kind)}; expected one, {expected}")
        found = tensors[0]
        if found._replace(shape=(None, *found.shape[1:])) == expected and found.shape[0] is not None:
            raise ValueError(f"its graph takes {counted(found.shape[0], 'image')} at a time; expected any number")
        if found != expected:
            field = "embedding_size" if kind == "output" else _field_of_input(found, expected)
            raise ValueError(f"its graph's {kind} is {found}; by its metadata.{field} it is {expected}")


def _field_of_input(found: TensorType, expected: TensorType) -> str:
    """The field of the metadata that tells what is expected where a graph takes something else."""
    channels = expected.shape.index(3)
    alike = found.dtype == expected.dtype and len(found.shape) == len(expected.shape)
    return "image_size" if alike and found.shape[channels] == 3 else "input"
