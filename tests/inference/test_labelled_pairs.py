from pathlib import Path

import numpy as np
import pytest

from scalereid.inference.embedder import Embedder
from scalereid.inference.labelled_pairs import distances_of_pairs
from scalereid.retrieval.answers import LabelledPairs
from tests.inference.conftest import expected, unit


def test_images_are_embedded_once_and_compared(run: Path, paths: list[Path]) -> None:
    pairs = LabelledPairs((paths[0], paths[0]), (paths[1], paths[2]), ("same", ""), np.ones(2), None, "")
    rows = unit(expected(run, paths[:3]))
    with Embedder(run, runtime="torch") as embedder:
        found = distances_of_pairs(pairs, embedder)
    np.testing.assert_allclose(found, 1 - rows[1:] @ rows[0], atol=1e-5)


def test_distances_of_the_model_that_drew_the_pairs_are_taken(run: Path) -> None:
    gone, stored = (Path("gone.jpg"),), np.array([0.25])
    with Embedder(run, runtime="torch") as embedder:
        own = embedder.metadata.fingerprint
        pairs = LabelledPairs(gone, gone, ("same",), np.ones(1), stored, own)
        assert distances_of_pairs(pairs, embedder).tolist() == [0.25]
        other = LabelledPairs(gone, gone, ("same",), np.ones(1), stored, "another")
        with pytest.raises(ValueError, match=f"drawn with the model another, and .* is {own}: .* with this model"):
            distances_of_pairs(other, embedder)
