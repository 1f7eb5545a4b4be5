import json
from pathlib import Path

import pytest

from scalereid.data.readers.rows import csv_line, csv_rows, json_rows, whole_number

CHARACTERS = "\u2028 \u2029 \u0085 \f \v \x1c"  # str.splitlines ends a line at each of them


def test_only_line_ends_end_lines(tmp_path: Path) -> None:
    row = json.dumps({"path": CHARACTERS.replace("\f \v \x1c", "")}, ensure_ascii=False)
    for end in ("\n", "\r", "\r\n"):
        (tmp_path / "a.jsonl").write_bytes(end.join([row, "", row]).encode("utf-8-sig"))
        assert [number for number, _ in json_rows(tmp_path / "a.jsonl", ["path"])] == [1, 3]
        (tmp_path / "a.csv").write_bytes(
            end.join(["path,pid", f"{CHARACTERS},1", f'"{CHARACTERS}\r\n",2', ""]).encode()
        )
        rows = [row for _, row in csv_rows(tmp_path / "a.csv", ["path"])]
        assert rows == [{"path": CHARACTERS, "pid": "1"}, {"path": f"{CHARACTERS}\r\n", "pid": "2"}]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_that_is_written_is_read(end: str, tmp_path: Path) -> None:
    cells = ["a\nb", "c\rd", "e\r\nf", 'g,"h"', " i ", "", CHARACTERS]
    (tmp_path / "a.csv").write_bytes(
        end.join([csv_line(range(7)), csv_line(cells), csv_line(cells[:1] * 7), ""]).encode()
    )
    first, second = (row for _, row in csv_rows(tmp_path / "a.csv", ["0"]))
    assert [*first.values()] == cells
    assert [*second.values()] == ["a\nb"] * 7
    assert csv_line(["x", 1.5, 2]) == "x,1.5,2"


def test_null_bytes_are_characters(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("path\na\0b\n")
    assert [*csv_rows(tmp_path / "a.csv", ["path"])] == [(2, {"path": "a\0b"})]
    (tmp_path / "a.jsonl").write_text("\n\0")
    with pytest.raises(ValueError, match=r"a\.jsonl, line 2: not valid JSON"):
        list(json_rows(tmp_path / "a.jsonl", ["path"]))


def test_long_values_are_shortened(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps("x" * 10**6))
    with pytest.raises(ValueError, match=r"line 1: .* is not an object with path") as error:
        list(json_rows(tmp_path / "a.jsonl", ["path"]))
    (tmp_path / "a.csv").write_text("x" * 10**5 + "\n")
    with pytest.raises(ValueError, match=r"no column path; its first line names xxx") as other:
        list(csv_rows(tmp_path / "a.csv", ["path"]))
    assert max(len(str(error.value)), len(str(other.value))) < len(str(tmp_path)) + 300


def test_whole_numbers() -> None:
    assert [whole_number("pid", value) for value in (7, "7", " -1 ", "007", "0" * 19 + "1")] == [7, 7, -1, 7, 1]
