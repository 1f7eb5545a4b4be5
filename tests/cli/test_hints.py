from collections.abc import Callable
from pathlib import Path

import pytest

from scalereid.cli.hints import hint, where
from scalereid.cli.parsing import parse
from scalereid.files import read_json, require_free
from scalereid.process import choose_device
from scalereid.wording import counted, duration

TRAIN = parse(["train", "toy", "--data", "d", "--out", "x"])
EVALUATE = parse(["evaluate", "runs/x", "--data", "d"])


@pytest.mark.parametrize(
    ("message", "flags"),
    [
        ("load it with run_code=True", "--run-code"),
        ("set expand_queries or augment_gallery", "--expand-queries, --augment-gallery"),
        ("name a file with out=FILE", "--out"),
        ("the data cannot be used, and the distance is far out", ""),
        ("rerun_code and run_codes are other names", ""),
        ("data.image_size is a setting that this command does not have", ""),
        ("no calibration at x; calibrate the model first", "scalereid calibrate MODEL --data FOLDER"),
        ("is reading it; overwrite them once that has passed", "scalereid gallery forget GALLERY --overwrite"),
        ("give pixels: a preset's name", "--preset NAME, or --channels, --scale, --mean and --std"),
    ],
)
def test_arguments_get_their_flags(message: str, flags: str) -> None:
    assert hint(message, EVALUATE) == (f"(on the command line: {flags})\n" if flags else "")


@pytest.mark.parametrize(
    ("message", "flags"),
    [
        (
            "data.images_per_person is 3; it must be a divisor of data.batch_size",
            "--data.batch-size, --data.images-per-person",
        ),
        ("data.images_per_person_from_epoch is 3", "--data.images-per-person-from-epoch"),
        ("set model.initial_weights.", "--model.initial-weights"),
        ("a check of the dataset says more", "scalereid data check FOLDER"),
    ],
)
def test_settings_get_their_flags(message: str, flags: str) -> None:
    assert hint(message, TRAIN) == f"(on the command line: {flags})\n"


@pytest.mark.parametrize(
    ("work", "ours"),
    [
        (lambda: require_free(Path(__file__)), True),
        (lambda: choose_device("toaster"), True),  # from an error of torch
        (lambda: read_json(Path("no/such/file")), False),  # the system's
        (lambda: duration("x"), False),  # type: ignore[arg-type]  # Python's, at a line of ours
        (lambda: counted(1, 0 / 0), False),  # type: ignore[arg-type]  # of a file that is not ours
    ],
)
def test_only_errors_from_elsewhere_say_where_to_look(work: Callable[[], object], ours: bool) -> None:
    try:
        work()
    except Exception as error:
        assert where(error) == ("" if ours else "(SCALEREID_TRACEBACK=1 shows where this was raised)\n")
    else:
        pytest.fail("nothing was raised")
