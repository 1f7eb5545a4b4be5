"""What README and docs show must work."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from scalereid import cli
from scalereid.data.records import ReidDataset
from scalereid.experiments import training as experiment
from scalereid.models.genotype import AIN
from scalereid.progress import Progress
from scalereid.runs.recipe import Recipe

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def blocks(page: Path, language: str) -> list[str]:
    return [
        dedent(block)
        for block in re.findall(rf"^ *```{language}\n(.*?)^ *```", page.read_text(), re.MULTILINE | re.DOTALL)
    ]


def commands() -> Iterator[tuple[str, list[str]]]:
    for page in PAGES:
        for block in blocks(page, "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if words and words[0] == "scalereid":
                    yield page.name, words[1:]


def test_python_blocks_run(people: ReidDataset, tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe.from_json(tiny.to_json() | {"model": {"backbone": "osnet_x0_25"}})
    experiment.train(recipe, data=people.root, out=tmp_path / "runs" / "demo", progress=Progress())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("scalereid.inference.choice.installed", lambda name: name == "torch")  # the others take seconds
    shown = [block for page in PAGES for block in blocks(page, "python")]
    assert shown
    for block in shown:
        exec(compile(block, "README", "exec"), {})


class ReachedError(Exception):
    pass


def test_commands_are_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every command shown gets as far as doing its work."""
    (tmp_path / "runs" / "x").mkdir(parents=True)
    (tmp_path / "runs" / "x" / "recipe.json").touch()
    monkeypatch.chdir(tmp_path)

    def reach(*_: object, **__: object) -> None:
        raise ReachedError

    for name in (
        "experiment.train",
        "experiment.resume",
        "evaluation.evaluate_all",
        "series.leave_one_out",
        "series.train_splits",
    ):
        monkeypatch.setattr(f"scalereid.{name}", reach)
    monkeypatch.setattr("scalereid.cli.data.find_datasets", reach)
    monkeypatch.setattr("scalereid.cli.data.unpack_cuhk03", reach)
    monkeypatch.setattr("scalereid.runs.wiring.read_dataset", reach)
    monkeypatch.setattr("scalereid.experiments.evaluation.evaluate", reach)
    monkeypatch.setattr("scalereid.cli.tables.cost", reach)
    monkeypatch.setattr("scalereid.cli.deploying.find_items", reach)
    monkeypatch.setattr("scalereid.cli.deploying.export_model", reach)
    monkeypatch.setattr("scalereid.cli.deploying.quantize_model", reach)
    for name in ("demo", "looking.show", "looking._report", "terminal.draw_toy_once"):
        monkeypatch.setattr(f"scalereid.cli.{name}", reach)
    monkeypatch.setattr("scalereid.cli.training.Run.recipe", lambda _: Recipe())
    monkeypatch.setattr("scalereid.cli.training.Genotype.load", lambda _: AIN)
    shown = [*commands()]
    assert len(shown) > 8
    for page, words in shown:
        if words[:2] != ["train", "RECIPE"]:
            with pytest.raises(ReachedError):
                cli.main(words)
            assert page


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_tree_names_what_there_is() -> None:
    tree = re.search(r"## The tree\n\n```\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert tree
    named = set(re.findall(r"[├└]── (\w+)", tree[1]))
    there = {path.stem for path in (ROOT / "src" / "scalereid").iterdir() if not path.name.startswith(("_", "py."))}
    assert named == there
