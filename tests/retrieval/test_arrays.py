import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from scalereid.retrieval import ranking, scores
from scalereid.retrieval.arrays import rank, score
from scalereid.retrieval.drawing import draw_pairs
from scalereid.retrieval.expansion import expand_queries
from scalereid.retrieval.labelled import labelled
from scalereid.retrieval.reranking import Reranking, rerank
from scalereid.retrieval.search import search
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


@pytest.mark.parametrize("exponent", [-140, -100, -50, -38, -20, 20, 50, 56, 62, 100])
@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_lengths_of_embeddings_change_nothing_or_are_refused(exponent: int, distance: Any) -> None:
    """By a power of two nothing is rounded; what float32 cannot square is an error rather than a wrong score."""
    query, gallery, labels = arrays(5, 30, 60, 6, 3)
    scaled = [np.ldexp(side, exponent) for side in (query, gallery)]
    of_query, of_gallery = ([labels[f"{side}_{name}"] for name in ("pids", "camids")] for side in ("query", "gallery"))
    ways: list[Callable[[Any, Any], Any]] = [
        lambda q, g: score(q, g, distance=distance, **labels).mAP,
        lambda q, g: rank(q, g, distance=distance, top=3, **labels).indices,
        lambda q, g: rerank(q, g, distance=distance, k1=5),
        lambda q, g: rerank(q, g, distance=distance, k1=5, compat="torchreid"),
        lambda q, g: search(q, g).similarities,
        lambda q, _: draw_pairs(q, 20).distances,
        lambda q, g: expand_queries(labelled(q, *of_query), labelled(g, *of_gallery)).embeddings,
    ]
    for way in ways:
        if -40 < exponent < 60:
            np.testing.assert_allclose(way(*scaled), way(query, gallery), rtol=1e-5, atol=1e-6)
        else:
            with pytest.raises(ValueError, match="is too short, at most|is too long: its squared length"):
                way(*scaled)


WRONG: dict[str, Any] = {
    "none": None,
    "dict": {},
    "text": "x",
    "true": True,
    "nan": float("nan"),
    "fraction": 1.5,
    "negative": -1,
    "huge": 2**70,
    "list": [1],
    "object": object(),
    "sparse": torch.ones(2, 2).to_sparse(),
    "meta": torch.ones(2, 2, device="meta"),
    "complex": np.ones((2, 2), complex),
    "array": np.ones((2, 2)),
    "objects": np.array([object()] * 2),
    "texts": np.array(["a", "b"]),
}
ROWS = np.eye(3, 4)
SIDES = {"query": ROWS, "gallery": ROWS}
LABELS = {name: [1, 2, 3] for name in NAMES} | {"gallery_camids": [4, 4, 4]}
CALLS: dict[Callable[..., Any], dict[str, Any]] = {
    score: SIDES
    | LABELS
    | {"distance": "cosine", "protocol": "market1501", "ap_rule": "trapezoid", "max_rank": 5, "block": 9},
    rank: SIDES | LABELS | {"distance": "cosine", "protocol": "market1501", "top": 5, "block": 9},
    rerank: SIDES | {"k1": 3, "k2": 2, "lambda_value": 0.5, "distance": "cosine", "compat": "paper"},
    search: SIDES | {"top": 2},
    draw_pairs: {"embeddings": ROWS, "number": 3},
}
MAY_BE: dict[str, set[str]] = {  # that these are not wrong for
    "query": {"array"},
    "gallery": {"array"},
    "embeddings": {"array"},
    "rerank": {"none"},
    "mask": {"none"},
    "camids": {"none"},
    "query_images": {"none"},
    "gallery_images": {"none"},
    "lambda_value": set(),
}
OPTIONAL = {
    score: ["rerank", "seed", "query_images", "gallery_images"],
    search: ["mask"],
    draw_pairs: ["camids", "seed"],
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize(
    ("call", "argument"), [(call, name) for call, given in CALLS.items() for name in (*given, *OPTIONAL.get(call, []))]
)
def test_every_argument_of_the_wrong_kind_is_named(call: Callable[..., Any], argument: str, kind: str) -> None:
    if kind in MAY_BE.get(argument, ()):
        return
    names = (
        {argument, argument.replace("_", " "), "image"}
        if argument == "embeddings"
        else {argument, argument.replace("_", " ")}
    )
    with pytest.raises(ValueError) as error:
        call(**(CALLS[call] | {argument: WRONG[kind]}))
    assert any(name in str(error.value) for name in names)
    assert re.search("[eE]xpected|Choose from|whole number", str(error.value))


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
