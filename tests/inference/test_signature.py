from dataclasses import replace

import pytest

from scalereid.inference.metadata import NORMALISED, ModelMetadata
from scalereid.inference.signature import Signature, TensorType, check_signature

METADATA = ModelMetadata("net", "0123456789ab", (64, 32), 512)
PIXELS = TensorType("uint8", (None, 64, 32, 3))
IMAGES = TensorType("float32", (None, 3, 64, 32))
EMBEDDINGS = TensorType("float32", (None, 512))


def test_what_fits() -> None:
    check_signature(Signature((PIXELS,), (EMBEDDINGS,)), METADATA)
    check_signature(Signature((IMAGES,), (EMBEDDINGS,)), replace(METADATA, input=NORMALISED))


def of(input_: TensorType = PIXELS, output: TensorType = EMBEDDINGS) -> Signature:
    return Signature((input_,), (output,))


BY_INPUT = "by its metadata.input it is uint8 (n, 64, 32, 3)"
BY_SIZE = "by its metadata.image_size it is uint8 (n, 64, 32, 3)"
BY_WIDTH = "by its metadata.embedding_size it is float32 (n, 512)"


@pytest.mark.parametrize(
    ("signature", "sentence"),
    [
        (of(IMAGES), f"its graph's input is float32 (n, 3, 64, 32); {BY_INPUT}"),
        (of(PIXELS._replace(dtype="float32")), f"its graph's input is float32 (n, 64, 32, 3); {BY_INPUT}"),
        (of(IMAGES._replace(dtype="uint8")), f"its graph's input is uint8 (n, 3, 64, 32); {BY_INPUT}"),
        (of(PIXELS._replace(shape=(None, 64, 32))), f"its graph's input is uint8 (n, 64, 32); {BY_INPUT}"),
        (of(PIXELS._replace(shape=())), f"its graph's input is uint8 (); {BY_INPUT}"),
        (of(PIXELS._replace(shape=(None, 64, 32, 4))), f"its graph's input is uint8 (n, 64, 32, 4); {BY_INPUT}"),
        (of(PIXELS._replace(shape=(None, 32, 64, 3))), f"its graph's input is uint8 (n, 32, 64, 3); {BY_SIZE}"),
        (of(PIXELS._replace(shape=(None, None, None, 3))), f"its graph's input is uint8 (n, n, n, 3); {BY_SIZE}"),
        (of(PIXELS._replace(shape=(8, 64, 32, 3))), "its graph takes 8 images at a time; expected any number"),
        (Signature((PIXELS, PIXELS), (EMBEDDINGS,)), "its graph has 2 inputs; expected one, uint8 (n, 64, 32, 3)"),
        (Signature((PIXELS,), ()), "its graph has 0 outputs; expected one, float32 (n, 512)"),
        (of(output=EMBEDDINGS._replace(shape=(None, 256))), f"its graph's output is float32 (n, 256); {BY_WIDTH}"),
        (of(output=EMBEDDINGS._replace(shape=(None, None))), f"its graph's output is float32 (n, n); {BY_WIDTH}"),
        (of(output=EMBEDDINGS._replace(dtype="float16")), f"its graph's output is float16 (n, 512); {BY_WIDTH}"),
    ],
)
def test_what_does_not_fit_is_named_with_its_field(signature: Signature, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        check_signature(signature, METADATA)
    assert str(caught.value) == sentence
