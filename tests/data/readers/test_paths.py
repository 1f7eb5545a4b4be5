import pytest

from scalereid.data.readers.paths import FoldersOf, PathLabels, read_paths


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (["0042_c3_0001.jpg", "a/-1_c2s1.jpg"], [(42, 3), (-1, 2)]),
        (["0042_c3_0001.jpg", "c2.jpg"], [(-1, 3), (-1, 2)]),  # all tell a camera, not all a person
        (["0042_c3_0001.jpg", "holiday.jpg"], [(-1, -1)] * 2),
        (["20260101_c3_0001.jpg", "20260102_c4_0001.jpg"], [(-1, 3), (-1, 4)]),  # dates are no people
        (["1767225600_c3.jpg"], [(-1, 3)]),  # nor are seconds since 1970
        (["cam1/20260101_120000.jpg", "cam2/day/2026-01-01T12-00-00.jpg"], [(-1, 1), (-1, 2)]),
        (["query/cam1/a.jpg", "gallery/cam2/a.jpg"], [(-1, 1), (-1, 2)]),
        (["cam1/a.jpg", "b.jpg"], [(-1, -1)] * 2),
        (["kitchen/a.jpg", "hall/b.jpg"], [(-1, -1)] * 2),  # people or cameras?
        ([], []),
    ],
)
def test_what_all_paths_tell(images: list[str], labels: list[tuple[int, int]]) -> None:
    found = read_paths([f"./crops/{image}" for image in images], "crops")
    assert [(one.pid, one.camid) for one in found] == labels


@pytest.mark.parametrize(
    ("folders", "labels"),
    [
        ("cameras", [PathLabels(-1, 2, "kitchen"), PathLabels(-1, 1, "hall")]),
        ("people", [PathLabels(2, -1), PathLabels(1, -1)]),
    ],
)
def test_folders_of_people_or_cameras(folders: FoldersOf, labels: list[PathLabels]) -> None:
    assert read_paths(["crops/kitchen/a.jpg", "crops/hall/x/b.jpg"], "crops/", folders) == labels
    with pytest.raises(ValueError, match=rf"crops/b\.jpg is not in a folder of crops, .* the folders of {folders}"):
        read_paths(["crops/kitchen/a.jpg", "crops/b.jpg"], "crops", folders)
