from typing import Any

import numpy as np
import pytest
import torch

from scalereid.retrieval.expansion import augment_gallery, expand_queries
from scalereid.retrieval.labelled import LabelledEmbeddings, labelled
from tests.golden import inputs


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def numbered(embeddings: Any) -> LabelledEmbeddings:
    """Each row another person's and camera's."""
    rows = np.arange(len(embeddings))
    return labelled(np.asarray(embeddings), rows, rows + 100, images=rows + 200)


@pytest.mark.parametrize("alpha", [0.0, 3.0])
@pytest.mark.parametrize("top", [1, 4, 99])
def test_queries_with_their_nearest_images(top: int, alpha: float) -> None:
    query, gallery, *_ = inputs.features(1, 9, 30, 5, 2)
    found = expand_queries(numbered(query), numbered(gallery), top=top, alpha=alpha)
    assert found.pids.tolist() == list(range(9))
    assert found.camids.tolist() == list(range(100, 109))
    q, g = unit(query.astype(np.float64)), unit(gallery.astype(np.float64))
    cosines = q @ g.T
    for i, row in enumerate(cosines):
        chosen = np.argsort(-row)[:top]
        expected = unit(q[i] + (np.maximum(row[chosen], 0)[:, None] ** alpha * g[chosen]).sum(axis=0))
        np.testing.assert_allclose(found.embeddings[i], expected, atol=1e-5)


def test_gallery_images_with_their_nearest_others() -> None:
    _, gallery, *_ = inputs.features(1, 9, 30, 5, 2)
    gallery[7] = gallery[3]  # a copy is another image
    g = unit(gallery.astype(np.float64))
    cosines = g @ g.T
    np.fill_diagonal(cosines, -2)
    expected = unit(g + g[np.argsort(-cosines, axis=1)[:, :2]].sum(axis=1))
    found = augment_gallery(numbered(gallery), top=2)
    np.testing.assert_allclose(found.embeddings, expected, atol=1e-5)
    assert found.images is not None and found.images.tolist() == list(range(200, 230))
    two = augment_gallery(numbered(gallery[:2]), top=5)
    np.testing.assert_allclose(two.embeddings, unit(g[:2] + g[[1, 0]]), atol=1e-5)


def test_an_average_ignores_what_points_the_other_way() -> None:
    """With alpha, an image at a negative cosine has no weight."""
    expanded = expand_queries(numbered([[1.0, 0.0]]), numbered([[-1.0, 0.1]]), top=1, alpha=2)
    torch.testing.assert_close(expanded.embeddings, torch.tensor([[1.0, 0.0]]))


@pytest.mark.parametrize(
    ("gallery", "change", "message"),
    [
        (np.ones((1, 2)), {"top": 0}, "top is 0; expected a whole number of at least 1"),
        (np.ones((1, 2)), {"alpha": -1.0}, "alpha is -1.0; expected a number of at least 0"),
        (np.ones((0, 2)), {}, "the gallery has no embeddings"),
        (np.ones((1, 3)), {}, "query and gallery embeddings differ in width: 2 and 3"),
    ],
)
def test_bad_input_is_named(gallery: Any, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        expand_queries(numbered(np.ones((1, 2))), numbered(gallery), **change)
