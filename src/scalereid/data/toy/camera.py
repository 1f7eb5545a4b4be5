"""The toy cameras: viewpoint, light, colour, sharpness, background, and how loosely they crop."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from scalereid.data.toy.figure import HEIGHT, WIDTH, Facing, Pose, draw_figure
from scalereid.data.toy.people import Colour, Person

SIZE = (256, 128)  # (height, width) of a finished image


@dataclass(frozen=True)
class Camera:
    """A camera's viewpoints, and what it does to an image."""

    facings: tuple[Facing, ...]
    """Sides of people that it sees, with equal probability."""
    light: float
    """Factor of brightness."""
    contrast: float
    """Factor of contrast around middle grey."""
    cast: tuple[float, float, float]
    """Factors of red, green and blue."""
    blur: float
    """Radius of the Gaussian blur, in pixels of the finished image."""
    wall: Colour
    ground: Colour
    clutter: int
    """Number of objects in the background."""
    noise: float = 4.0
    """Standard deviation of the sensor noise, on a scale of 255."""


CAMERAS: tuple[Camera, ...] = (
    Camera(("front",), 1.0, 1.0, (1.0, 1.0, 1.0), 0.4, (176, 182, 178), (148, 146, 140), 3),
    Camera(("back",), 0.82, 0.95, (1.05, 1.0, 0.88), 0.9, (134, 130, 120), (116, 110, 100), 5),
    Camera(("left", "front"), 1.1, 0.88, (0.93, 0.98, 1.07), 0.6, (160, 168, 180), (168, 172, 176), 2),
    Camera(("right", "back"), 0.92, 1.12, (0.94, 1.04, 0.94), 1.2, (112, 128, 104), (122, 126, 110), 6),
)

# Another domain: other light, stronger colour casts, flatter or harsher contrast, more blur, other backgrounds.
SHIFTED_CAMERAS: tuple[Camera, ...] = (
    Camera(("front",), 0.62, 1.25, (0.78, 0.92, 1.3), 1.0, (52, 58, 74), (40, 44, 56), 4, 7.0),
    Camera(("back",), 1.3, 0.66, (1.22, 1.02, 0.72), 1.6, (214, 196, 156), (202, 184, 150), 2, 3.0),
    Camera(("left", "front"), 0.8, 0.78, (0.82, 1.2, 0.84), 2.0, (84, 122, 78), (98, 116, 74), 7, 6.0),
    Camera(("right", "back"), 1.18, 1.3, (1.16, 0.86, 1.14), 0.8, (150, 112, 148), (96, 80, 104), 3, 5.0),
)


def photograph(person: Person, camera: Camera, rng: np.random.Generator) -> Image.Image:
    """Draw an RGB image of 256×128 of the person as this camera sees them; pose, position and light are random."""
    facing = camera.facings[int(rng.integers(len(camera.facings)))]
    figure = draw_figure(person, Pose(facing, stride=float(rng.uniform(-1, 1))))
    scene = _background(camera, rng)
    scale = rng.uniform(0.86, 1.02)
    size = (round(WIDTH * scale), round(HEIGHT * scale))
    left = round((WIDTH - size[0]) / 2 + rng.normal(0, 0.05) * WIDTH)
    top = round((HEIGHT - size[1]) / 2 + rng.normal(0, 0.015) * HEIGHT)
    x, y, half_width = left + size[0] / 2, top + 0.95 * size[1], 0.14 * size[1] * person.build
    box = (x - half_width, y - half_width * 0.2, x + half_width, y + half_width * 0.2)
    shadow = Image.new("L", scene.size)
    ImageDraw.Draw(shadow).ellipse(box, fill=110)
    scene.paste((20, 20, 24), (0, 0), shadow.filter(ImageFilter.GaussianBlur(9)))
    placed = figure.resize(size, Image.Resampling.BILINEAR)
    scene.paste(placed, (left, top), placed)
    small = scene.resize((SIZE[1], SIZE[0]), Image.Resampling.LANCZOS).filter(ImageFilter.GaussianBlur(camera.blur))
    return Image.fromarray(_expose(np.asarray(small, np.float64), camera, rng))


def _background(camera: Camera, rng: np.random.Generator) -> Image.Image:
    scene = Image.new("RGB", (WIDTH, HEIGHT), camera.wall)
    pen = ImageDraw.Draw(scene)
    horizon = HEIGHT * rng.uniform(0.5, 0.7)
    for _ in range(camera.clutter):
        x, width = rng.uniform(-0.1, 1.0) * WIDTH, rng.uniform(0.05, 0.4) * WIDTH
        height = rng.uniform(0.15, 0.7) * horizon
        colour = tuple(int(c) for c in np.clip(np.array(camera.wall) + rng.normal(0, 18, 3), 0, 255))
        pen.rectangle((x, horizon - height, x + width, horizon), fill=colour)
    pen.rectangle((0, horizon, WIDTH, HEIGHT), fill=camera.ground)
    for _ in range(5):
        x, darker = rng.uniform(0, WIDTH), tuple(int(0.9 * c) for c in camera.ground)
        pen.line((x, horizon, WIDTH / 2 + 3 * (x - WIDTH / 2), HEIGHT), fill=darker, width=4)
    return scene.filter(ImageFilter.GaussianBlur(5))


def _expose(pixels: NDArray[np.float64], camera: Camera, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Apply light from one side, colour cast, contrast around middle grey, and noise."""
    height, width = pixels.shape[:2]
    slope = np.linspace(-1, 1, width)[None, :, None] * rng.uniform(-0.12, 0.12)
    exposed = pixels * (camera.light * rng.uniform(0.92, 1.08) + slope) * np.array(camera.cast)
    exposed = 128 + camera.contrast * (exposed - 128) + rng.normal(0, camera.noise, (height, width, 1))
    return np.clip(exposed, 0, 255).astype(np.uint8)
