from dataclasses import replace

import pytest
import torch

from scalereid.experiments.options import EvaluationOptions
from scalereid.progress import Progress
from scalereid.retrieval.labelled import LabelledEmbeddings, labelled


def rows(*values: tuple[list[float], int, int]) -> LabelledEmbeddings:
    """Embeddings, pids and camids."""
    return labelled(
        torch.tensor([embedding for embedding, _, _ in values]),
        [pid for _, pid, _ in values],
        [camid for _, _, camid in values],
    )


QUERY = rows(([1.0, 0.0], 1, 1), ([0.6, 0.8], 1, 1), ([0.0, 1.0], 2, 1))
GALLERY = rows(([1.0, 0.1], 1, 2), ([0.1, 1.0], 2, 2))


@pytest.mark.parametrize(
    ("options", "distance", "protocol", "message"),
    [
        (EvaluationOptions(expand_queries=1), "euclidean", "market1501", "distance is 'euclidean', but expand_queries"),
        (EvaluationOptions(augment_gallery=1), "euclidean", "market1501", "set distance to 'cosine'"),
        (EvaluationOptions(alpha=3.0), "cosine", "market1501", "alpha is 3.0, but no neighbours are added"),
        (EvaluationOptions(multi_query=True), "cosine", "all-cameras", "multi_query pools queries"),
    ],
)
def test_options_that_do_not_fit_together(
    options: EvaluationOptions, distance: str, protocol: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        options.check(distance, protocol)  # type: ignore[arg-type]


def test_options_that_fit() -> None:
    EvaluationOptions().check("euclidean", "all-cameras")
    EvaluationOptions(expand_queries=2, alpha=3.0, multi_query=True).check("cosine", "market1501")


def test_nothing_is_done_by_default() -> None:
    query, gallery = EvaluationOptions().apply(QUERY, GALLERY, Progress.silent())
    assert query is QUERY
    assert gallery is GALLERY
    assert EvaluationOptions().neighbours() == ""


def test_queries_are_pooled_by_person_and_camera() -> None:
    query, _ = EvaluationOptions(multi_query=True).apply(QUERY, GALLERY, Progress.silent())
    assert query.pids.tolist() == [1, 2]
    torch.testing.assert_close(query.embeddings, torch.tensor([[0.8, 0.4], [0.0, 1.0]]))


def test_neighbours_are_added_in_order() -> None:
    """The gallery is augmented before queries are expanded with it: by hand for two images."""
    options = EvaluationOptions(augment_gallery=1, expand_queries=1)
    query, gallery = options.apply(QUERY, GALLERY, Progress.silent())
    images = torch.nn.functional.normalize(GALLERY.embeddings)
    both = torch.nn.functional.normalize(images.sum(dim=0, keepdim=True))
    torch.testing.assert_close(gallery.embeddings, both.expand(2, 2))
    first = torch.nn.functional.normalize(QUERY.embeddings[:1] + both)
    torch.testing.assert_close(query.embeddings[:1], first)
    assert gallery.pids.tolist() == [1, 2]
    assert options.neighbours() == "gallery augmented by 1, queries expanded by 1 (α 0)"
    assert replace(options, multi_query=True).neighbours().startswith("queries pooled by person and camera, ")
