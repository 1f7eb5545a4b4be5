import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from scalereid.data.records import ReidDataset
from scalereid.figures.pictures import Pictures, describe, filterable
from scalereid.figures.tiles import Tile


def data_of(html: str) -> Any:
    return json.loads(html.removeprefix('<script type="application/json" id="pictures">').removesuffix("</script>"))


def test_a_picture_is_there_once(people: ReidDataset) -> None:
    pictures, (one, two) = Pictures(), people.query[:2]
    assert [pictures.add_record(record) for record in (one, two, one)] == [0, 1, 0]
    tile = Tile(str(one.path), "found", ("a <b>", "c1"), 'the "first"')
    button = '<button type="button" class="picture" data-picture="0"><img alt="the &quot;first&quot;"></button>'
    caption = "<figcaption><b>a &lt;b&gt;</b><br>c1</figcaption>"
    assert pictures.tile(tile) == f'<figure class="found">{button}{caption}</figure>'
    assert len(pictures) == 2
    assert pictures.records() == [one, two]
    assert all(source.startswith("data:image/jpeg;base64,") for source in data_of(pictures.data({}))["sources"])


def test_neighbours_are_those_on_the_page(people: ReidDataset) -> None:
    pictures, records = Pictures(), people.query[:4]
    for record in records[:3]:
        pictures.add_record(record)
    pictures.add_search(records[0].pid, "query-7")
    pictures.add_search(records[0].pid, "query-9")
    files = [str(record.path) for record in records]
    found = data_of(pictures.data({files[0]: [files[3], files[2], files[1]]}))
    assert found["known"]["0"] == {"pid": records[0].pid, "words": describe(records[0]), "near": [2, 1]}
    assert found["known"]["1"]["near"] == []
    assert found["searches"] == {str(records[0].pid): "query-7"}


def test_a_picture_that_is_gone(people: ReidDataset, tmp_path: Path) -> None:
    pictures = Pictures()
    assert pictures.add_record(replace(people.query[0], path=tmp_path / "gone.jpg")) is None
    assert "not found" in pictures.tile(Tile(str(tmp_path / "gone.jpg"), "found", ("x",), "x"))
    assert len(pictures) == 0


def test_what_is_known_of_a_record(people: ReidDataset) -> None:
    record = replace(people.query[0], pid=7, camid=3, path=Path("a.jpg"))
    assert describe(record) == "person 7 · camera 3 · a.jpg"
    assert describe(replace(record, pid=-1, camid=-1)) == "junk · a.jpg"
    assert re.findall(r'data-(\w+)="(\d+)"', filterable(record)) == [("pid", "7"), ("camid", "3")]
