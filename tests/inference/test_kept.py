import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scalereid.inference import kept as room
from scalereid.inference.kept import kept


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCALEREID_CACHE", str(tmp_path))
    return tmp_path / "runtimes"


class Answer:
    """Counts how often it is asked."""

    def __init__(self, content: bytes = b"answer") -> None:
        self.content, self.asked = content, 0

    def __call__(self) -> bytes:
        self.asked += 1
        return self.content


def test_each_question_is_asked_once() -> None:
    one, other = Answer(b"one"), Answer(b"")
    assert [kept("one", one), kept("one", one), kept("other", other), kept("other", other)] == [
        b"one",
        b"one",
        b"",
        b"",
    ]
    assert (one.asked, other.asked) == (1, 1)


@pytest.mark.parametrize("damaged", [b"", b"x", bytes(40)])
def test_a_damaged_answer_is_found_anew(folder: Path, damaged: bytes) -> None:
    answer = Answer()
    kept("question", answer)
    (file,) = folder.iterdir()
    file.write_bytes(damaged)
    assert [kept("question", answer), kept("question", answer)] == [b"answer", b"answer"]
    assert answer.asked == 2
    file.write_bytes(file.read_bytes()[:-1])
    assert kept("question", answer) == b"answer"
    assert answer.asked == 3


def test_where_nothing_can_be_kept_it_is_asked_again(folder: Path) -> None:
    folder.write_text("a file in the way")
    answer = Answer()
    assert [kept("question", answer), kept("question", answer)] == [b"answer", b"answer"]
    assert answer.asked == 2


def test_what_was_not_used_for_longest_goes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_MOST", 3 * (32 + 100))
    answers = {name: Answer(name.encode() * 100) for name in "abcd"}
    for time, name in enumerate("abc"):
        kept(name, answers[name])
        (file,) = (file for file in folder.iterdir() if file.read_bytes().endswith(name.encode()))
        os.utime(file, (time, time))
    kept("a", answers["a"])  # used again, so b is the oldest
    kept("d", answers["d"])
    assert {file.read_bytes()[-1:] for file in folder.iterdir()} == {b"a", b"c", b"d"}
    assert answers["a"].asked == 1


def test_several_may_ask_at_once(folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert {*pool.map(lambda _: kept("question", Answer()), range(32))} == {b"answer"}
    assert len([*folder.iterdir()]) == 1
