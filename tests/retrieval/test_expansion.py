import numpy as np
import pytest
import torch

from scalereid.retrieval.expansion import augment_gallery, expand_queries, pool_people
from tests.golden import inputs


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


@pytest.mark.parametrize("alpha", [0.0, 3.0])
@pytest.mark.parametrize("top", [1, 4, 99])
def test_queries_with_their_nearest_images(top: int, alpha: float) -> None:
    query, gallery, *_ = inputs.features(1, 9, 30, 5, 2)
    q, g = unit(query.astype(np.float64)), unit(gallery.astype(np.float64))
    cosines = q @ g.T
    for i, row in enumerate(cosines):
        chosen = np.argsort(-row)[:top]
        expected = unit(q[i] + (np.maximum(row[chosen], 0)[:, None] ** alpha * g[chosen]).sum(axis=0))
        np.testing.assert_allclose(expand_queries(query, gallery, top=top, alpha=alpha)[i], expected, atol=1e-5)


def test_gallery_images_with_their_nearest_others() -> None:
    _, gallery, *_ = inputs.features(1, 9, 30, 5, 2)
    gallery[7] = gallery[3]  # a copy is another image
    g = unit(gallery.astype(np.float64))
    cosines = g @ g.T
    np.fill_diagonal(cosines, -2)
    expected = unit(g + g[np.argsort(-cosines, axis=1)[:, :2]].sum(axis=1))
    np.testing.assert_allclose(augment_gallery(gallery, top=2), expected, atol=1e-5)
    np.testing.assert_allclose(augment_gallery(gallery[:2], top=5), unit(g[:2] + g[[1, 0]]), atol=1e-5)


def test_an_average_ignores_what_points_the_other_way() -> None:
    """With alpha, an image at a negative cosine has no weight."""
    expanded = expand_queries(np.array([[1.0, 0.0]]), np.array([[-1.0, 0.1]]), top=1, alpha=2)
    torch.testing.assert_close(expanded, torch.tensor([[1.0, 0.0]]))


def test_queries_of_a_person_and_camera_are_pooled() -> None:
    embeddings = np.array([[1.0, 0.0], [3.0, 0.0], [0.0, 5.0], [0.0, 7.0]], np.float32)
    pooled, first = pool_people(embeddings, np.array([9, 4, 9, 9]), np.array([1, 1, 1, 2]))
    assert first.tolist() == [1, 0, 3]
    assert pooled.tolist() == [[3.0, 0.0], [0.5, 2.5], [0.0, 7.0]]


@pytest.mark.parametrize("change", [{"top": 0}, {"alpha": -1.0}])
def test_bad_settings_are_named(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="they must be at least 1 and 0"):
        expand_queries(np.ones((1, 2)), np.ones((1, 2)), **change)  # type: ignore[arg-type]
