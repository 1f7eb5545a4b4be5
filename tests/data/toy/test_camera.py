from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from scalereid.data.toy.camera import CAMERAS, SHIFTED_CAMERAS, SIZE, Camera, photograph
from scalereid.data.toy.people import Person, draw_people

PLAIN = replace(CAMERAS[0], noise=0.0, blur=0.0)


@pytest.fixture
def person() -> Person:
    return draw_people(1, np.random.default_rng(1))[0]


def pixels(person: Person, camera: Camera, seed: int = 2) -> NDArray[np.float64]:
    return np.asarray(photograph(person, camera, np.random.default_rng(seed)), np.float64)


def test_an_image_is_random_but_for_the_seed(person: Person) -> None:
    image = photograph(person, CAMERAS[0], np.random.default_rng(0))
    assert (image.mode, image.size) == ("RGB", SIZE[::-1])
    assert np.array_equal(pixels(person, CAMERAS[0]), pixels(person, CAMERAS[0]))
    assert not np.array_equal(pixels(person, CAMERAS[0], 3), pixels(person, CAMERAS[0], 4))


def test_a_camera_changes_the_image_of_a_person(person: Person) -> None:
    views = [pixels(person, camera) for camera in CAMERAS]
    for i, view in enumerate(views):
        assert all(np.abs(view - other).mean() > 5 for other in views[:i])


def test_a_colour_cast_multiplies_a_channel(person: Person) -> None:
    plain, cast = pixels(person, PLAIN), pixels(person, replace(PLAIN, cast=(1.0, 0.5, 1.0)))
    assert np.array_equal(plain[:, :, 0], cast[:, :, 0])
    unclipped = plain[:, :, 1] < 255
    assert np.abs(plain[:, :, 1] / 2 - cast[:, :, 1])[unclipped].max() <= 1  # rounded down


def test_light_brightens_everything(person: Person) -> None:
    means = [pixels(person, replace(PLAIN, light=light)).mean() for light in (0.4, 0.8, 1.2)]
    assert means[0] < 0.6 * means[1] < means[1] < means[2]


def test_contrast_stretches_about_middle_grey(person: Person) -> None:
    plain, flat = pixels(person, PLAIN), pixels(person, replace(PLAIN, contrast=0.5))
    assert np.abs((flat - 128) - 0.5 * (plain - 128))[plain < 255].max() <= 1.5
    assert (pixels(person, replace(PLAIN, contrast=0.0)) == 128).all()


def test_blur_and_noise_act_on_fine_detail(person: Person) -> None:
    def detail(camera: Camera) -> float:
        return float(np.abs(np.diff(pixels(person, camera), axis=1)).mean())

    assert detail(replace(PLAIN, blur=2.0)) < 0.8 * detail(PLAIN) < 0.8 * detail(replace(PLAIN, noise=8.0))
    grey = replace(PLAIN, contrast=0.0, noise=6.0)
    assert pixels(person, grey).std() == pytest.approx(6.0, rel=0.05)


def test_another_domain_looks_different(person: Person) -> None:
    """Means and deviations of the colours: those of the shifted cameras differ, and vary more."""

    def style(camera: Camera) -> NDArray[np.float64]:
        image = pixels(person, camera)
        return np.concatenate([image.mean(axis=(0, 1)), image.std(axis=(0, 1))])

    here, there = ([style(camera) for camera in cameras] for cameras in (CAMERAS, SHIFTED_CAMERAS))
    assert np.abs(np.mean(here, axis=0) - np.mean(there, axis=0)).mean() > 5
    assert np.std(there, axis=0).mean() > 1.5 * np.std(here, axis=0).mean()
