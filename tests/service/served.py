"""`scalereid gallery serve` in processes of their own, which start at once as all is imported before."""

import json
import multiprocessing
import os
import re
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import httpx

import scalereid.gallery.gallery
import scalereid.service.app
import scalereid.service.listening  # noqa: F401 - before processes are forked
from scalereid.cli import main

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.service.served"])
_PATIENCE = 60  # seconds for a server to be there, or to end


def _run(words: list[str], output: Path, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    signal.set_wakeup_fd(-1)
    with output.open("ab", buffering=0) as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    main(words)


class Served:
    """A service of a gallery on a port of its own; a context manager, which kills it if it is still there."""

    def __init__(self, gallery: Path | str, folder: Path, *options: str) -> None:
        self.output = folder / f"output-{time.monotonic_ns()}"
        words = ["gallery", "serve", str(gallery), "--port", "0", "--runtime", "torch", *options]
        self.process = CONTEXT.Process(target=_run, args=(words, self.output, dict(os.environ)))
        self.process.start()
        until = time.monotonic() + _PATIENCE
        while not (found := re.search(r"running on http://127.0.0.1:(\d+)", self.said())):
            assert self.process.is_alive() and time.monotonic() < until, self.said()
            time.sleep(0.02)
        self.port = int(found[1])
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=_PATIENCE, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.kill()

    def said(self) -> str:
        """All that it has printed."""
        return self.output.read_text() if self.output.exists() else ""

    def lines(self) -> list[Any]:
        """Its log of requests."""
        return [json.loads(line) for line in self.said().splitlines() if line.startswith("{")]

    def signal(self, number: int) -> None:
        assert self.process.pid
        os.kill(self.process.pid, number)

    def ended(self) -> int | None:
        """How it has ended, once it has."""
        self.process.join(_PATIENCE)
        return self.process.exitcode

    def kill(self) -> None:
        self.process.kill()
        self.process.join()

    def raw(self, *parts: bytes | float, wait: float = 20) -> bytes:
        """What it answers to bytes, with pauses in seconds between them, until it closes the connection."""
        answer = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as connection, suppress(ConnectionError):
            for part in parts:
                if isinstance(part, float):
                    time.sleep(part)
                else:
                    connection.sendall(part)
            while more := connection.recv(65_536):
                answer += more
        return answer
