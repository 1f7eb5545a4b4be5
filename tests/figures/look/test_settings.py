import pytest

from scalereid.figures.look.settings import LookSettings


def test_defaults_are_valid() -> None:
    assert LookSettings().what == ()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"what": ("gate",)}, "No such what: 'gate'"),
        ({"images": 3}, "images is 3"),
        ({"stages": (0,)}, "stages is 0"),
        ({"clusters": 1}, "clusters is 1"),
        ({"top": 0}, "top is 0"),
        ({"blur": -1.0}, "blur is -1"),
        ({"occlusion": 1.5}, "occlusion is 1.5"),
        ({"gamma": 0.0}, "gamma is 0"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_what_is_out_of_range(given: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        LookSettings(**given)  # type: ignore[arg-type]
