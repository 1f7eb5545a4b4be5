import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

QUANTIZED = """
import sys
from pathlib import Path

import numpy as np

from scalereid.inference.export.int8 import write_int8
from scalereid.inference.trained import describe_model
from scalereid.progress import Progress
from scalereid.runs.checkpoint import load_checkpoint

run, file = map(Path, sys.argv[1:])
loaded = load_checkpoint(run)
metadata = describe_model(loaded, run)
pixels = np.random.default_rng(0).integers(0, 256, (2, *metadata.image_size, 3), dtype=np.uint8)
write_int8(loaded.model, metadata, pixels, file, Progress.silent())
"""


def test_nothing_is_reported_to_the_makers_of_nncf(run: Path, tmp_path: Path) -> None:
    """In a process of its own, as NNCF reports nothing where pytest or a CI job runs it."""
    pytest.importorskip("nncf", reason="NNCF is not installed (extra int8): int8 is NOT tested")
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "NNCF_CI", "NNCF_DEV")}
    with socket.create_server(("127.0.0.1", 0)) as proxy:  # through which a report would go
        environment |= {"HOME": str(tmp_path), "https_proxy": f"http://127.0.0.1:{proxy.getsockname()[1]}"}
        command = [sys.executable, "-c", QUANTIZED, str(run), str(tmp_path / "int8.xml")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "int8.bin").is_file()
        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):
            proxy.accept()
