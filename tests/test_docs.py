"""What README and docs show must work, and what they name must exist."""

import inspect
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

import scalereid
from scalereid import cli
from scalereid.cli.parsing import parse
from scalereid.data.augmentation import try_augmentation
from scalereid.data.records import ReidDataset
from scalereid.models import BACKBONES
from scalereid.models.trial import try_backbone
from scalereid.recipes import RECIPES
from scalereid.runs.run import Run
from tests.conftest import TINY
from tests.detection.graphs import write_detector, yolox

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PACKAGE = ROOT / "src" / "scalereid"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
TUTORIALS = [page for page in PAGES if page.parent.name == "tutorials"]
SHORT_TOY = replace(TINY, data=replace(TINY.data, dataset="toy", batch_size=36))  # two steps an epoch
AS_NAMED = replace(SHORT_TOY, model=replace(SHORT_TOY.model, backbone="osnet_x0_25", width=None))


class Block(NamedTuple):
    language: str
    title: str  # the file that the reader is told to put it into; empty for none
    text: str


def blocks(page: Path) -> list[Block]:
    fenced = re.compile(r'^ *```(\w+)(?: title="([^"\n]+)")?\n(.*?)^ *```$', re.MULTILINE | re.DOTALL)
    return [Block(language, title, dedent(text)) for language, title, text in fenced.findall(page.read_text())]


def commands(text: str) -> Iterator[list[str]]:
    """The words of each line that calls scalereid, up to where another program takes what it prints."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words and words[0] == "scalereid":
            yield list(takewhile(lambda word: word not in ("|", ">"), words[1:]))


SHOWN = [  # every command line on every page
    words for page in PAGES for block in blocks(page) if block.language == "sh" for words in commands(block.text)
]


def read_along(page: Path, *, shell: bool = False) -> dict[str, Any]:
    """Do what a page says, from its first block to its last, in the working directory; the Python names it leaves.

    The demo, which the tutorials and README begin with, has been run.
    """
    names: dict[str, Any] = {}
    for block in blocks(page):
        if block.title:
            Path(block.title).write_text(block.text)
        if block.language == "python":
            exec(compile(block.text, page.name, "exec"), names)
        elif block.language == "sh" and shell:
            for words in commands(block.text):
                if words != ["demo"]:
                    cli.main(words)
    return names


@pytest.fixture(scope="session")
def demo(people: ReidDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the demo leaves it, but of few people, and with a run that takes seconds."""
    folder = tmp_path_factory.mktemp("demo")
    shutil.copytree(people.root, folder / "data" / "toy-1")
    scalereid.train(SHORT_TOY, data=folder / "data", out=folder / "runs" / "demo")
    return folder


@pytest.fixture
def after_demo(
    demo: Path, attribute_run: Path, class_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Work in a copy of that folder, where the recipe `toy` takes seconds, too; models of attributes and classes are there."""
    shutil.copytree(demo, tmp_path, dirs_exist_ok=True)
    shutil.copytree(attribute_run, tmp_path / "runs" / "attributes")
    shutil.copytree(class_run, tmp_path / "runs" / "cifar10")
    shutil.copytree(Run(class_run).dataset().data, tmp_path / "data" / "cifar10")
    write_detector(tmp_path / "yolox_nano.onnx", {"output": yolox([])})
    shutil.copy(next((demo / "data" / "toy-1").glob("*.jpg")), tmp_path / "scene.jpg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(RECIPES, "toy", AS_NAMED)
    monkeypatch.setitem(BACKBONES, "osnet_x0_25", partial(BACKBONES["osnet_one_stream"], width=0.25))
    monkeypatch.setattr("scalereid.inference.auto.installed", lambda name: name == "torch")  # others take longer


def follow_find_people() -> None:
    names = read_along(DOCS / "tutorials" / "find-people.md", shell=True)
    assert len(names["people"]) == len(names["query"]) == 4
    assert Path("found.html").read_text().count('<figure class="query">') == 4
    assert np.allclose(np.linalg.norm(names["query"], axis=1), 1)
    assert names["found"].indices.shape == (4, 3)
    assert (names["camera"][names["in_camera_2"].indices] == "c2").all()
    assert np.allclose(names["seen"], names["gallery"][[0, 20]], atol=1e-2)  # from boxes as from files
    assert names["nearest"].indices.ravel().tolist() == [0, 20]


def follow_score_and_compare() -> None:
    names = read_along(DOCS / "tutorials" / "score-and-compare.md", shell=True)
    assert names["evaluation"].scores.queries == names["chance"].queries
    assert names["reranked"].scores.protocol == "all-cameras"
    assert names["reranked"].scores.rerank == scalereid.Reranking()


def follow_train() -> None:
    log = read_along(DOCS / "tutorials" / "train.md", shell=True)["run"].log()
    assert {"total", "cross_entropy", "accuracy", "center_distance"} <= log[-1].losses.keys()
    assert log[-1].losses["center_distance"] > 0


FOLLOW = {"find-people": follow_find_people, "score-and-compare": follow_score_and_compare, "train": follow_train}


@pytest.mark.usefixtures("after_demo")
@pytest.mark.parametrize("tutorial", FOLLOW)
def test_tutorials(tutorial: str) -> None:
    FOLLOW[tutorial]()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_tutorials_and_readme_after_the_real_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cli.main(["demo"])
    for follow in FOLLOW.values():
        follow()
    read_along(ROOT / "README.md")
    keep_correct_and_forget()


def keep_correct_and_forget() -> None:
    """README's commands for a gallery: the right people are found, and what is forgotten is gone."""
    said = [words for block in blocks(ROOT / "README.md") for words in commands(block.text) if words[0] == "gallery"]
    *making, serve, search, enrol, reject, undo, forget = said
    for words in making:
        cli.main(words)
    see_the_page(serve, Path(search[3]))
    with scalereid.Gallery("people.gallery") as gallery:
        found = gallery.search(search[3], top=5).matches
        numbers = [int(word) for word in enrol[3:6]]
        assert {Path(match.sighting.seen.source).name[:4] for match in found} == {"0139"}
        assert set(numbers) <= {match.sighting.number for match in found}
        for words, left in ((search, []), (enrol, numbers), (reject, numbers[:2]), (undo, numbers), (forget, [])):
            cli.main(words)
            assert sorted(gallery.identities.of) == left
        assert not set(numbers) & {match.sighting.number for match in gallery.search(search[3], top=99).matches}


def see_the_page(serve: list[str], picture: Path) -> None:
    """On the page that README's command serves, the picture finds its person first."""
    from tests.browser import chromium
    from tests.service.served import Served

    with Served(serve[2], Path.cwd()) as served, chromium() as browser:
        page, url = browser.new_page(), f"http://127.0.0.1:{served.port}"
        page.goto(url)
        page.get_by_text("Or start from").wait_for()
        page.locator("input[type=file]").set_input_files(picture)
        page.locator(".band").first.wait_for()
        first = page.locator(".band .tile").first.get_attribute("data-sighting")
        shown = page.request.get(f"{url}/api/sightings/{first}").json()
        assert Path(shown["sighting"]["seen"]["source"]).name[:4] == picture.name[:4]


def test_every_tutorial_is_followed() -> None:
    assert {page.stem for page in TUTORIALS} == FOLLOW.keys()


PROGRAMS = [  # but for that which needs servers: tests/gallery/test_engines.py
    page
    for page in PAGES
    if page not in TUTORIALS and page.stem != "engines" and any(block.language == "python" for block in blocks(page))
]


@pytest.mark.usefixtures("after_demo")
@pytest.mark.parametrize("page", PROGRAMS, ids=lambda page: page.stem)
def test_python_blocks_run(page: Path) -> None:
    read_along(page)


def test_parts_of_ones_own_work_as_contributing_shows_them() -> None:
    names = read_along(ROOT / "CONTRIBUTING.md")
    for depth in (1, 3):
        try_backbone(names["MyNet"](depth), (64, 32))
    try_augmentation("random_noise", names["random_noise"], (64, 32), torch.device("cpu"))
    images = torch.randn(200, 3, 8, 4)
    noisy = names["random_noise"](images, torch.Generator().manual_seed(0), 0.2)
    changed = (noisy != images).flatten(1).any(dim=1)
    assert 20 < changed.sum() < 60
    assert 0.09 < float((noisy - images)[changed].std()) < 0.11


@pytest.mark.parametrize("words", SHOWN, ids=" ".join)
def test_commands_are_understood(words: list[str]) -> None:
    """Every command line on every page gets as far as the call that does the work."""
    assert callable(parse(words))


def test_datasets_on_command_lines_exist() -> None:
    after = re.compile(r"--(?:data\.|evaluation\.)?dataset((?: (?!--)\S+)+)")
    named = {name for words in SHOWN for found in after.findall(" ".join(words)) for name in found.split()}
    assert named
    assert {re.split("[@#]", part)[0] for name in named for part in name.split("+")} <= scalereid.DATASETS.keys()


def slug(heading: str) -> str:
    """The anchor that the site gives a heading."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading, flags=re.ASCII).strip().lower())


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.S)):
            if target.startswith("http"):
                continue
            path, _, anchor = target.partition("#")
            found = (page.parent / path) if path else page
            assert found.exists(), f"{page.name} links to {target}"
            if anchor:
                headings = re.findall(r"^#+ (.+)$", found.read_text(), re.MULTILINE)
                assert anchor in map(slug, headings), f"{page.name} links to {target}"


def test_pages_named_in_files_exist() -> None:
    files = [
        *ROOT.glob("*.md"),
        *DOCS.rglob("*.md"),
        *(ROOT / "src").rglob("*.py"),
        *(ROOT / "benchmarks").glob("*.py"),
    ]
    for file in files:
        for named in re.findall(r"\bdocs/[\w/-]+\.md", file.read_text()):
            assert (ROOT / named).is_file(), f"{file.relative_to(ROOT)} names {named}"


def test_code_named_on_pages_exists() -> None:
    for page in PAGES:
        for named in re.findall(r"`((?:\w+/)+\w+\.py)`", page.read_text()):
            assert (ROOT / named).is_file() or (PACKAGE / named).is_file(), f"{page.name} names {named}"


def test_the_tree_names_what_there_is() -> None:
    tree = re.search(r"## The tree\n\n```\n(.*?)```", (DOCS / "architecture.md").read_text(), re.DOTALL)
    assert tree
    named = set(re.findall(r"[├└]── (\w+)", tree[1]))
    there = {path.stem for path in PACKAGE.iterdir() if not path.name.startswith(("_", "py."))}
    assert named == there


def test_every_page_is_in_the_menu() -> None:
    listed = set(re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text()))
    assert listed == {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")}


def test_the_reference_has_every_public_name() -> None:
    documented = re.findall(r"^::: scalereid\.(\w+)$", (DOCS / "reference" / "api.md").read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(scalereid.__all__)


def documented_arguments(docstring: str) -> set[str]:
    section = re.search(r"^Args:\n(.*?)(?=^\S|\Z)", inspect.cleandoc(docstring), re.MULTILINE | re.DOTALL)
    return set(re.findall(r"^ {4}(\w+):", section[1], re.MULTILINE)) if section else set()


@pytest.mark.parametrize("name", scalereid.__all__)
def test_documented_arguments_exist(name: str) -> None:
    public = getattr(scalereid, name)
    members = [public, *(member for key, member in vars(public).items() if key[0] != "_" or key in ("__init__", "__call__"))] \
        if inspect.isclass(public) else [public]  # fmt: skip
    for member in members:
        function = getattr(member, "__func__", member)
        if (inspect.isfunction(function) or inspect.isclass(function)) and function.__doc__:
            surplus = documented_arguments(function.__doc__) - inspect.signature(function).parameters.keys()
            assert not surplus, f"{name}: {function.__qualname__} has no {', '.join(surplus)}"


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("zensical", reason="the docs extra is not installed")
    shutil.copytree(DOCS, tmp_path / "docs")
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    (tmp_path / "src").symlink_to(ROOT / "src")
    build = [sys.executable, "-m", "zensical", "build", "--strict"]
    built = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    html = [page.read_text() for page in (tmp_path / "site").rglob("*.html")]
    assert len(html) > len([*DOCS.rglob("*.md")])  # and a page for what is not found
    assert not [page for page in html if re.search(r'(?:src|<link[^>]*href)="https?:', page)]  # nothing is fetched
