import os
import subprocess
import sys

import pytest
import torch

from scalereid.inference.runtimes.threads import threads

COMPARED = """
from scalereid.inference.runtimes.threads import threads
found = threads()
import torch
print(found, torch.get_num_threads())
"""


def test_torchs_number_where_it_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    assert threads() == 3


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"OMP_NUM_THREADS": "1,2"},
        pytest.param({"OMP_NUM_THREADS": "99"}, marks=pytest.mark.slow),  # each imports torch
        pytest.param({"MKL_NUM_THREADS": "1"}, marks=pytest.mark.slow),
    ],
)
def test_without_torch_the_number_that_torch_would_take(given: dict[str, str]) -> None:
    names = ("MKL_NUM_THREADS", "OMP_NUM_THREADS")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run(
        [sys.executable, "-c", COMPARED], env=environment | given, check=True, capture_output=True, text=True
    )
    found, expected = map(int, done.stdout.split())
    assert found == expected
