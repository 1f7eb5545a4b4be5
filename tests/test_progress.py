import io

from rich.console import Console

from scalereid.progress import Progress


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


def test_a_bar_on_a_terminal() -> None:
    text = io.StringIO()
    progress = Progress(Console(file=text, force_terminal=True, width=100))
    with progress.stage("training", 1000) as advance:
        advance(250, "epoch 1/4, loss 3.2")
    assert "epoch 1/4, loss 3.2" in text.getvalue()
    assert "images/s" in text.getvalue()
    assert "training: 250 images" in text.getvalue()
