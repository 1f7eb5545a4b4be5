import numpy as np
import torch

from scalereid.data.images import load_image, resize
from scalereid.data.records import ReidDataset
from scalereid.experiments.degraded import degradations, retrieve_degraded
from scalereid.experiments.evaluation import evaluate
from scalereid.inference.embedder import Embedder
from scalereid.retrieval.scores import score
from scalereid.runs.run import Run


def test_what_is_found_for_degraded_queries(people: ReidDataset, trained: Run) -> None:
    evaluation = evaluate(trained.folder, data=people.root)
    as_it_is, blurred, occluded, darkened = degradations(blur=0.1, occlusion=0.5, gamma=3)
    rows = [0, 3, 7, 15]
    found = retrieve_degraded(evaluation, rows, as_it_is, top=3)
    assert found.ranking.indices.equal(evaluation.rank(3).indices[rows])
    assert found.scores.per_query
    assert evaluation.scores.per_query
    assert np.array_equal(
        found.scores.per_query.average_precision, evaluation.scores.per_query.average_precision[rows], equal_nan=True
    )
    for each, words in (
        (blurred, "Gaussian blur, deviation 10.0% of the height"),
        (occluded, "the lower 50% of the picture grey"),
        (darkened, "every value to the power of γ = 3"),
    ):
        assert each.words == words
        images = [each.change(load_image(people.query[row].path)) for row in rows]
        with Embedder(trained.folder, runtime="torch", normalize=False) as embedder:
            size = embedder.metadata.image_size
            embeddings = torch.from_numpy(embedder.embed_pixels(np.stack([resize(image, size) for image in images])))
        query = evaluation.query.rows(torch.tensor(rows))
        query.embeddings[:] = embeddings
        expected = score(query, evaluation.gallery, distance=evaluation.scores.distance)
        assert abs(retrieve_degraded(evaluation, rows, each).scores.mAP - expected.mAP) < 1e-6
