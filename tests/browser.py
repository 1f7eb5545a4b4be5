"""A page in a headless Chromium, driven over a pipe by its DevTools protocol: no network, no other packages."""

import base64
import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_KEYS = {"ArrowLeft": 37, "ArrowRight": 39, "Enter": 13, "Tab": 9}


class Page:
    """One page, as a person would use it."""

    def __init__(self, call: Callable[..., Any], downloads: Path) -> None:
        self._call = call
        self.downloads = downloads

    def open(self, file: Path, *, width: int = 1200, height: int = 900, dark: bool = False) -> None:
        """Open an HTML file in a window of this size and wait until it is loaded."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self._call("Page.navigate", url=file.as_uri())
        self.wait(f"location.href == {json.dumps(file.as_uri())} && document.readyState == 'complete'")

    def press(self, key: str) -> None:
        """Press and release a key, such as `s` or `ArrowLeft`."""
        code = _KEYS.get(key, ord(key[0].upper()))
        text = {"text": "\r" if key == "Enter" else key} if len(key) == 1 or key == "Enter" else {}
        self._call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text)
        self._call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression on the page."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, expression: str, seconds: float = 20) -> None:
        """Wait until a JavaScript expression is true."""
        _wait(lambda: self.evaluate(expression), seconds)

    def downloaded(self, name: str, seconds: float = 20) -> str:
        """The text of a file that the page has saved."""
        file = self.downloads / name
        _wait(file.is_file, seconds)
        return file.read_text()

    def screenshot(self, file: Path) -> None:
        """Write what is seen as a PNG file."""
        file.write_bytes(base64.b64decode(self._call("Page.captureScreenshot")["data"]))


def _wait(is_so: Callable[[], Any], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"still not so after {seconds} s"
        time.sleep(0.02)


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """A page in a Chromium that keeps its profile and what it downloads in `folder`. Skips the test where there is none."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("there is no Chromium: NOT tested in a browser")
    downloads = folder / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    to_read, to_write = _pipe(), _pipe()  # what Chromium reads as file 3, and writes as file 4

    def place() -> None:
        os.dup2(to_read[0], 3)
        os.dup2(to_write[1], 4)

    words = [program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe"]
    chromium = subprocess.Popen(
        [*words, f"--user-data-dir={folder / 'profile'}", "about:blank"],
        preexec_fn=place,
        pass_fds=(3, 4),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_read[0])
    os.close(to_write[1])
    try:
        with os.fdopen(to_read[1], "wb") as requests, os.fdopen(to_write[0], "rb") as answers:
            call = _caller(requests, answers)
            call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
            [target] = [t for t in call("Target.getTargets")["targetInfos"] if t["type"] == "page"]
            session = call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]

            def on_page(method: str, **values: Any) -> Any:
                return call(method, session, **values)

            on_page("Page.enable")
            yield Page(on_page, downloads)
            call("Browser.close")
    finally:
        try:
            chromium.wait(10)
        except subprocess.TimeoutExpired:
            chromium.kill()
            chromium.wait()


def _pipe() -> tuple[int, int]:
    """A pipe whose numbers are not 3 or 4, which Chromium's have to be."""
    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return moved[0], moved[1]


def _caller(requests: Any, answers: Any) -> Callable[..., Any]:
    number, rest = 0, b""

    def call(method: str, session: str | None = None, **values: Any) -> Any:
        nonlocal number, rest
        number += 1
        request = {"id": number, "method": method, "params": values} | ({"sessionId": session} if session else {})
        requests.write(json.dumps(request).encode() + b"\0")
        requests.flush()
        while True:
            while b"\0" not in rest:
                part = answers.read1(1 << 20)
                assert part, "Chromium has ended"
                rest += part
            line, _, rest = rest.partition(b"\0")
            answer = json.loads(line)
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    return call
