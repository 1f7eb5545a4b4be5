import json

import numpy as np
import pytest

from scalereid.attributes.layer import AttributeLayer
from scalereid.classification.layer import ClassLayer
from scalereid.inference.metadata import KEY, ModelMetadata
from scalereid.inference.stored_layers import KEYS, Layers, layers_of, texts_of

METADATA = ModelMetadata("net (x)", "0123456789ab", (64, 32), 5)
DRAWN = np.random.default_rng(0)
ATTRIBUTES = AttributeLayer(
    ("hat", "Tasche \u00fc"), *(DRAWN.normal(size=n).astype(np.float32) for n in ((2, 5), (2,)))
)
CLASSES = ClassLayer(("cat",), *(DRAWN.normal(size=n).astype(np.float32) for n in ((1, 5), (1,))))


def test_layers_come_back_to_the_bit() -> None:
    texts = texts_of(METADATA, Layers(ATTRIBUTES, CLASSES))
    assert tuple(texts) == KEYS
    found = layers_of(texts, 5)
    for layer, read in ((ATTRIBUTES, found.attributes), (CLASSES, found.classes)):
        assert type(read) is type(layer)
        assert read.names == layer.names
        np.testing.assert_array_equal(read.weight, layer.weight)
        np.testing.assert_array_equal(read.bias, layer.bias)


def test_most_models_have_none() -> None:
    texts = texts_of(METADATA, Layers())
    assert texts == {KEY: METADATA.to_json()}
    assert layers_of(texts, 5) == layers_of({}, 5) == Layers()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"weight": "AAA"}, "adding"),
        ({"weight": "A A="}, "."),
        ({"bias": "AAAA"}, "multiple"),
        ({"names": ["hat"]}, r"has 1 attributes, but weights of shape \[2, 5\]"),
        ({"names": "hat"}, "names is 'hat'"),
        ({"more": 1}, "more"),
    ],
)
def test_damage_is_named(change: dict[str, object], what: str) -> None:
    texts = texts_of(METADATA, Layers(ATTRIBUTES))
    texts[KEYS[1]] = json.dumps(json.loads(texts[KEYS[1]]) | change)
    with pytest.raises(ValueError, match=f"its attributes are damaged: .*{what}"):
        layers_of(texts, 5)


def test_a_layer_of_another_model() -> None:
    texts = texts_of(METADATA, Layers(ATTRIBUTES))
    with pytest.raises(ValueError, match="its attributes are damaged: cannot reshape"):
        layers_of(texts, 4)
    with pytest.raises(ValueError, match="its attributes are damaged: .*not finite"):
        layers_of({KEYS[1]: texts[KEYS[1]].replace(json.loads(texts[KEYS[1]])["bias"], "AACAfwAAAAA=")}, 5)
