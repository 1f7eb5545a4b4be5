from collections.abc import Sequence
from pathlib import Path

import pytest

from scalereid.data.check.people import check_people
from scalereid.data.protocols import Protocol
from scalereid.data.records import ImageRecord, ReidDataset

People = list[tuple[int, int]]
TRAIN: People = [(1, 1), (1, 2), (2, 1), (2, 2)]


def kinds(
    train: Sequence[tuple[int, int]] = TRAIN,
    query: Sequence[tuple[int, int]] = (),
    gallery: Sequence[tuple[int, int]] = (),
    *,
    protocol: Protocol = "market1501",
) -> dict[str, str]:
    """What is found, by kind: how bad it is."""
    splits = [
        tuple(ImageRecord(Path(f"{split}{i}.jpg"), pid, camid) for i, (pid, camid) in enumerate(records))
        for split, records in (("t", train), ("q", query), ("g", gallery))
    ]
    findings = check_people(ReidDataset("mine", Path("here"), splits[0], splits[1], splits[2], protocol=protocol))
    return {finding.kind: finding.severity for finding in findings}


def test_nothing_wrong() -> None:
    assert kinds(query=[(8, 1), (9, 1)], gallery=[(8, 2), (9, 2)]) == {}


@pytest.mark.parametrize(
    ("train", "query", "gallery", "kind", "severity"),
    [
        ([], [], [], "no-images", "error"),
        ([(1, 1), (1, 2)], [], [], "one-person", "error"),
        ([*TRAIN, (3, 1)], [], [], "single-images", "warning"),
        ([(1, 1), (1, 1), (2, 1), (2, 1)], [], [], "one-training-camera", "warning"),
        (TRAIN, [], [], "no-test-side", "note"),
        (TRAIN, [(8, 1)], [], "one-sided-test", "error"),
        (TRAIN, [], [(8, 1)], "one-sided-test", "error"),
        (TRAIN, [(8, 1), (9, 1)], [(6, 2), (7, 2)], "absent-people", "error"),
        (TRAIN, [(8, 1), (9, 1)], [(8, 2), (7, 2)], "absent-people", "warning"),
        (TRAIN, [(8, 1), (9, 1)], [(8, 1), (9, 1)], "no-match", "error"),
        (TRAIN, [(8, 1), (9, 1)], [(8, 2), (9, 1)], "no-match", "warning"),
        (TRAIN, [(8, 1)], [(8, 2), (0, 2)], "one-gallery-person", "warning"),
        (TRAIN, [(8, 1), (9, 1)], [(8, 2), (9, 2), (0, 2)], "distractors", "note"),
        (TRAIN, [(8, 1), (0, 1)], [(8, 2), (9, 2), (0, 2)], "distractors-as-queries", "warning"),
        ([*TRAIN, (0, 1), (0, 2)], [], [], "distractors-in-training", "warning"),
        ([(1, 1), (1, 1), (2, 2), (2, 2)], [], [], "one-camera-each", "warning"),
        (TRAIN, [(1, 1), (9, 1)], [(1, 2), (9, 2)], "people-on-both-sides", "warning"),
    ],
)
def test_what_is_wrong(train: People, query: People, gallery: People, kind: str, severity: str) -> None:
    assert kinds(train, query, gallery)[kind] == severity


def test_the_rule_that_removes_all_matches_is_named() -> None:
    records = tuple(ImageRecord(Path(f"{i}.jpg"), 1 + i // 2, 1) for i in range(4))
    dataset = ReidDataset("mine", Path(), (), records[::2], records[1::2])
    [finding] = check_people(dataset)
    assert "2 of 2 queries have no match: the market1501 protocol leaves out" in finding.message
    assert "gallery images of the query's person from the query's camera" in finding.message
    assert "all images have one camera: choose the protocol all-cameras" in finding.message
    assert finding.examples == ("0.jpg", "2.jpg")


def test_one_camera_is_no_fault_where_the_protocol_does_not_mind() -> None:
    assert kinds(query=[(8, 1), (9, 1)], gallery=[(8, 1), (9, 1)], protocol="all-cameras") == {}


def test_a_query_is_no_match_for_itself() -> None:
    image = ImageRecord(Path("x.jpg"), 1, 1)
    dataset = ReidDataset(
        "mine", Path(), (), (image,), (image, ImageRecord(Path("y.jpg"), 2, 1)), protocol="all-cameras"
    )
    findings = {finding.kind: finding for finding in check_people(dataset)}
    assert findings["no-match"].severity == "error"
    assert (
        "leaves out the query's own image, and the gallery has no other image of that person"
        in findings["no-match"].message
    )
    assert "choose the protocol" not in findings["no-match"].message
    assert "query-in-gallery" in findings


@pytest.mark.parametrize(
    ("protocol", "copy", "left_out"),
    [
        ("market1501", (8, 1), True),
        ("market1501", (8, 2), False),
        ("market1501", (9, 1), False),  # another person's number on the same file: the rule leaves it in
        ("all-cameras", (8, 2), True),
        ("all-cameras", (9, 2), True),
    ],
)
def test_queries_in_the_gallery_are_noted_where_the_protocol_leaves_them_out(
    protocol: Protocol, copy: tuple[int, int], left_out: bool
) -> None:
    query = ImageRecord(Path("x.jpg"), 8, 1)
    others = tuple(ImageRecord(Path(f"{i}.jpg"), pid, 2) for i, pid in enumerate((8, 9)))
    gallery = (ImageRecord(query.path, *copy), *others)
    kinds = {finding.kind for finding in check_people(ReidDataset("mine", Path(), (), (query,), gallery, protocol))}
    assert ("query-in-gallery" in kinds) is left_out


def test_no_message_names_a_command() -> None:
    records = tuple(ImageRecord(Path(f"{i}.jpg"), 1 + i // 2, 1) for i in range(4))
    for query in ((), records[::2]):
        dataset = ReidDataset("mine", Path(), records, query, records[1::2] if query else ())
        assert not [finding for finding in check_people(dataset) if "--" in str(finding) or "`" in str(finding)]


def test_what_readers_left_out_is_told() -> None:
    records = tuple(ImageRecord(Path(f"{i}.jpg"), 1 + i // 2, i % 2) for i in range(4))
    dataset = ReidDataset("mine", Path(), records, (), (), left_out={"junk (pid −1) in query": 3})
    assert "left out: 3 junk (pid −1) in query" in [finding.message for finding in check_people(dataset)]


def test_many_examples_are_counted() -> None:
    train = [*TRAIN, *((pid, 1) for pid in range(10, 17))]
    splits = tuple(ImageRecord(Path(f"{i}.jpg"), pid, camid) for i, (pid, camid) in enumerate(train))
    finding = next(f for f in check_people(ReidDataset("mine", Path(), splits, (), ())) if f.kind == "single-images")
    assert finding.examples == tuple(f"pid {pid}" for pid in range(10, 17))  # all of them, for programs
    assert str(finding).startswith("warning: 7 of 9 training people have a single image")
    assert str(finding).endswith("\n    pid 12\n    … and 4 more")
    assert finding.to_json()["kind"] == "single-images"
