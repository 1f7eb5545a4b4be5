import pytest
from torch.distributed import TCPStore  # type: ignore[attr-defined] # which torch documents there

from scalereid import distributed

NAMES = ("WORLD_SIZE", "RANK", "LOCAL_WORLD_SIZE", "LOCAL_RANK")


def test_a_process_of_its_own_is_the_first_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever another launcher has put into the environment."""
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    for name in NAMES:
        monkeypatch.setenv(name, "3")
    assert (distributed.processes(), distributed.number()) == (1, 0)
    assert (distributed.processes_here(), distributed.number_here()) == (1, 0)
    assert distributed.is_first()
    assert distributed.first_to_end()
    assert [*range(5)][distributed.own_rows()] == [*range(5)]


def test_what_torchrun_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    for name, value in zip(NAMES, ("8", "5", "4", "1"), strict=True):
        monkeypatch.setenv(name, value)
    assert (distributed.processes(), distributed.number()) == (8, 5)
    assert (distributed.processes_here(), distributed.number_here()) == (4, 1)
    assert not distributed.is_first()
    assert [*range(24)][distributed.own_rows()] == [5, 13, 21]


def test_one_process_says_why_all_end(monkeypatch: pytest.MonkeyPatch) -> None:
    store = TCPStore("127.0.0.1", 0, is_master=True)
    for name, value in {
        "TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(store.port)
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    assert [distributed.first_to_end() for _ in range(3)] == [True, False, False]
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert distributed.first_to_end()
