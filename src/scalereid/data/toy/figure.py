"""The figure of a toy person: flat shapes drawn large with Pillow, then shaded to look round."""

from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from scalereid.data.toy.people import Person

HEIGHT, WIDTH = 768, 384  # drawn three times as large as 256×128, then reduced
Facing = Literal["front", "back", "left", "right"]
_Point = tuple[float, float]


@dataclass(frozen=True)
class Pose:
    """A person's pose before a camera at one moment."""

    facing: Facing
    stride: float
    """From −1 to 1: legs and arms apart one way or the other; together at 0."""


def draw_figure(person: Person, pose: Pose) -> Image.Image:
    """Draw the person on a transparent background: RGBA, 768×384, feet near the bottom edge."""
    figure = _Figure(person, pose)
    figure.draw()
    # Darken towards the edges of each part, so that flat shapes look round.
    alpha = figure.image.getchannel("A")
    depth = alpha.filter(ImageFilter.GaussianBlur(14))
    grey = depth.point([int(255 * (0.62 + 0.38 * min(1.0, (i / 255) ** 1.5))) for i in range(256)])
    shaded = ImageChops.multiply(figure.image.convert("RGB"), Image.merge("RGB", [grey] * 3))
    shaded.putalpha(alpha)
    return shaded


class _Figure:
    """Coordinates run from 0 to 1 downwards over the image's height, and sideways from the middle of the body."""

    def __init__(self, person: Person, pose: Pose) -> None:
        self.person, self.pose = person, pose
        self.image = Image.new("RGBA", (WIDTH, HEIGHT))
        self.pen = ImageDraw.Draw(self.image)
        self.profile = pose.facing in ("left", "right")
        self.ahead = -1.0 if pose.facing == "left" else 1.0  # in profile: direction of forwards
        self.half = (0.062 if self.profile else 0.098) * person.build  # half the width of the shoulders

    def draw(self) -> None:
        """Draw from back to front."""
        facing, bag = self.pose.facing, self.person.bag
        if self.profile:
            self.arm(-1)
        self.legs()
        if self.person.hair == "long" and facing == "front":
            self.long_hair()
        if bag == "backpack" and self.profile:
            self.backpack()
        if not self.profile:
            self.arm(-1)
        self.torso()
        self.head()
        self.arm(1)
        if bag == "backpack" and not self.profile:
            self.backpack() if facing == "back" else self.straps()
        elif bag == "shoulder":
            self.shoulder_bag()
        elif bag == "hand":
            self.hand_bag()

    def torso(self) -> None:
        hips = self.half * (1.02 if self.person.build > 1 else 0.9)
        shape = Image.new("L", (WIDTH, HEIGHT))
        outline = [
            (-0.03, 0.178), (0.03, 0.178), (self.half * 0.85, 0.195), (self.half, 0.225), (hips * 0.96, 0.38),
            (hips, 0.515), (-hips, 0.515), (-hips * 0.96, 0.38), (-self.half, 0.225), (-self.half * 0.85, 0.195),
        ]  # fmt: skip
        ImageDraw.Draw(shape).polygon(_pixels(*outline), fill=255)
        self.image.paste(self.cloth(), (0, 0), shape)
        self.logo()

    def cloth(self) -> Image.Image:
        """The upper garment's colours, over the whole image."""
        pattern, second = self.person.pattern, self.person.pattern_colour
        cloth = Image.new("RGBA", (WIDTH, HEIGHT), self.person.upper)
        pen = ImageDraw.Draw(cloth)
        if pattern == "two-tone":
            pen.rectangle((0, 0.34 * HEIGHT, WIDTH, HEIGHT), fill=second)
        if pattern in ("stripes", "checks"):
            for y in range(int(0.19 * HEIGHT), int(0.54 * HEIGHT), 46):
                pen.rectangle((0, y, WIDTH, y + 16), fill=second)
        if pattern == "checks":
            for x in range(WIDTH // 2 - 184, WIDTH, 46):
                pen.rectangle((x, 0, x + 14, HEIGHT), fill=second)
        return cloth

    def logo(self) -> None:
        """Draw the logo on the chest or the back, smaller in profile."""
        logo, colour = self.person.logo, self.person.logo_colour
        x, y, r = (0.0, 0.29, 0.022) if self.profile else (0.028 if self.pose.facing == "front" else 0.0, 0.275, 0.03)
        if self.pose.facing == "back" and self.person.bag == "backpack":
            return  # hidden
        if logo == "disc":
            self.ellipse(x, y, r, r, colour)
        elif logo == "square":
            self.pen.rectangle(_pixels((x - r, y - r), (x + r, y + r)), fill=colour)
        elif logo == "triangle":
            self.pen.polygon(_pixels((x - r, y + r), (x + r, y + r), (x, y - r)), fill=colour)
        elif logo == "bar":
            self.pen.rectangle(_pixels((x - 1.4 * r, y - r / 3), (x + 1.4 * r, y + r / 3)), fill=colour)

    def arm(self, side: int) -> None:
        """Draw an arm: side −1 is the far arm in profile, the left one of the image otherwise."""
        person, swing = self.person, self.pose.stride * side
        thickness = 0.042 * (0.7 + 0.3 * person.build)
        if self.profile:
            shoulder = (0.0, 0.225)
            elbow = (self.ahead * 0.055 * swing, 0.355)
            hand = (self.ahead * (0.1 * swing + 0.03), 0.475)
        else:
            shoulder = (side * (self.half - 0.012), 0.222)
            elbow = (side * (self.half + 0.022), 0.36)
            hand = (side * (self.half + 0.018), 0.485 - 0.015 * abs(swing))
        self.limb([shoulder, elbow, hand], thickness * 0.8, person.skin)
        self.limb([shoulder, elbow], thickness, person.upper)
        if person.long_sleeves:
            self.limb([elbow, (hand[0], hand[1] - 0.02)], thickness * 0.92, person.upper)
        self.hand = hand

    def legs(self) -> None:
        person, stride = self.person, self.pose.stride
        thickness = 0.062 * (0.6 + 0.4 * person.build)
        for side in (-1, 1):
            if self.profile:
                hip, knee = (0.0, 0.5), (self.ahead * 0.05 * stride * side, 0.71)
                ankle = (self.ahead * (0.1 * stride * side - 0.015), 0.925 - 0.012 * abs(stride))
                toe = (ankle[0] + self.ahead * 0.045, ankle[1] + 0.018)
            else:
                spread = 0.04 * person.build
                hip, knee = (side * spread, 0.5), (side * (spread + 0.004), 0.71)
                ankle = (side * (spread + 0.004), 0.93 - 0.02 * max(0.0, stride * side))
                toe = (ankle[0] + side * 0.008, ankle[1] + 0.016)
            self.limb([hip, knee, ankle], thickness * 0.72, person.skin)
            if person.lower == "trousers":
                self.limb([hip, knee, ankle], thickness, person.lower_colour)
            elif person.lower == "shorts":
                self.limb([hip, (knee[0], 0.68)], thickness * 1.1, person.lower_colour)
            self.limb([ankle, toe], thickness * 0.78, person.shoes)
        if person.lower == "skirt":
            top, hem = self.half * 0.92, self.half * 1.25 + 0.03 * abs(stride)
            self.pen.polygon(_pixels((-top, 0.49), (top, 0.49), (hem, 0.7), (-hem, 0.7)), fill=person.lower_colour)

    def head(self) -> None:
        skin = self.person.skin
        self.limb([(0, 0.15), (0, 0.185)], 0.046, skin)
        x = self.ahead * 0.008 if self.profile else 0.0
        self.ellipse(x, 0.108, 0.051 if self.profile else 0.047, 0.063, skin)
        if self.profile:
            self.ellipse(x + self.ahead * 0.05, 0.115, 0.009, 0.01, skin)
        if self.pose.facing == "front":
            for side in (-1, 1):
                self.ellipse(side * 0.017, 0.106, 0.005, 0.004, tuple(c // 3 for c in skin))
            self.limb([(-0.011, 0.138), (0.011, 0.138)], 0.004, tuple(int(0.7 * c) for c in skin))
        self.hair(x)

    def hair(self, x: float) -> None:
        person, colour, facing = self.person, self.person.hair_colour, self.pose.facing
        if person.hair == "bald":
            return
        if facing == "back":
            self.ellipse(x, 0.1, 0.05, 0.061, colour)
        else:
            start, end = {"front": (195, 345), "right": (150, 320), "left": (220, 30)}[facing]
            self.pen.chord(_pixels((x - 0.053, 0.038), (x + 0.053, 0.168)), start, end, fill=colour)
        if person.hair == "long" and facing != "front":
            side = 0.0 if facing == "back" else -self.ahead * 0.028
            self.limb([(x + side, 0.1), (x + side, 0.235)], 0.075 if facing == "back" else 0.045, colour)
        if person.hair == "bun":
            self.ellipse(x - (self.ahead * 0.04 if self.profile else 0), 0.046, 0.022, 0.022, colour)
        if person.hair == "cap":
            self.pen.chord(_pixels((x - 0.055, 0.032), (x + 0.055, 0.15)), 180, 360, fill=person.bag_colour)
            if self.profile:
                self.limb([(x, 0.092), (x + self.ahead * 0.07, 0.096)], 0.014, person.bag_colour)
            elif facing == "front":
                self.limb([(x - 0.03, 0.092), (x + 0.03, 0.092)], 0.014, person.bag_colour)

    def long_hair(self) -> None:
        for side in (-1, 1):
            self.limb([(side * 0.034, 0.11), (side * 0.036, 0.215)], 0.04, self.person.hair_colour)

    def backpack(self) -> None:
        colour = self.person.bag_colour
        if self.profile:
            middle = -self.ahead * (self.half + 0.022)
            self.rounded(middle - 0.04, 0.215, middle + 0.04, 0.43, colour)
        else:
            self.rounded(-0.075, 0.215, 0.075, 0.44, colour)
            self.rounded(-0.05, 0.34, 0.05, 0.42, tuple(int(0.75 * c) for c in colour))

    def straps(self) -> None:
        for side in (-1, 1):
            x = side * self.half * 0.62
            self.limb([(x, 0.195), (x, 0.37)], 0.018, self.person.bag_colour)

    def shoulder_bag(self) -> None:
        colour = self.person.bag_colour
        side = self.ahead if self.pose.facing != "back" else -1.0
        self.limb([(-side * self.half * 0.6, 0.2), (side * self.half * 0.95, 0.47)], 0.013, colour)
        x = side * self.half * (0.6 if self.profile else 1.0)
        self.rounded(x - 0.045, 0.44, x + 0.045, 0.54, colour)

    def hand_bag(self) -> None:
        x, y = self.hand
        self.limb([(x - 0.018, y + 0.06), (x, y), (x + 0.018, y + 0.06)], 0.009, self.person.bag_colour)
        self.rounded(x - 0.045, y + 0.05, x + 0.045, y + 0.14, self.person.bag_colour)

    def limb(self, points: list[_Point], thickness: float, colour: tuple[int, ...]) -> None:
        """Draw a line through the points with round ends and joints."""
        pixels = _pixels(*points)
        width = round(thickness * HEIGHT)
        self.pen.line(pixels, fill=colour, width=width)
        for x, y in pixels:
            self.pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=colour)

    def ellipse(self, x: float, y: float, half_width: float, half_height: float, colour: tuple[int, ...]) -> None:
        self.pen.ellipse(_pixels((x - half_width, y - half_height), (x + half_width, y + half_height)), fill=colour)

    def rounded(self, left: float, top: float, right: float, bottom: float, colour: tuple[int, ...]) -> None:
        self.pen.rounded_rectangle(_pixels((left, top), (right, bottom)), radius=14, fill=colour)


def _pixels(*points: _Point) -> list[_Point]:
    return [(WIDTH / 2 + x * HEIGHT, y * HEIGHT) for x, y in points]
