import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Answer, Fail, Say
from tests.inference.conftest import CALIBRATION


@pytest.fixture
def query(colours: Path, tmp_path: Path) -> Path:
    """A folder with two of the ten people, as the first camera saw them."""
    folder = tmp_path / "query"
    folder.mkdir()
    for name in ("3_1.png", "7_1.png"):
        shutil.copy(colours / name, folder)
    return folder


def test_a_table_and_pictures_of_what_is_found(
    runs: Path, colours: Path, query: Path, tmp_path: Path, say: Say
) -> None:
    page, sheet = tmp_path / "page.html", tmp_path / "sheet.jpg"
    text = say(
        "search", runs / "long", query, f"{colours}/*_[23].png", "--top", "2", "--html", page, "--picture", sheet
    )
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if "│" in line]
    assert [row[:2] for row in rows] == [["3_1.png", "1"], ["", "2"], ["7_1.png", "1"], ["", "2"]]
    assert {row[2] for row in rows[:2]} == {"3_2.png", "3_3.png"}  # each person has one colour
    assert {row[2] for row in rows[2:]} == {"7_2.png", "7_3.png"}
    assert all(0.9 < float(row[3]) <= 1 for row in rows)
    assert "probability" not in text
    assert text.endswith(f"Look at it: {page}\nLook at it: {sheet}\n")
    assert page.read_text().count("<img") == 6
    with Image.open(sheet) as picture:
        assert picture.width == 3 * 94 + 24


def test_results_as_json(runs: Path, colours: Path, query: Path, answer: Answer) -> None:
    found = answer("search", runs / "long", query, colours, "--top", "3")
    assert [result["query"] for result in found["results"]] == [str(query / "3_1.png"), str(query / "7_1.png")]
    nearest = found["results"][0]["found"]
    assert nearest[0]["path"] == str(colours / "3_1.png")  # a copy is another file
    assert {one["path"] for one in nearest} == {str(colours / f"3_{camera}.png") for camera in (1, 2, 3)}
    assert nearest[0]["similarity"] == pytest.approx(1, abs=1e-5)
    assert nearest[0]["probability"] is None
    assert (found["gallery"], found["runtime"], found["precision"], found["flip"]) == (30, "torch", "float32", False)
    assert found["calibration"] is found["page"] is found["picture"] is None


def test_a_folder_in_itself_and_other_cameras(runs: Path, colours: Path, answer: Answer, fail: Fail) -> None:
    table = colours / "dataset.csv"
    found = answer("search", runs / "long", table, table, "--other-cameras", "--top", "9")
    for result in found["results"]:
        camera = result["query"][-5]
        assert len(result["found"]) == 9
        assert {one["path"][-5] for one in result["found"]} == {"1", "2", "3"} - {camera}
    some = table.with_name("some.csv")
    some.write_text("path\n3_1.png\n")
    failed = fail("search", runs / "long", some, table, "--other-cameras")
    assert "the cameras of 1 of 1 query images are not known, such as that of" in failed
    assert "(on the command line: --other-cameras, --folders)" in failed


def test_tables_of_embeddings(
    runs: Path, colours: Path, query: Path, tmp_path: Path, say: Say, answer: Answer, fail: Fail
) -> None:
    say("embed", runs / "long", colours, "--out", tmp_path / "plain.npz", "--runtime", "torch")
    say("embed", runs / "long", colours, "--out", tmp_path / "flipped.npz", "--runtime", "torch", "--flip")
    for name, flip in (("plain", False), ("flipped", True)):
        found = answer("search", runs / "long", query, tmp_path / f"{name}.npz")
        assert found["flip"] is flip  # the query is embedded as the table was
        assert found["results"][1]["found"][0]["path"] == str(colours / "7_1.png")
        assert found["results"][1]["found"][0]["similarity"] == pytest.approx(1, abs=1e-5)
    failed = fail("search", runs / "long", tmp_path / "flipped.npz", tmp_path / "plain.npz")
    assert "plain.npz holds embeddings without mirror images, to be compared with others with them" in failed
    failed = fail("search", runs / "short", query, tmp_path / "plain.npz")
    assert "holds embeddings of osnet_one_stream (long), fingerprint " in failed
    assert "the model given is osnet_one_stream (short), fingerprint " in failed
    assert "embed its images again by `scalereid embed`" in failed
    table = tmp_path / "plain.npz"
    failed = fail("search", runs / "long", table, table, "--folders", "cameras", code=2)
    assert "--folders has no effect on tables of embeddings, which know their cameras" in failed


def test_probabilities(
    runs: Path, colours: Path, query: Path, tmp_path: Path, say: Say, answer: Answer, fail: Fail
) -> None:
    run, other = (Path(shutil.copytree(runs / name, tmp_path / name)) for name in ("long", "short"))
    fitting = replace(CALIBRATION, fingerprint=answer("search", run, query, colours)["model_fingerprint"])
    for folder in (run, other, tmp_path):
        fitting.save(folder / "calibration.json")
    found = answer("search", run, query, colours)
    assert found["calibration"] == {"dataset": "toy (123)", "prior": 0.5}
    one = found["results"][0]["found"][1]
    assert one["probability"] == pytest.approx(1 / (1 + np.exp(-4 * one["similarity"])))
    text = say("search", run / "last.safetensors", query, colours, "--calibration", tmp_path / "calibration.json")
    assert "probability" in text
    assert "98.2%" in text  # of a copy
    text = say("search", other, query, colours)
    assert (
        f"no probabilities: the calibration is of net, fingerprint {fitting.fingerprint}, not of these weights" in text
    )
    assert "Per cent" not in text
    failed = fail("search", other, query, colours, "--calibration", tmp_path / "calibration.json")
    assert f"{tmp_path}/calibration.json: the calibration is of net, fingerprint " in failed
    assert "calibrate the model again\n(on the command line: scalereid calibrate MODEL --data FOLDER)" in failed


def test_unreadable_images(runs: Path, colours: Path, query: Path, say: Say, fail: Fail) -> None:
    (query / "bad.png").write_text("no image")
    assert "bad.png cannot be read as an image" in fail("search", runs / "short", query, colours)
    assert f"left out: {query}/bad.png cannot be read" in say(
        "search", runs / "short", query, colours, "--on-error", "report"
    )


def test_what_cannot_be_written_is_said_first(runs: Path, tmp_path: Path, fail: Fail) -> None:
    failed = fail("search", runs / "short", "nowhere", "nowhere", "--picture", tmp_path / "sheet.pdf")
    assert "sheet.pdf: a contact sheet is written to a .jpg or .png file" in failed
    assert "No images in nowhere; name a folder" in fail("search", runs / "short", "nowhere", "nowhere")


def test_nothing_found_is_said(runs: Path, colours: Path, tmp_path: Path, say: Say) -> None:
    table = tmp_path / "one.csv"
    table.write_text(f"path,camid\n{colours}/3_1.png,1\n")
    assert "nothing found" in say("search", runs / "short", table, table, "--other-cameras")


def test_whole_frames_are_asked_about(runs: Path, tmp_path: Path, say: Say, answer: Answer) -> None:
    for name in ("a", "b"):
        Image.new("RGB", (300, 200)).save(tmp_path / f"{name}.jpg")
    assert "caution: 2 of 2 images do not have the shape of a person" in say(
        "search", runs / "long", tmp_path, tmp_path
    )
    (question,) = answer("search", runs / "long", tmp_path, tmp_path)["cautions"]
    assert "whole frames rather than crops of people?" in question
