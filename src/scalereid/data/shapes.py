"""Whether images have the shape of a person, or are whole frames given in place of crops."""

from threading import Lock

MIN_SIZE = (32, 16)  # height, width: fewer pixels hardly show a person
_MAX_RATIO = 8.0  # height / width; a standing person has 2 to 4


def is_tiny(height: int, width: int) -> bool:
    """Whether an image has too few pixels to show a person."""
    return height < MIN_SIZE[0] or width < MIN_SIZE[1]


def is_odd(height: int, width: int) -> bool:
    """Whether an image has another shape than a person; of a tiny one nothing can be said."""
    return not is_tiny(height, width) and not 1 <= height / width <= _MAX_RATIO


def ask_for_crops(odd: int, images: int) -> str:
    """The question whether `odd` of `images` images are whole frames."""
    return (
        f"{odd:,} of {images:,} images do not have the shape of a person: wider than tall, or more than {_MAX_RATIO:.0f} times "
        "as tall as wide. Are they whole frames rather than crops of people?"
    )


class ShapeCount:
    """Counts images as they are read, and those that do not have the shape of a person. Several threads may add to it."""

    def __init__(self) -> None:
        self.images = self.odd = 0
        self._example = ""
        self._lock = Lock()

    def add(self, height: int, width: int, name: object = "") -> None:
        """Count an image of this size, before it is resized for a model."""
        with self._lock:
            self.images += 1
            if is_odd(height, width):
                self.odd += 1
                example = f"{name} ({width}×{height} pixels, width×height)"
                if name and (not self._example or example < self._example):
                    self._example = example

    def include(self, other: "ShapeCount") -> None:
        """Add the images that another one has counted."""
        with self._lock:
            self.images += other.images
            self.odd += other.odd
            self._example = min(filter(None, (self._example, other._example)), default="")

    def __getstate__(self) -> tuple[int, int, str]:
        """Without the lock, which stays in its process."""
        return self.images, self.odd, self._example

    def __setstate__(self, state: tuple[int, int, str]) -> None:
        self.images, self.odd, self._example = state
        self._lock = Lock()

    def question(self) -> str:
        """The question whether images are whole frames, with the numbers and the first of them by name; empty for none."""
        if not self.odd:
            return ""
        example = f" The first of them: {self._example}." if self._example else ""
        return f"{ask_for_crops(self.odd, self.images)}{example}"
