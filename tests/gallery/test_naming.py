from datetime import UTC, datetime

import pytest

from scalereid.gallery.naming import NameRule


def test_what_a_name_tells() -> None:
    rule = NameRule(camera_from=r"cam(\d+)", time_from="%Y%m%d_%H%M%S", track_from=r"track-(\w+)/")
    seen = rule.read("crops/cam07/track-ab/x_20260301_130509.jpg")
    assert (seen.camera, seen.track) == ("07", "ab")
    assert seen.time == datetime(2026, 3, 1, 13, 5, 9, tzinfo=UTC)
    assert seen.source == "crops/cam07/track-ab/x_20260301_130509.jpg"
    assert NameRule(time_from="%y-%j.%f").read("26-060.123456.png").time == datetime(
        2026, 3, 1, 0, 0, 0, 123_456, tzinfo=UTC
    )
    plain = NameRule().read("a.jpg")
    assert (plain.camera, plain.track, plain.time) == ("", "", None)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cam1/x.jpg", "its name has no time like 20260301_130500"),
        ("cam1/20261301_130500.jpg", "its name has a time that is none: time data '20261301_130500' does not match"),
        ("x/20260301_130509.jpg", r"its path has no camera like cam\(\\d\+\)"),
        ("cam1_20260301_130509/x.jpg", "its name has no time"),
    ],
)
def test_what_a_name_does_not_tell(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NameRule(camera_from=r"cam(\d+)", time_from="%Y%m%d_%H%M%S").read(name)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"camera_from": "cam("}, "camera_from is 'cam.', which is not a regular expression"),
        ({"camera_from": "cam"}, "camera_from is 'cam', which has 0 groups; expected one"),
        ({"track_from": "(a)(b)"}, "track_from is .* which has 2 groups"),
        ({"time_from": "%Y %B"}, "%B cannot be searched for; use %Y, %m"),
        ({"time_from": "name"}, "time_from is 'name', which has no parts of a time"),
    ],
)
def test_rules_that_cannot_be_used(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NameRule(**settings)
