from dataclasses import replace
from pathlib import Path

import pytest

from scalereid.data.check.people import check_people
from scalereid.data.protocols import Protocol
from scalereid.data.records import ImageRecord, ReidDataset
from scalereid.data.splitting import with_query_and_gallery


def dataset(*images: tuple[int, int]) -> ReidDataset:
    records = tuple(ImageRecord(Path(f"{i:03d}.jpg"), pid, camid) for i, (pid, camid) in enumerate(images))
    return ReidDataset("mine", Path(), records, (), ())


def test_half_of_the_people_are_for_testing() -> None:
    split = with_query_and_gallery(dataset(*((pid, camid) for pid in range(1, 21) for camid in (1, 2, 2, 3, 3))))
    assert len({r.pid for r in split.train}) == 10
    assert not {r.pid for r in split.train} & {r.pid for r in split.gallery}
    assert len(split.query) == 30  # the first from each camera
    assert len(split.gallery) == 20
    assert [f.kind for f in check_people(split) if f.severity != "note"] == []


def test_people_who_cannot_have_a_match_stay_in_training() -> None:
    split = with_query_and_gallery(dataset((1, 1), (1, 1), (2, 1), (2, 2), (3, 4), (0, 1), (0, 2)), train_share=0)
    assert {r.pid for r in split.train} == {0, 1, 3}  # one camera, one image, distractors
    assert [(r.pid, r.camid) for r in split.query] == [(2, 1)]  # the other image is needed in the gallery
    assert [(r.pid, r.camid) for r in split.gallery] == [(2, 2)]


def test_one_camera_takes_two_images() -> None:
    split = with_query_and_gallery(dataset((1, 1), (1, 1), (1, 1), (2, 1)), train_share=0)
    assert len(split.query) == 1
    assert len(split.gallery) == 2


def test_cameras_do_not_matter_where_the_protocol_says_so() -> None:
    images = replace(dataset((1, 1), (1, 1), (2, 2), (2, 2)), protocol="all-cameras")
    split = with_query_and_gallery(images, train_share=0)
    assert [(r.pid, r.camid) for r in split.query] == [(1, 1), (2, 2)]
    assert len(split.gallery) == 2


def with_tracklets(*images: tuple[int, int, int], protocol: Protocol = "market1501") -> ReidDataset:
    records = tuple(ImageRecord(Path(f"{i:03d}.jpg"), *labels) for i, labels in enumerate(images))
    return ReidDataset("mine", Path(), records, (), (), protocol)


def test_a_tracklet_stays_whole() -> None:
    frames = with_tracklets(*((1, camid, number) for camid in (1, 2) for number in (1, 2) for _ in range(3)))
    split = with_query_and_gallery(frames, train_share=0)
    assert [(r.camid, r.tracklet) for r in split.query] == [(1, 1)] * 3 + [(2, 1)] * 3
    assert [(r.camid, r.tracklet) for r in split.gallery] == [(1, 2)] * 3 + [(2, 2)] * 3
    assert (split.counts()["query"].tracklets, split.counts()["gallery"].tracklets) == (2, 2)


def test_a_single_tracklet_has_no_match() -> None:
    frames = with_tracklets((1, 1, 1), (1, 1, 1), (2, 1, 1), (2, 1, 2), (2, 1, 2), protocol="all-cameras")
    split = with_query_and_gallery(frames, train_share=0)
    assert {r.pid for r in split.train} == {1}
    assert [(r.pid, r.tracklet) for r in (*split.query, *split.gallery)] == [(2, 1), (2, 2), (2, 2)]


def test_the_same_people_every_time_whatever_the_order() -> None:
    images = [(pid, camid) for pid in range(1, 21) for camid in (1, 2)]
    people = {r.pid for r in with_query_and_gallery(dataset(*images)).query}
    assert people == {r.pid for r in with_query_and_gallery(dataset(*reversed(images))).query}


def test_what_cannot_be_split_is_named() -> None:
    with pytest.raises(
        ValueError, match="no person in mine has images from two cameras, so no query could have a match"
    ):
        with_query_and_gallery(dataset((1, 1), (2, 2)))
    with pytest.raises(ValueError, match="no person in mine has two images, so"):
        with_query_and_gallery(dataset((1, 1), (2, 1)))
    done = with_query_and_gallery(dataset((1, 1), (1, 2)), train_share=0)
    with pytest.raises(ValueError, match="mine already has query and gallery images"):
        with_query_and_gallery(done)
    with pytest.raises(ValueError, match="train_share is 1; it must be at least 0 and below 1"):
        with_query_and_gallery(dataset((1, 1), (1, 2)), train_share=1)


@pytest.mark.parametrize(("findable", "tested"), [(100, 50), (60, 50), (40, 40)])
def test_the_share_is_of_all_people(findable: int, tested: int) -> None:
    images = [(pid, camid) for pid in range(1, 101) for camid in ((1, 2) if pid <= findable else (1,))]
    assert len({r.pid for r in with_query_and_gallery(dataset(*images)).gallery}) == tested
