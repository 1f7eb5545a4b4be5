import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.cli.conftest import Fail

pytest.importorskip("fastapi", reason="the extra `serve` is not installed")


def test_it_serves_until_it_is_told_to_end(gallery: Path) -> None:
    tokens = gallery.parent / "tokens"
    tokens.write_text("# who may ask\nanna a-token-of-sixteen\n")
    tokens.chmod(0o600)
    command = [sys.executable, "-m", "scalereid", "gallery", "serve", str(gallery), "--port", "0"]
    with subprocess.Popen(
        [*command, "--tokens", str(tokens), "--runtime", "torch"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    ) as process:
        assert process.stderr
        where = next(found[0] for line in process.stderr if (found := re.search(r"http://127.0.0.1:\d+", line)))
        assert json.load(urlopen(f"{where}/api/health"))["status"] == "alive"
        asked = Request(f"{where}/api/ready", headers={"Authorization": "Bearer a-token-of-sixteen"})
        assert json.load(urlopen(asked))["status"] == "ready"
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        assert process.wait(30) == 0
    assert "Traceback" not in rest
    assert '"route": "/api/ready", "status": 200' in rest and '"by": "anna"' in rest
    assert "a-token-of-sixteen" not in rest


def test_other_machines_need_tokens(gallery: Path, fail: Fail) -> None:
    said = fail("gallery", "serve", gallery, "--host", "0.0.0.0", code=2)
    assert "--host 0.0.0.0 lets other machines ask, which needs --tokens FILE" in said
    named = fail("gallery", "serve", gallery, "--allow-host", "localhost", "cameras.example", code=2)
    assert "--allow-host cameras.example lets other machines ask, which needs --tokens FILE" in named
    tokens = gallery.parent / "tokens"
    tokens.write_text("anna short\n")
    tokens.chmod(0o644)
    assert "others can read it; let only yourself: chmod 600" in fail("gallery", "serve", gallery, "--tokens", tokens)
    tokens.chmod(0o600)
    assert "token of anna is shorter than 16" in fail(
        "gallery", "serve", gallery, "--tokens", tokens, "--runtime", "torch"
    )
    tokens.write_text("anna\n")
    assert "line 1: expected NAME TOKEN" in fail("gallery", "serve", gallery, "--tokens", tokens)


def test_what_cannot_be_is_told_before_the_model_is_loaded(gallery: Path, fail: Fail) -> None:
    absent = "--model", gallery / "none"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = fail("gallery", "serve", gallery, "--port", str(port), *absent)
        assert f"port {port} of 127.0.0.1 is in use; choose another one" in said
    assert "the port is 99999; expected a number from 0 to 65535" in fail(
        "gallery", "serve", gallery, "--port", "99999", *absent
    )
    assert "rate is 0; expected a number above 0" in fail("gallery", "serve", gallery, "--allow-rate", "0", *absent)
    assert "rate is nan; expected" in fail("gallery", "serve", gallery, "--allow-rate", "nan", *absent)
