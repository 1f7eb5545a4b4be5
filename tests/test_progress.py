import io

import pytest
from rich.console import Console

from scalereid.progress import Progress
from scalereid.wording import counted, duration


def test_plain_lines_where_there_is_no_terminal() -> None:
    text = io.StringIO()
    progress = Progress(Console(file=text, width=60))
    with progress.stage("reading images", 3) as advance:
        for _ in range(3):
            advance(1, "now [this]")
    progress.say("a [markup]-free line that is longer than the console is wide, and is not broken")
    lines = text.getvalue().splitlines()
    assert lines[0].startswith("reading images: 3 images in 0.0 s, ")
    assert lines[1:] == ["a [markup]-free line that is longer than the console is wide, and is not broken"]


def test_counts_agree_with_their_nouns() -> None:
    assert [counted(n, "image") for n in (0, 1, 2, 1234)] == ["0 images", "1 image", "2 images", "1,234 images"]
    assert counted(1, "query", "queries") == "1 query"
    assert counted(3, "query", "queries") == "3 queries"
    text = io.StringIO()
    with Progress(Console(file=text)).stage("embedding", 1) as advance:
        advance(1)
    assert text.getvalue().startswith("embedding: 1 image in ")


def test_details_are_for_those_who_ask(capsys: pytest.CaptureFixture[str]) -> None:
    for verbose in (False, True):
        Progress(verbose=verbose).detail("565 tensors matched")
        assert capsys.readouterr().out == ("565 tensors matched\n" if verbose else "")


def test_a_bar_on_a_terminal() -> None:
    text = io.StringIO()
    progress = Progress(Console(file=text, force_terminal=True, width=100))
    with progress.stage("training", 1000) as advance:
        advance(250, "epoch 1/4, loss 3.2")
    assert "epoch 1/4, loss 3.2" in text.getvalue()
    assert "images/s" in text.getvalue()
    assert "training: 250 images" in text.getvalue()


@pytest.mark.parametrize("progress", [Progress.silent(), Progress(Console(quiet=True, force_terminal=True))])
def test_silence_prints_nothing_and_hides_nothing(progress: Progress, capsys: pytest.CaptureFixture[str]) -> None:
    with progress.stage("training", 10) as advance:
        advance(10, "loss 3.2")
        print("printed by a callback")  # which a bar would take for itself
    progress.say("done")
    assert capsys.readouterr() == ("printed by a callback\n", "")


def test_an_interrupted_stage_says_nothing_of_success() -> None:
    text = io.StringIO()
    with pytest.raises(KeyboardInterrupt), Progress(Console(file=text)).stage("training", 10) as advance:
        advance(3)
        raise KeyboardInterrupt
    assert text.getvalue() == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (59.9, "59.9 s"),
        (60, "1 min 0 s"),
        (119.6, "2 min 0 s"),
        (3599.4, "59 min 59 s"),
        (3600, "1 h 0 min"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words
