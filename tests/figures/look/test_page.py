"""The page as a whole: what is on it, and what it does in a browser."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scalereid.data.records import ReidDataset
from scalereid.experiments.evaluation import evaluate
from scalereid.figures.look.page import Looked, Sources, _Page, write_look
from scalereid.figures.look.settings import LookSettings
from scalereid.progress import Progress
from scalereid.runs.checkpoint import load_checkpoint, save_model
from scalereid.runs.facts import TrainedFacts, describe
from scalereid.runs.log import EpochLog
from scalereid.runs.run import Run
from tests.browser import browser
from tests.conftest import TINY
from tests.figures.pages import check_page

SMALL = LookSettings(images=12, clusters=2, top=3)


@pytest.fixture(scope="module")
def page(
    people: ReidDataset, trained: Run, weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Looked]:
    """Two models side by side, one of them with gates."""
    file = tmp_path_factory.mktemp("page") / "look.html"
    sources = Sources(models=(str(weights), str(trained.folder)), data=people.root)
    return file, write_look(file, sources, SMALL)


def pictures(html: str) -> Any:
    found = re.search(r'<script type="application/json" id="pictures">(.*?)</script>', html, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_the_page_is_whole(page: tuple[Path, Looked], people: ReidDataset) -> None:
    file, looked = page
    html = file.read_text()
    check_page(html)
    assert looked.parts == ("activation", "gates", "retrieval", "map")
    assert re.findall(r'<section id="(\w+)">', html) == [*looked.parts]
    assert html.count("two&lt;streams&gt;") > 4
    assert html.count('data-condition="0"') == html.count('data-condition="3"') == 12
    assert html.count('class="picture item point"') == 2 * 12
    assert "Its blocks do not weight streams." in html  # of the second model
    assert html.count("<summary>Block ") == 6
    assert looked.terms in html.replace("&#x27;", "'")
    assert html.count(f'data-pid="{people.query[0].pid}"') > 4


def test_both_models_are_scored_as_the_first_one_is(
    people: ReidDataset, trained: Run, weights: Path, tmp_path: Path
) -> None:
    """The second one's recipe says cosine, as the table's caption does not."""
    first = tmp_path / "first.safetensors"
    model, recipe = load_checkpoint(weights), replace(TINY, model=replace(TINY.model, backbone="osnet_two_streams"))
    recipe = replace(recipe, evaluation=replace(recipe.evaluation, distance="euclidean", protocol="all-cameras"))
    save_model(first, model.model, recipe, TrainedFacts(EpochLog(epoch=1), describe(people)))
    sources = Sources(models=(str(first), str(trained.folder)), data=people.root)
    looked = write_look(tmp_path / "look.html", sources, replace(SMALL, what=("retrieval",)))
    how = {(each.scores.distance, each.scores.protocol) for retrieved in looked.retrieved for each in retrieved}
    assert how == {("euclidean", "all-cameras")}
    assert "queries, evenly spread; euclidean distance, all-cameras protocol" in (tmp_path / "look.html").read_text()


def test_a_map_has_not_too_many_pictures(people: ReidDataset, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalereid.figures.look.page._MOST_ON_MAP", 9)
    settings = LookSettings(images=12, what=("map",))
    page = _Page(Sources(models=(str(weights),), data=people.root), settings, Progress.silent())
    assert page._map().count("data-picture") == 9


def test_each_picture_is_there_once_with_its_neighbours(page: tuple[Path, Looked]) -> None:
    found = pictures(page[0].read_text())
    assert len({*found["sources"]}) == len(found["sources"]) == page[1].pictures
    for number, known in found["known"].items():
        assert len(known["near"]) == 6
        assert int(number) not in known["near"]
    assert all(anchor.startswith("query-") for anchor in found["searches"].values())


def test_scores_are_those_of_the_queries_on_the_page(
    page: tuple[Path, Looked], people: ReidDataset, trained: Run
) -> None:
    file, looked = page
    html = file.read_text()
    [values] = [
        v for v in looked.to_json()["retrieval"] if v["model"].startswith("B") and v["degradation"] == "as it is"
    ]
    of_b = [json.loads(each)[1][0] for each in re.findall(r'data-ap="(.*?)"', html)]
    assert values["mAP"] == pytest.approx(sum(of_b) / len(of_b), abs=1e-4)
    assert f"<td>{values['mAP']:.1%} / {values['rank1']:.1%}</td>" in html
    scores = evaluate(trained.folder, data=people.root).scores.per_query
    assert scores
    assert {round(float(ap), 4) for ap in scores.average_precision} >= {*of_b}
    assert str(looked).splitlines()[0] == "mAP of 12 queries on people"


def test_parts_and_stages_are_chosen(people: ReidDataset, trained: Run, tmp_path: Path) -> None:
    file, sources = tmp_path / "page.html", Sources(models=(str(trained.folder),), data=people.root)
    looked = write_look(file, sources, LookSettings(what=("activation",), stages=(3, 1), images=4))
    html = file.read_text()
    assert looked.parts == ("activation",)
    assert looked.to_json()["retrieval"] == []
    assert re.findall(r"<b>(stage \d)</b>", html) == ["stage 1", "stage 3"] * 4
    with pytest.raises(ValueError, match=r"stages has 4, but A: osnet_one_stream \(run\) has 3; choose from 1 to 3"):
        write_look(file, sources, LookSettings(what=("activation",), stages=(4,), images=4))


def test_gates_that_are_not_there(people: ReidDataset, trained: Run, tmp_path: Path) -> None:
    sources = Sources(models=(str(trained.folder),), data=people.root)
    with pytest.raises(
        ValueError, match="what has gates, but no block of A: osnet_one_stream .* weights streams; leave it out"
    ):
        write_look(tmp_path / "page.html", sources, LookSettings(what=("gates",)))


def test_attributes_that_are_not_there(people: ReidDataset, trained: Run, weights: Path, tmp_path: Path) -> None:
    sources = Sources(models=(str(trained.folder), str(weights)), data=people.root)
    with pytest.raises(
        ValueError,
        match="what has attributes, but no attributes were learned by A: osnet_one_stream .* or B: .*; leave it out, or give "
        "a run or a weights file that was trained with objective.attributes",
    ):
        write_look(tmp_path / "page.html", sources, LookSettings(what=("attributes", "activation")))


def test_attributes_are_shown_where_a_model_has_some(people: ReidDataset, attribute_run: Path, trained: Run) -> None:
    sources = Sources(models=(str(trained.folder), str(attribute_run)), data=people.root)
    assert _Page(sources, LookSettings(), Progress.silent()).what == ("activation", "attributes", "retrieval", "map")


def test_classes_are_not_people(class_run: Path, class_images: Path, tmp_path: Path) -> None:
    sources = Sources(models=(str(class_run),), data=class_images)
    with pytest.raises(
        ValueError, match="class-folders has classes, not people who are found again; name a dataset of people"
    ):
        write_look(tmp_path / "page.html", sources, LookSettings())


def test_attributes_need_no_queries(people: ReidDataset, attribute_run: Path, tmp_path: Path) -> None:
    """As in PA-100K, where nobody is seen twice."""
    lines = ["split,path,pid,camid", *(f"gallery,{record.path},{record.pid},1" for record in people.gallery)]
    (tmp_path / "dataset.csv").write_text("\n".join(lines))
    sources, file = Sources(models=(str(attribute_run),), data=tmp_path, dataset="csv"), tmp_path / "page.html"
    assert write_look(file, sources, LookSettings(what=("attributes",), images=4)).pictures == 4
    with pytest.raises(ValueError, match="csv has no query or no gallery images; all parts but attributes need both"):
        write_look(file, sources)


def test_in_a_browser(page: tuple[Path, Looked], people: ReidDataset, tmp_path: Path) -> None:
    """Filter, degrade, sort, open a picture, walk to its neighbours and to the search for its person, zoom."""
    with browser(tmp_path) as window:
        window.open(page[0], width=390, height=844)
        assert window.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert window.evaluate("[...document.querySelectorAll('[data-picture] img')].every((image) => image.src)")
        window.evaluate("document.querySelector('[name=condition][value=\"1\"]').click()")
        assert window.evaluate("document.querySelectorAll('[data-condition]:not([hidden])').length") == 12
        window.evaluate("const order = at('order'); order.value = 'lowest'; order.dispatchEvent(new Event('change'))")
        first = "[...document.querySelector('.queries').children].map((one) => JSON.parse(one.dataset.ap)[0][1])"
        assert window.evaluate(first) == sorted(window.evaluate(first))
        pid = people.query[0].pid
        window.evaluate(f"at('person').value = '{pid}'; at('person').dispatchEvent(new Event('change'))")
        shown = "new Set([...document.querySelectorAll('article:not([hidden])')].map((one) => one.dataset.pid)).size"
        assert window.evaluate(shown) == 1
        assert " of " in window.evaluate("at('status').textContent")
        other = f"[...document.querySelectorAll('.point')].find((one) => one.dataset.pid !== '{pid}')"
        assert window.evaluate(f"{other}.classList.contains('dim')")
        window.evaluate(f"{other}.click()")
        assert window.evaluate("at('large').open && at('near').childElementCount") == 6
        before = window.evaluate("at('words').textContent")
        window.evaluate("at('near').firstElementChild.click()")
        assert window.evaluate("at('words').textContent") != before
        window.evaluate("document.querySelector('#search a').click()")
        window.wait(
            "document.activeElement.tagName === 'ARTICLE' && !document.activeElement.hidden && !at('large').open"
        )
        place = "document.querySelector('.point').style.transform"
        still = window.evaluate(place)
        window.evaluate("document.querySelector('[data-zoom=\"1.5\"]').click()")
        assert window.evaluate(place) != still
        window.evaluate("document.querySelector('[data-zoom=\"0\"]').click()")
        assert window.evaluate(place) == still
