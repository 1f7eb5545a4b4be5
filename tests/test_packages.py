import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scalereid.packages import installed, require, version_of


def test_what_is_installed() -> None:
    assert installed("torch")
    assert not installed("no_such_package")
    require("torch", "numpy", extra="export")


def test_what_is_missing_is_named_with_the_way_to_get_it() -> None:
    with pytest.raises(
        ModuleNotFoundError, match=r"no_such_package is not installed: pip install 'scalereid\[export,int8\]'"
    ):
        require("torch", "no_such_package", extra="export,int8")
    with pytest.raises(ModuleNotFoundError, match="no_such_package, needed for pictures, is not installed: "):
        require("no_such_package", extra="figures", purpose="pictures")
    with pytest.raises(ModuleNotFoundError, match="no_such_package is not installed: pip install no_such_package$"):
        require("no_such_package", extra="")


def test_versions() -> None:
    assert version_of("numpy") == np.__version__
    assert version_of("no_such_package") == ""


def test_openvino_reports_nothing_to_its_makers(tmp_path: Path) -> None:
    if not version_of("openvino-telemetry"):
        pytest.skip("OpenVINO is not installed, or not what reports its use")
    command = "from scalereid.packages import import_openvino; import_openvino().Core()"
    environment = {name: value for name, value in os.environ.items() if name != "CI"}  # where it reports nothing anyway
    with socket.create_server(("127.0.0.1", 0)) as proxy:  # through which a report would go
        environment |= {"HOME": str(tmp_path), "https_proxy": f"http://127.0.0.1:{proxy.getsockname()[1]}"}
        subprocess.run([sys.executable, "-c", command], env=environment, check=True)
        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):
            proxy.accept()
    assert not any(tmp_path.iterdir())  # nor is a number for this machine kept
