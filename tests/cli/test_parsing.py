import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scalereid.cli.errors import UsageError
from scalereid.cli.parsing import parse
from scalereid.recipes import RECIPES
from scalereid.runs.recipe import Recipe

NEW = ["--data", "d", "--out", "x"]


def settings(*words: str) -> Recipe:
    parsed = parse(words).keywords["settings"]
    assert isinstance(parsed, Recipe)
    return parsed


def test_a_call_is_bound_and_not_made(tmp_path: Path) -> None:
    call = parse(["evaluate", str(tmp_path / "gone"), "--data", str(tmp_path), "--rerank", "--image-size", "128", "64"])
    assert call.func.__name__ == "evaluate"
    assert call.keywords["source"] == str(tmp_path / "gone")
    assert call.keywords["options"].data == tmp_path
    assert call.keywords["scoring"].rerank
    assert call.keywords["scoring"].image_size == (128, 64)
    assert not call.keywords["output"].as_json


def test_options_default_to_the_recipe_named_first() -> None:
    assert settings("train", "osnet_market1501", *NEW) == RECIPES["osnet_market1501"]
    expected = RECIPES["toy"]
    changed = settings("train", "toy", *NEW, "--data.dataset", "osnet_market1501", "--seed", "3")
    assert changed == replace(expected, data=replace(expected.data, dataset="osnet_market1501"), seed=3)


@pytest.mark.parametrize("command", ["train", "nas"])
@pytest.mark.parametrize("words", [[], [*NEW, "toy"], ["--seed=3", "toy", *NEW]])
def test_the_recipe_is_named_first(command: str, words: list[str]) -> None:
    with pytest.raises(UsageError, match=f"Name the recipe first: scalereid {command} RECIPE --data"):
        parse([command, *words])


def test_a_stopped_run_takes_the_place_of_the_recipe() -> None:
    for words in (["--resume", "runs/x"], ["--resume=runs/x"]):
        call = parse(["train", *words, "--device", "cpu"])
        assert call.func.__name__ == "resume"
        assert call.keywords["options"].resume == Path("runs/x")
        assert call.keywords["options"].data is None
    with pytest.raises(UsageError, match="name no other: scalereid train --resume RUN"):
        parse(["train", "toy", "--resume", "runs/x"])
    with pytest.raises(UsageError, match="No such option of train: '--schedule.decay'"):
        parse(["train", "--resume", "runs/x", "--schedule.epochs", "3", "--schedule.decay", "step"])


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["evalute"], "'evalute'. Did you mean evaluate?"),
        (["data", "chek"], "'data chek'. Did you mean data check"),
        (["data-check"], "Did you mean data check"),
        (["train", "osnet_market1502", *NEW], "'osnet_market1502'. Did you mean osnet_market1501"),
        (["train", "nope", *NEW], "No such recipe: 'nope'. `scalereid recipes` lists them."),
        (["leave-one-out", "toy"], "leave-one-out is now a study: scalereid study FILE.py"),
        (["train-splits", "toy"], 'STUDY = over_splits("osnet_market1501", "viper")'),
        (["evaluate", "x", "--average-precision", "trapezoid"], "--average-precision is now --ap-rule"),
        (["evaluate", "x", "--average-precision=trapezoid"], "--average-precision is now --ap-rule"),
    ],
)
def test_a_mistake_is_answered_with_what_was_meant(words: list[str], meant: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(words)
    assert meant in str(raised.value)


@pytest.mark.usefixtures("second_of_two")
def test_what_several_processes_do_not_share_is_refused() -> None:
    with pytest.raises(UsageError, match="embed runs in one process, and torchrun started 2: scalereid embed 'a b'"):
        parse(["embed", "a b"])
    assert settings("train", "toy", *NEW).data.dataset == "toy"


def test_only_the_first_word_is_a_command() -> None:
    assert parse(["embed", "leave-one-out", "train-splits", "--out", "x.npz"]).keywords["source"] == "leave-one-out"


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (
            ["train", "toy", *NEW, "--optimizer.lrr", "1"],
            "option of train: '--optimizer.lrr'. Did you mean --optimizer.lr",
        ),
        (
            ["evaluate", "x", "--data", "d", "--rerankk"],
            "Did you mean --rerank? `scalereid evaluate --help` lists them.",
        ),
        (["data", "check", "x", "--decod"], "option of data check: '--decod'. Did you mean --decode?"),
        (["embed", "x", "y", "--normalize"], "Did you mean --no-normalize?"),
        (["train", "toy", *NEW, "--objective.no-sof-margin"], "Did you mean --objective.no-soft-margin"),
        (
            ["evaluate", "x", "--distance", "cosin"],
            "value of --distance: 'cosin'. Did you mean cosine? Choose from cosine, euclidean.",
        ),
        (["evaluate", "x", "--distance=l2"], "No such value of --distance: 'l2'. Choose from cosine, euclidean."),
        (["train", "toy", *NEW, "--optimizer.name", "sdg"], "value of --optimizer.name: 'sdg'. Did you mean sgd?"),
        (
            ["export", "x", "--out", "x.onnx", "--format", "onx"],
            "Did you mean onnx? Choose from torch, aotinductor, onnx",
        ),
    ],
)
def test_an_unknown_option_or_choice_is_answered_with_a_near_one(words: list[str], meant: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(words)
    assert meant in str(raised.value)


def test_options_are_known_with_underscores_too() -> None:
    assert parse(["data", "check", "x", "--write_split"]).keywords["options"].write_split


@pytest.mark.parametrize("words", [["train", "--data", "d", "--help"], ["evaluate", "--nonsense", "-h"]])
def test_help_is_printed_wherever_it_is_asked_for(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        parse(words)
    assert capsys.readouterr().out.startswith(f"usage: scalereid {words[0]} [-h] ")


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_no_command_lists_them_all(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        parse(words)
    assert "  evaluate     Score a model" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["data"], ["data", "--help"]])
def test_a_group_alone_lists_its_commands(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        parse(words)
    text = capsys.readouterr().out
    assert text.startswith("usage: scalereid data COMMAND [ARGUMENTS]\n")
    assert "\n  check   Find out" in text
    assert "evaluate" not in text
    assert "`scalereid data COMMAND --help`" in text


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["evalute"], ["leave-one-out"]])
def test_what_needs_no_command_imports_no_torch(words: list[str]) -> None:
    program = (
        "import sys\nfrom scalereid.cli import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit: pass\n"
        "assert not {'torch', 'numpy', 'rich', 'tyro'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
