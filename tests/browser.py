"""A page in a headless Chromium, as a person would use it: Playwright with the system's own browser."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: NOT tested in a browser")
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_SECONDS = 20


@dataclass
class Page:
    """A page of files on disk. `page` is Playwright's, for all that is not here."""

    page: Any
    downloads: Path

    def open(self, file: Path, *, width: int = 1200, height: int = 900, dark: bool = False) -> None:
        """Open an HTML file in a window of this size and wait until it is loaded."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme="dark" if dark else "light")
        self.page.goto(file.as_uri())

    def press(self, key: str) -> None:
        """Press and release a key, such as `s` or `ArrowLeft`."""
        self.page.keyboard.press(key)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression on the page."""
        return self.page.evaluate(expression)

    def wait(self, expression: str) -> None:
        """Wait until a JavaScript expression is true."""
        self.page.wait_for_function(expression)

    def downloaded(self, name: str) -> str:
        """The text of a file that the page has saved."""
        file = self.downloads / name
        self.wait_for_file(file)
        return file.read_text()

    def wait_for_file(self, file: Path) -> None:
        """Wait until a download is complete."""
        for _ in range(_SECONDS * 20):
            if file.is_file():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"{file.name} was not saved within {_SECONDS} s")

    def screenshot(self, file: Path) -> None:
        """Write what is seen as a PNG file."""
        self.page.screenshot(path=file)


@contextmanager
def chromium() -> Iterator[Any]:
    """Playwright's browser. Skips the test where there is no Chromium."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("there is no Chromium: NOT tested in a browser")
    with playwright.sync_playwright() as started:
        yield (found := started.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"]))
        found.close()


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """A page for files on disk, whose downloads are kept in `folder`."""
    downloads = folder / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    with chromium() as found:
        page = found.new_page(accept_downloads=True)
        page.set_default_timeout(1000 * _SECONDS)
        page.on("download", lambda download: download.save_as(downloads / download.suggested_filename))
        yield Page(page, downloads)
