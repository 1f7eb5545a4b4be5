import numpy as np
import pytest

from scalereid.data.records import ReidDataset
from scalereid.experiments.evaluation import evaluate
from scalereid.figures.neighbours import embeddings_by_file, nearest_pictures
from scalereid.figures.pictures import NEAR
from scalereid.retrieval import Distance
from scalereid.runs.run import Run


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
@pytest.mark.parametrize("block", [5, 1000])
def test_the_nearest_pictures_alone_are_kept(distance: Distance, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ten thousand pictures a list of all others each would fill the memory."""
    monkeypatch.setattr("scalereid.figures.neighbours._BLOCK", block)
    rows = np.random.default_rng(0).normal(size=(20, 9)).astype(np.float32)
    found = nearest_pictures({str(i): row for i, row in enumerate(rows)}, distance)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    for i in range(20):
        distances = -(unit @ unit[i]) if distance == "cosine" else np.linalg.norm(rows - rows[i], axis=1)
        assert found[str(i)] == [str(j) for j in np.argsort(distances) if j != i][:NEAR]


def test_no_pictures_have_no_neighbours() -> None:
    assert nearest_pictures({}) == {}


def test_embeddings_are_those_of_the_evaluation(people: ReidDataset, trained: Run) -> None:
    evaluation = evaluate(trained.folder, data=people.root)
    found = embeddings_by_file(evaluation)
    assert [*found] == [str(record.path) for record in (*people.query, *people.gallery)]
    np.testing.assert_array_equal(found[str(people.gallery[3].path)], evaluation.gallery.embeddings[3].numpy())
