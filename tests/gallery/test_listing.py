import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from scalereid.gallery.listing import read_listed_sightings, write_listed_sightings
from scalereid.gallery.sightings import Seen


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).touch()
    return tmp_path


def test_a_table_says_where_and_when(folder: Path) -> None:
    (folder / "t.csv").write_text(
        "path,camera,time,track,left,top,right,bottom,attribute.bag,note\n"
        "a.jpg,hall,2026-03-01T12:00:00+02:00,7,1,2,3.5,4,0.25,x\n"
        "a.jpg,,,,,,,,,\n"
    )
    time = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert read_listed_sightings(folder / "t.csv") == [
        Seen(str(folder / "a.jpg"), "hall", time, (1.0, 2.0, 3.5, 4.0), "7", {"bag": 0.25}),
        Seen(str(folder / "a.jpg")),
    ]


def test_a_suffix_in_upper_case(folder: Path) -> None:
    (folder / "T.CSV").write_text("path,camera\na.jpg,hall\n")
    assert read_listed_sightings(folder / "T.CSV") == [Seen(str(folder / "a.jpg"), "hall")]


def test_json_lines_say_the_same(folder: Path) -> None:
    rows = [
        {"path": "b.jpg", "camid": 3, "time": "2026-03-01", "box": [1, 2, 3, 4], "attributes": {"hat": 1}, "track": 5},
        {"path": "a.jpg", "time": None},
    ]
    (folder / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert read_listed_sightings(folder / "t.jsonl") == [
        Seen(str(folder / "b.jpg"), "3", datetime(2026, 3, 1, tzinfo=UTC), (1, 2, 3, 4), "5", {"hat": 1}),
        Seen(str(folder / "a.jpg")),
    ]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"path": 5}, "path is 5; it must be text"),
        ({"path": "a.jpg", "time": "noon"}, "time is 'noon'; it must be like 2026-11-01T13:05:20"),
        ({"path": "a.jpg", "left": 1, "top": 2, "right": 3}, "bottom is missing"),
        ({"path": "a.jpg", "left": "x", "top": 2, "right": 3, "bottom": 4}, "left is 'x'; it must be a number"),
        ({"path": "a.jpg", "box": [1, 2, 3]}, "box is a list of 3, not of 4"),
        ({"path": "a.jpg", "box": [3, 2, 1, 4]}, "expected left < right and top < bottom"),
        ({"path": "a.jpg", "attribute.bag": 2}, "attribute.bag is 2.0; expected a likelihood from 0 to 1"),
        ({"path": "a.jpg", "attributes": {"bag": "big"}}, "attributes.bag is 'big', not float"),
        ({"camera": "x"}, "path is missing"),
    ],
)
def test_what_is_wrong_is_named(folder: Path, row: dict[str, object], problem: str) -> None:
    (folder / "t.jsonl").write_text(json.dumps({"path": "a.jpg"}) + "\n" + json.dumps(row))
    with pytest.raises(ValueError, match="t.jsonl, line 2: ") as raised:
        read_listed_sightings(folder / "t.jsonl")
    assert problem in str(raised.value)


def test_a_box_is_of_floats_however_it_is_written(folder: Path) -> None:
    """As its text is part of a sighting's digest."""
    rows: list[dict[str, object]] = [
        {"path": "a.jpg", "box": [1, 2, 3, 4]},
        {"path": "a.jpg", "left": 1, "top": "2", "right": 3.0, "bottom": 4},
    ]
    (folder / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "t.csv").write_text("path,left,top,right,bottom\na.jpg,1,2,3,4\n")
    found = [*read_listed_sightings(folder / "t.jsonl"), *read_listed_sightings(folder / "t.csv")]
    assert [repr(each.box) for each in found] == ["(1.0, 2.0, 3.0, 4.0)"] * 3


def test_a_cell_too_many_is_named(folder: Path) -> None:
    (folder / "t.csv").write_text("path,camera\na.jpg,hall\nb.jpg,hall,7\n")
    with pytest.raises(ValueError, match=r"t\.csv, line 3: it has more cells than the first line has columns$"):
        read_listed_sightings(folder / "t.csv")


def test_pictures_must_be_there(folder: Path) -> None:
    (folder / "t.csv").write_text("path\nc.jpg\n")
    with pytest.raises(FileNotFoundError, match="t.csv, line 2: .*c.jpg does not exist"):
        read_listed_sightings(folder / "t.csv")
    (folder / "t.csv").write_text("path\n")
    with pytest.raises(FileNotFoundError, match="lists no pictures"):
        read_listed_sightings(folder / "t.csv")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_what_is_written_is_read(suffix: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / 'c,"1"\n.jpg').touch()
    time = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
    seen = [
        Seen(str(folder / "a.jpg"), "hall", time, (1.25, 2.0, 3.5, 4.0)),
        Seen(str(folder / 'c,"1"\n.jpg'), box=(0.0, 0.0, 10.0, 20.01)),
        Seen(str(folder / "b.jpg")),
    ]
    write_listed_sightings(folder / f"t{suffix}", seen, [0.9, 0.5, 0.25])
    assert read_listed_sightings(folder / f"t{suffix}") == seen
    monkeypatch.chdir(folder)
    write_listed_sightings(Path("sub") / f"t{suffix}", [Seen("a.jpg")], [1])
    (again,) = read_listed_sightings(folder / "sub" / f"t{suffix}")
    assert Path(again.source).samefile("a.jpg")
    assert "a.jpg" in (folder / "sub" / f"t{suffix}").read_text() and str(folder) not in again.source.partition("..")[2]
    with pytest.raises(ValueError, match=r"t.txt: a table of people is written to a .csv or .jsonl file"):
        write_listed_sightings(Path("t.txt"), [], [])


def test_names_may_hold_any_line_end(folder: Path) -> None:
    seen = [Seen(str(folder / name)) for name in ("a\r.jpg", "b\n.jpg", "c\r\n.jpg")]
    for one in seen:
        Path(one.source).touch()
    write_listed_sightings(folder / "t.csv", seen, [1, 1, 1])
    assert (folder / "t.csv").read_bytes().startswith(b"path,camera,time,left,top,right,bottom,score\n")
    assert read_listed_sightings(folder / "t.csv") == seen


def test_a_table_in_a_linked_folder_names_pictures_from_where_it_lies(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "far" / "away").mkdir(parents=True)
    (folder / "link").symlink_to(folder / "far" / "away")
    monkeypatch.chdir(folder)
    write_listed_sightings(Path("link") / "t.csv", [Seen("a.jpg")], [1])
    for table in (Path("link") / "t.csv", folder / "far" / "away" / "t.csv"):
        (again,) = read_listed_sightings(table)
        assert Path(again.source).samefile("a.jpg")
