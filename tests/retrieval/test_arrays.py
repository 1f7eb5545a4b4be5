import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from scalereid.retrieval import ranking, scores
from scalereid.retrieval.arrays import rank, score
from scalereid.retrieval.reranking import Reranking
from tests.golden import inputs
from tests.retrieval.reference import pair

NAMES = ("query_pids", "gallery_pids", "query_camids", "gallery_camids")


def arrays(*size: int) -> tuple[Any, Any, dict[str, Any]]:
    """Embeddings, and labels by the names of arguments; every image of the query is also in the gallery."""
    query, gallery, *labels = inputs.features(*size)
    ids = {"query_images": np.arange(len(query)), "gallery_images": np.arange(len(gallery))}
    return query, gallery, dict(zip(NAMES, labels, strict=True)) | ids


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"distance": "euclidean", "protocol": "all-cameras", "ap_rule": "trapezoid"},
        {"protocol": "single-gallery-shot", "seed": 3, "max_rank": 7, "block": 900},
        {"rerank": Reranking(k1=5)},
    ],
)
def test_score_hands_everything_on(how: dict[str, Any]) -> None:
    query, gallery, labels = arrays(5, 40, 60, 6, 3)
    found, expected = score(query, gallery, **labels, **how), scores.score(*pair(query, gallery, **labels), **how)
    assert found.to_json() == expected.to_json()


def test_rank_hands_everything_on() -> None:
    query, gallery, labels = arrays(5, 40, 60, 6, 3)
    how: dict[str, Any] = {"distance": "euclidean", "protocol": "all-cameras", "top": 3, "block": 900}
    found, expected = rank(query, gallery, **labels, **how), ranking.rank(*pair(query, gallery, **labels), **how)
    assert [values.tolist() for values in found] == [values.tolist() for values in expected]
    assert found.indices.shape == (40, 3)


def test_tensors_and_arrays_score_alike() -> None:
    query, gallery, labels = arrays(5, 10, 60, 6, 3)
    tensors: dict[str, Any] = {name: torch.from_numpy(numbers) for name, numbers in labels.items()}
    lists: dict[str, Any] = {name: numbers.tolist() for name, numbers in labels.items()}
    found = score(query, gallery, **labels).to_json()
    assert score(torch.from_numpy(query), torch.from_numpy(gallery), **tensors).to_json() == found
    assert score(query, gallery, **lists).to_json() == found


def test_memory_maps_are_read_in_place(tmp_path: Path) -> None:
    """Read-only ones, of labels too."""
    query, gallery, labels = arrays(3, 20, 300, 20, 4)
    mapped: dict[str, Any] = {}
    for name, values in ({"query": query, "gallery": gallery} | labels).items():
        np.save(tmp_path / f"{name}.npy", values)
        mapped[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    assert score(**mapped).to_json() == score(query, gallery, **labels).to_json()


PEOPLE: dict[str, Any] = {"query_pids": [1], "gallery_pids": [1, 2], "query_camids": [1], "gallery_camids": [2, 2]}


@pytest.mark.parametrize(
    ("query", "gallery", "change", "message"),
    [
        (np.ones((0, 4)), np.ones((2, 4)), {"query_pids": [], "query_camids": []}, "there are no query embeddings"),
        (np.ones((1, 4)), np.ones((0, 4)), {"gallery_pids": [], "gallery_camids": []}, "gallery has no embeddings"),
        (np.ones((1, 4)), np.ones((2, 5)), {}, "query and gallery embeddings differ in width: 4 and 5"),
        (np.ones(4), np.ones((2, 4)), {}, r"query embeddings have shape \[4\]; expected \(n, d\)"),
        (np.ones((1, 4)), np.array([[1.0] * 4, [np.nan] * 4]), {}, "gallery embedding in row 1 has NaN"),
        (np.full((1, 4), np.inf), np.ones((2, 4)), {}, "query embedding in row 0 has NaN or infinity"),
        (np.ones((1, 4)), np.ones((2, 4)), {"gallery_pids": [1]}, r"gallery pids have shape \[1\]; expected \[2\]"),
        (
            np.ones((1, 4)),
            np.ones((2, 4)),
            {"gallery_pids": [3, 2]},
            "none of the people of the 1 query is in the gal",
        ),
        (np.ones((1, 4)), np.ones((2, 4)), {"gallery_camids": [1, 1]}, "from the query's camera, .* two cameras"),
        (np.ones((1, 4)), np.ones((2, 4)), {"query_pids": [-1]}, "query 0 has pid −1, which is junk"),
        (np.ones((1, 4)), np.ones((2, 4)), {"query_images": [3]}, "image ids are given for query or gallery alone"),
    ],
)
def test_bad_input_is_named(query: Any, gallery: Any, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        score(query, gallery, **(PEOPLE | change))


MEMORY = """
import re, torch, numpy as np, scalereid
from pathlib import Path
rng = np.random.default_rng(0)
def side(n):
    return rng.standard_normal((n, 512), np.float32), rng.integers(0, 751, n), rng.integers(0, 6, n)
(query, q_pids, q_camids), (gallery, g_pids, g_camids) = side(3368), side(15913)
scalereid.score(query, gallery, query_pids=q_pids, gallery_pids=g_pids, query_camids=q_camids, gallery_camids=g_camids)
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def test_market1501_sizes_fit_in_500_megabytes() -> None:
    """The whole process: Python, torch, the embeddings and what scoring needs.

    Asked of /proc, because getrusage starts a program's peak at that of the program that started it.
    """
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells a process's peak of memory in /proc")
    printed = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True).stdout
    assert int(printed) < 500
