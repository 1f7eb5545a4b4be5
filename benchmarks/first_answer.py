"""Time from a cold start to the first right answer on the page of a gallery, and pictures of the page.

    python benchmarks/first_answer.py runs/demo --data data --detector yolox_nano.onnx [--pictures docs/figures]

The run is the demo's: forty of its drawn people, with times, tracks and attributes made up, are the gallery. A street with
three of them is dropped on the page. The clock runs from the start of the command until a picture of the right person is on
the screen.
"""

import argparse
import csv
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter
from playwright.sync_api import Page, sync_playwright

from scalereid.data.toy.figure import Pose, draw_figure
from scalereid.data.toy.people import Person, draw_people

SEED, TRAIN_PEOPLE, PEOPLE = 0, 100, 140  # as the demo's people are drawn
SHOWN = range(101, 141)
IN_SCENE = (139, 118, 127)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCALEREID = [sys.executable, "-m", "scalereid"]


def toy_people() -> list[Person]:
    """The demo's people; the first has number 1."""
    rng = np.random.default_rng(SEED)
    return draw_people(TRAIN_PEOPLE, rng) + draw_people(PEOPLE - TRAIN_PEOPLE, rng)


def draw_street(file: Path) -> None:
    """A street with three people."""
    street = Image.new("RGB", (1280, 720), (171, 178, 182))
    street.paste((150, 158, 166), (0, 90, 420, 400))
    street.paste((164, 160, 150), (760, 40, 1160, 400))
    street.paste((146, 145, 141), (0, 400, 1280, 720))
    street = street.filter(ImageFilter.GaussianBlur(3))
    everybody = toy_people()
    for number, left, top, height in zip(IN_SCENE, (170, 560, 900), (200, 160, 235), (430, 360, 455), strict=True):
        figure = draw_figure(everybody[number - 1], Pose("front", stride=0.2))
        figure = figure.resize((round(figure.width * height / figure.height), height), Image.Resampling.LANCZOS)
        street.paste(figure, (left, top), figure)
    noise = np.random.default_rng(1).normal(0, 3, (720, 1280, 1))
    Image.fromarray(np.clip(np.asarray(street, np.float64) + noise, 0, 255).astype(np.uint8)).save(file, quality=92)


def write_table(file: Path, toy: Path) -> None:
    """The people as three cameras have seen them within an hour."""
    rng = np.random.default_rng(2)
    people = toy_people()
    with file.open("w", newline="") as out:
        table = csv.writer(out)
        table.writerow(["path", "camera", "time", "track", "attribute.backpack", "attribute.long_sleeves"])
        for number in SHOWN:
            moment = START + timedelta(seconds=int(rng.integers(3000)))
            for camera in rng.permutation([1, 2, 3]).tolist():
                moment += timedelta(seconds=int(rng.integers(60, 400)))
                likely = [
                    round(float(np.clip(rng.normal(0.93 if is_so else 0.06, 0.03), 0, 1)), 2)
                    for is_so in worn(people[number - 1])
                ]
                for shot in range(3):
                    at = (moment + timedelta(seconds=2 * shot)).isoformat()
                    table.writerow(
                        [toy / f"{number:04d}_c{camera}_{shot}.jpg", camera, at, f"{number}-{camera}", *likely]
                    )


def worn(person: Person) -> tuple[bool, bool]:
    """Whether a person has a backpack, and long sleeves."""
    return person.bag == "backpack", person.long_sleeves


@contextmanager
def served(folder: Path, detector: Path | None) -> Iterator[str]:
    """The address of the service, once it says it."""
    words = [
        *SCALEREID,
        "gallery",
        "serve",
        str(folder),
        "--port",
        "0",
        *(["--detector", str(detector)] if detector else []),
    ]
    service = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    assert service.stderr
    try:
        for line in service.stderr:
            if "running on" in line:
                yield line.split("running on ")[1].split()[0]
                break
    finally:
        service.terminate()
        service.stderr.read()
        service.wait()


def take_pictures(page: Page, url: str, folder: Path) -> None:
    """The page in use, of what a person does with it."""
    page.wait_for_timeout(1500)
    page.screenshot(path=folder / "page_scene.png")
    page.get_by_role("button", name="Change").click()
    page.locator("dialog input").fill("Anna")
    page.get_by_role("button", name="Choose").click()
    page.get_by_role("button", name="Select all").first.click()
    page.get_by_role("button", name="Same person", exact=True).click()
    page.locator(".headline a").wait_for()
    page.locator(".timeline").scroll_into_view_if_needed()
    page.wait_for_timeout(1500)
    page.screenshot(path=folder / "page_timeline.png")
    page.goto(f"{url}/#/review")
    page.locator(".group img[src]").first.wait_for()
    page.wait_for_timeout(1000)
    page.screenshot(path=folder / "page_review.png")
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{url}/#/people/1")
    page.locator(".alike, .tile-actions").first.wait_for()
    page.wait_for_timeout(1500)
    page.screenshot(path=folder / "page_phone.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--detector", type=Path)
    parser.add_argument("--pictures", type=Path)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as started:
        work = Path(temporary)
        write_table(work / "table.csv", (options.data / "toy-1").absolute())
        draw_street(work / "street.jpg")
        folder = work / "people.gallery"
        subprocess.run([*SCALEREID, "gallery", "create", str(folder), "--model", str(options.run)], check=True)
        subprocess.run([*SCALEREID, "gallery", "add", str(folder), str(work / "table.csv")], check=True)
        window = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"]).new_page(
            viewport={"width": 1280, "height": 960}
        )
        begun, seconds = time.perf_counter(), dict[str, float]()
        with served(folder, options.detector) as url:
            seconds["the service listens"] = time.perf_counter() - begun
            window.goto(url)
            window.get_by_text("Or start from").wait_for()
            seconds["the page can be used"] = time.perf_counter() - begun
            window.locator("input[type=file]").set_input_files(work / "street.jpg")
            right = _first(window, url)
            seconds["a picture of somebody is on the screen"] = time.perf_counter() - begun
            print(
                json.dumps(
                    {"right": right, "seconds": {what: round(value, 2) for what, value in seconds.items()}}, indent=2
                )
            )
            if options.pictures:
                take_pictures(window, url, options.pictures)


def _first(window: Page, url: str) -> bool:
    """Wait for the first answer; whether it is the person in the box."""
    window.locator(".results .tile img[src]").first.wait_for()
    number: Any = window.locator(".results .tile").first.get_attribute("data-sighting")
    sighting = window.request.get(f"{url}/api/sightings/{number}").json()["sighting"]
    return int(Path(sighting["seen"]["source"]).name[:4]) in IN_SCENE


if __name__ == "__main__":
    main()
