import numpy as np
import pytest
from PIL import Image

from scalereid.data.degrading import shrunk
from scalereid.experiments.gates import cluster_gates, shares, shares_by_size
from scalereid.inference.inspector import Insides, Inspector


def test_clusters_are_found_with_their_shares() -> None:
    """Seven images prefer the first stream, five the second one."""
    rng = np.random.default_rng(0)
    weights = np.full((12, 2, 3), 0.25, np.float32)
    weights[:7, 0], weights[7:, 1] = 0.75, 0.75
    weights += rng.normal(0, 0.01, weights.shape).astype(np.float32)
    large, small = cluster_gates(weights, 2)
    assert sorted(large.images) == [*range(7)]
    assert sorted(small.images) == [*range(7, 12)]
    assert np.allclose(large.shares, [0.75, 0.25], atol=0.01)
    assert np.allclose(large.shares, shares(weights)[:7].mean(axis=0))
    centre = weights[:7].mean(axis=0)
    distances = [np.linalg.norm(weights[i] - centre) for i in large.images]
    assert distances == sorted(distances)


def test_gates_that_are_all_the_same_make_one_cluster() -> None:
    (cluster,) = cluster_gates(np.full((5, 2, 3), 0.5, np.float32), 4)
    assert [*cluster.images] == [*range(5)]
    assert cluster.shares.tolist() == [0.5, 0.5]


def test_clusters_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalereid.packages.installed", lambda _: False)
    with pytest.raises(ModuleNotFoundError, match=r"scalereid\[figures\]"):
        cluster_gates(np.zeros((5, 2, 3), np.float32), 2)


def test_shares_are_of_the_shrunk_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a network whose first gate is a picture's mean red, and whose second one is a constant."""

    def look(_: Inspector, images: list[Image.Image]) -> Insides:
        red = [np.asarray(image)[..., 0].mean() / 255 for image in images]
        weights = np.array([[[value], [0.5]] for value in red], np.float32)
        return Insides(np.zeros((len(images), 1), np.float32), [], [weights], np.empty((len(images), 0), np.float32))

    monkeypatch.setattr(Inspector, "__call__", look)
    rng = np.random.default_rng(0)
    images = [Image.fromarray(rng.integers(0, 256, (20, 10, 3), dtype=np.uint8)) for _ in range(3)]
    (found,) = shares_by_size(object.__new__(Inspector), images, (1.0, 0.5))
    for row, scale in enumerate((1.0, 0.5)):
        red = np.array([np.asarray(shrunk(image, scale))[..., 0].mean() / 255 for image in images])
        assert found[row, 0] == pytest.approx((red / (red + 0.5)).mean(), rel=1e-5)
    assert np.allclose(found.sum(axis=1), 1)
