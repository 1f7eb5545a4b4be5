from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from scalereid.data.records import ImageRecord, ReidDataset
from scalereid.retrieval.labelled import LabelledEmbeddings, labelled, paired, with_labels


def five() -> LabelledEmbeddings:
    return labelled(
        np.arange(10.0).reshape(5, 2),
        [7, 8, 9, 7, -1],
        [1, 2, 3, 4, 5],
        images=[10, 11, 12, 13, 14],
        times=[0.0, 0.5, 1.0, 1.5, 2.0],
        paths=["a", "b", "c", "d", "e"],
    )


@pytest.mark.parametrize(
    "selection",
    [
        slice(1, 4, 2),
        torch.tensor([1, 3]),
        np.array([1, 3]),
        torch.tensor([False, True, False, True, False]),
        np.array([False, True, False, True, False]),
    ],
)
def test_rows_take_every_label_along(selection: Any) -> None:
    some = five().rows(selection)
    assert len(some) == 2
    assert some.embeddings.tolist() == [[2, 3], [6, 7]]
    assert (some.pids.tolist(), some.camids.tolist()) == ([8, 7], [2, 4])
    assert some.images is not None and some.images.tolist() == [11, 13]
    assert some.times is not None and some.times.tolist() == [0.5, 1.5]
    assert some.paths == ("b", "d")


def test_rows_without_optional_labels() -> None:
    some = labelled(np.eye(3), [1, 2, 3], [1, 1, 1]).rows(slice(0, 2))
    assert (some.images, some.times, some.paths) == (None, None, None)


def test_slices_share_memory() -> None:
    """Ranking takes a slice for each block of queries."""
    everything = five()
    some = everything.rows(slice(2, 4))
    assert some.embeddings.data_ptr() == everything.embeddings[2].data_ptr()


def test_labels_of_any_type_become_int64() -> None:
    """255 of one byte is not −1, and whole floats are numbers."""
    found = labelled(np.eye(2), np.array([255, 3], np.uint8), torch.tensor([1.0, 2.0]), times=[1, 2])
    assert found.pids.tolist() == [255, 3]
    assert found.pids.dtype == found.camids.dtype == torch.long
    assert found.times is not None and found.times.dtype == torch.double
    for kind in (np.int8, np.int16, np.uint16, np.uint32, np.uint64):
        found = labelled(np.eye(2), np.array([3, np.iinfo(kind).max // 2], kind), np.array([1, 2], kind))
        assert found.pids.tolist() == [3, np.iinfo(kind).max // 2]
        assert found.camids.tolist() == [1, 2]
    assert labelled(np.eye(2), [16777217.0, 1.0], [1, 1]).pids.tolist() == [16777217, 1]
    assert labelled(np.eye(2), np.array([2**63 - 1, 0], np.uint64), [-(2**63), 1]).pids.tolist() == [2**63 - 1, 0]


def test_float32_memory_maps_are_not_copied(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((4, 2), np.float32))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert labelled(mapped, [1] * 4, [1] * 4).embeddings.data_ptr() == mapped.ctypes.data


GOOD: dict[str, Any] = {"embeddings": np.ones((2, 3)), "pids": [1, 2], "camids": [1, 1]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"embeddings": np.ones(2)}, r"query embeddings have shape \[2\]; expected \(n, d\), one row per image"),
        ({"embeddings": [[1.0, 2.0], [np.nan, 1.0]]}, "the query embedding in row 1 has NaN or infinity"),
        ({"embeddings": np.full((2, 3), np.inf)}, "the query embedding in row 0 has NaN or infinity"),
        ({"pids": [1]}, r"query pids have shape \[1\]; expected \[2\], one per embedding"),
        ({"pids": [[1, 2]]}, r"query pids have shape \[1, 2\]; expected \[2\]"),
        ({"camids": [1, 2, 3]}, r"query camids have shape \[3\]; expected \[2\]"),
        ({"images": [1]}, r"query images have shape \[1\]; expected \[2\]"),
        ({"times": [1.0]}, r"query times have shape \[1\]; expected \[2\]"),
        ({"paths": ["a.jpg"]}, "query has 1 path; expected 2, one per embedding"),
        ({"pids": [1.0, 2.5]}, r"query pids have 2\.5 in row 1; expected whole numbers"),
        ({"camids": [np.nan, 1.0]}, "query camids have nan in row 0; expected whole numbers"),
        ({"camids": [np.inf, 1.0]}, "query camids have inf in row 0; expected whole numbers"),
        (
            {"pids": [2**63, 1]},
            r"query pids have 9.2\d+e.18 in row 0; expected whole numbers that fit into 64 bits",
        ),
        ({"pids": [2**70, 1]}, "query pids are a list; expected an array or a tensor of numbers"),
        (
            {"pids": torch.tensor([16777217.0, 2.0**25])},
            "query pids have 33554432.0 in row 1; .* large ones as integers",
        ),
        (
            {"pids": np.array([1, 2**63], np.uint64)},
            "query pids have 9223372036854775808 in row 1; .* fit into 64 bits",
        ),
        (
            {"pids": [1.0, 2.0**63]},
            r"query pids have 9\.2\d+e\+18 in row 1; expected whole numbers that fit into 64 bits",
        ),
        ({"pids": [1.0, -1e30]}, r"query pids have -1e\+30 in row 1; expected whole numbers that fit into 64 bits"),
        ({"pids": [True, False]}, "query pids are booleans; expected whole numbers"),
        ({"pids": None}, "query pids are a NoneType; expected an array or a tensor of numbers"),
        ({"pids": {}}, "query pids are a dict; expected an array or a tensor of numbers"),
        ({"pids": ["1", "2"]}, "query pids are a list; expected an array or a tensor of numbers"),
        ({"pids": np.array([1, None])}, "query pids are a ndarray; expected an array or a tensor of numbers"),
        ({"camids": np.array(["a", "b"])}, "query camids are a ndarray; expected an array or a tensor of numbers"),
        ({"camids": np.ones(2, complex)}, "query camids are complex; expected an array or a tensor of real numbers"),
        (
            {"camids": torch.ones(2).to_sparse()},
            "query camids are sparse; expected an array or a tensor of real numbers",
        ),
        ({"images": torch.ones(2, device="meta")}, "query images are without values; expected an array"),
        ({"times": ["a", "b"]}, "query times are a list; expected an array or a tensor of numbers"),
    ],
)
def test_bad_labels_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        labelled(**(GOOD | change), name="query")


@pytest.mark.parametrize(
    ("query", "gallery", "message"),
    [
        ({"embeddings": np.ones((0, 2)), "pids": [], "camids": []}, {}, "there are no query embeddings"),
        ({}, {"embeddings": np.ones((0, 3)), "pids": [], "camids": []}, "the gallery has no embeddings"),
        ({}, {"embeddings": np.ones((2, 5))}, "query and gallery embeddings differ in width: 3 and 5"),
        (
            {"pids": [1, -1]},
            {},
            "has pid −1, which is junk .* people are not known, scalereid.search finds the nearest",
        ),
        ({"images": [1, 2]}, {}, "image ids are given for query or gallery alone; give them for both"),
        ({}, {"images": [1, 2]}, "image ids are given for query or gallery alone"),
    ],
)
def test_pairs_that_do_not_fit_are_named(query: dict[str, Any], gallery: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        paired(labelled(**(GOOD | query)), labelled(**(GOOD | gallery)))


def test_a_pair_that_fits_is_left_as_it_is() -> None:
    query, gallery = five().rows(slice(0, 4)), five()
    for before, after in zip((query, gallery), paired(query, gallery), strict=True):
        for field in fields(before):
            one, other = getattr(before, field.name), getattr(after, field.name)
            assert one == other if field.name in ("paths", "gallery") else one.data_ptr() == other.data_ptr()


def records(*people: tuple[str, int, int, int | None]) -> tuple[ImageRecord, ...]:
    return tuple(ImageRecord(Path(path), pid, camid, tracklet) for path, pid, camid, tracklet in people)


def test_a_datasets_labels_one_per_tracklet() -> None:
    """The image in both has one id, and of a tracklet the first image counts."""
    query = records(("q1.jpg", 5, 1, None), ("both.jpg", 6, 2, None))
    gallery = records(
        ("t1.jpg", 5, 2, 1), ("both.jpg", 6, 2, None), ("t2.jpg", 5, 2, 1), ("u1.jpg", 6, 1, 1), ("u2.jpg", 6, 1, 1)
    )
    dataset = ReidDataset("mine", Path(), (), query, gallery)
    q, g = with_labels(dataset, torch.zeros(2, 4), torch.zeros(3, 4))
    assert q.paths == ("q1.jpg", "both.jpg")
    assert g.paths == ("t1.jpg", "both.jpg", "u1.jpg")
    assert (g.pids.tolist(), g.camids.tolist()) == ([5, 6, 6], [2, 2, 1])
    assert q.images is not None and g.images is not None
    assert (q.images[:, None] == g.images).tolist() == [[False, False, False], [False, True, False]]
    with pytest.raises(ValueError, match="found 5 gallery embeddings; expected 3, one per image or tracklet"):
        with_labels(dataset, torch.zeros(2, 4), torch.zeros(5, 4))  # embeddings of images that were not pooled


@pytest.mark.gpu
def test_labels_move_to_the_querys_device() -> None:
    query = five().rows(slice(0, 4)).to(torch.device("cuda"))
    _, gallery = paired(query, five())
    for field in fields(gallery):
        if field.name != "paths":
            assert getattr(gallery, field.name).device.type == "cuda"
    assert replace(gallery).paths == five().paths
