import numpy as np
import pytest

from scalereid.retrieval.plane import in_a_plane


def test_people_stay_together() -> None:
    """Of three people far apart, each picture's nearest in the plane is of the same person."""
    rng = np.random.default_rng(0)
    people = np.repeat(np.eye(3, 8), 6, axis=0)
    embeddings = (people + rng.normal(0, 0.05, people.shape)).astype(np.float32)
    places = in_a_plane(embeddings, seed=1)
    assert places.shape == (18, 2)
    assert places.min() == 0
    assert places.max() == 1
    apart = np.linalg.norm(places[:, None] - places[None], axis=2) + 9 * np.eye(18)
    assert (apart.argmin(axis=1) // 6 == np.arange(18) // 6).all()
    assert np.array_equal(in_a_plane(embeddings, seed=1), places)


def test_few_embeddings() -> None:
    assert in_a_plane(np.eye(4, dtype=np.float32)).shape == (4, 2)
    with pytest.raises(ValueError, match="found 3 embeddings; a map needs at least 4"):
        in_a_plane(np.eye(3, dtype=np.float32))


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalereid.packages.installed", lambda _: False)
    with pytest.raises(ModuleNotFoundError, match=r"needed for maps of embeddings and clusters.*scalereid\[figures\]"):
        in_a_plane(np.eye(4, dtype=np.float32))
