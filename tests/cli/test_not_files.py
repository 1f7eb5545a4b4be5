"""Named pipes, sockets, devices and folders among images: no command waits for them, and each is named."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scalereid.cli import main
from scalereid.data.records import ReidDataset
from scalereid.inference.embedder import Embedder, UnreadableImagesWarning
from tests.conftest import NOT_FILES

REPORT = ("--runtime", "torch", "--on-error", "report")
UNREADABLE = "9999_c9_0.jpg cannot be read as an image: it is {words}, not a file"
LISTED = "9999_c9_0.jpg, which is {words}, not a file"
SKIPPED = "left out: 1 named pipes, sockets or devices in query"
CASES: list[tuple[str, tuple[str, ...], int, str]] = [  # words of a command, its exit code, and what it says
    ("embed", ("RUN", "crops", "--out", "x.npz", *REPORT), 0, f"left out: .*{UNREADABLE}"),
    ("embed", ("RUN", "crops", "--out", "x.npz", "--runtime", "torch"), 1, UNREADABLE),
    ("embed", ("RUN", "crops/*.jpg", "--out", "x.npz", *REPORT), 0, f"left out: .*{UNREADABLE}"),
    ("embed", ("RUN", "dataset.csv", "--out", "x.npz", *REPORT), 1, "9999_c9_0.jpg is {words}, not a file"),
    ("search", ("RUN", "crops", "crops", *REPORT), 0, f"left out: .*{UNREADABLE}"),
    ("search", ("RUN", "crops/9999_c9_0.jpg", "crops", *REPORT), 1, UNREADABLE),
    ("data check", ("market",), 0, SKIPPED),
    ("data check", ("dataset.csv", "--decode"), 1, LISTED),
    ("evaluate", ("RUN", "--data", "market", "--dataset", "market-names"), 0, SKIPPED),
    ("evaluate", ("RUN", "--data", "dataset.csv"), 1, LISTED),
]


@pytest.fixture
def spoil(
    people: ReidDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[Path], Any]], None]:
    """Make crops, a dataset and a table in the current folder, each with one image that is not a file."""
    monkeypatch.chdir(tmp_path)

    def make_all(make: Callable[[Path], Any]) -> None:
        for folder, records in (
            ("crops", people.query),
            ("market/bounding_box_train", people.train),
            ("market/query", people.query),
            ("market/bounding_box_test", people.gallery),
        ):
            Path(folder).mkdir(parents=True)
            for record in records[::3]:
                shutil.copy(record.path, folder)
            if folder in ("crops", "market/query"):
                make(Path(folder) / "9999_c9_0.jpg")
        Path("dataset.csv").write_text("split,path,pid,camid\nquery,crops/9999_c9_0.jpg,1,1\n")

    return make_all


@pytest.mark.parametrize(("command", "words", "code", "sentence"), CASES, ids=[" ".join((c[0], *c[1])) for c in CASES])
@pytest.mark.parametrize(
    "kind", [kind for kind in NOT_FILES if kind != "a folder"]
)  # which is one more folder to look in
def test_no_command_waits(
    runs: Path,
    spoil: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    kind: str,
    command: str,
    words: tuple[str, ...],
    code: int,
    sentence: str,
) -> None:
    spoil(NOT_FILES[kind])
    given = [str(runs / "short") if word == "RUN" else word for word in words]
    try:
        main([*command.split(), *given])
        ended = 0
    except SystemExit as error:
        ended = int(error.code or 0)
    said = capsys.readouterr()
    assert re.search(sentence.format(words=kind), said.out + said.err)
    assert ended == code


@pytest.mark.parametrize(("words", "make"), NOT_FILES.items())
def test_an_embedder_does_not_wait(
    runs: Path, spoil: Callable[..., None], words: str, make: Callable[[Path], Any]
) -> None:
    spoil(make)
    images = sorted(Path("crops").iterdir())
    with Embedder(runs / "short", runtime="torch") as embedder:
        with pytest.raises(ValueError, match=UNREADABLE.format(words=words)):
            embedder(images)
        with pytest.warns(UnreadableImagesWarning, match=UNREADABLE.format(words=words)):
            assert len(embedder(images, on_error="report")) == len(images)
