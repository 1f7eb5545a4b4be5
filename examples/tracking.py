"""People keep their number when they come back: any tracker of roboflow/trackers, and what people look like.

    pip install 'scalereid[tracking]'
    python examples/tracking.py MODEL FRAMES detections.txt > tracks.txt

FRAMES is a folder of pictures (.jpg, .png), in the order of their names; detections and what is printed have MOTChallenge's
columns: frame (from 1), number (unused), left, top, width, height, confidence (1 where it is missing). A tracker follows boxes
from frame to frame, and gives a new number to a person who was out of sight for a second. Here each number's boxes are
embedded, and a new number that looks like a person who is gone becomes theirs again.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import supervision as sv
from numpy.typing import NDArray
from PIL import Image
from trackers import ByteTrackTracker

import scalereid


class Returning:
    """A tracker that knows people again by their looks.

    Args:
        tracker: Its `update` numbers boxes.
        embedder: Embeds the pictures within them.
        least_cosine: Smallest cosine between a person who is gone and a new number that are one; calibrate the model to find
            out what is right for it.
        memory: Number of frames for which the tracker itself remembers a box. People seen within them are not gone: it may
            still find them.
        channels: Order of the frames' channels; OpenCV's are BGR.
    """

    def __init__(
        self,
        tracker: Any,
        embedder: scalereid.Embedder,
        *,
        least_cosine: float = 0.6,
        memory: int = 30,
        channels: Any = "BGR",
    ) -> None:
        self.tracker, self.embedder = tracker, embedder
        self.least_cosine, self.memory, self.channels = least_cosine, memory, channels
        self.frames = 0
        self.last_seen: dict[int, int] = {}  # person to frame
        self.person: dict[int, int] = {}  # tracker's number to person
        self.looks: dict[int, NDArray[np.float32]] = {}  # person to the sum of all embeddings

    def update(self, detections: sv.Detections, frame: NDArray[np.uint8]) -> sv.Detections:
        """The boxes that the tracker numbers, with numbers of people in place of its own, which do not last."""
        self.frames += 1
        tracked: Any = self.tracker.update(detections)
        height, width = frame.shape[:2]
        left, top, right, bottom = tracked.xyxy.T
        inside = (left < width - 1) & (top < height - 1) & (right > 1) & (bottom > 1)
        tracked = tracked[(tracked.tracker_id >= 0) & inside]
        embeddings = self.embedder(frame, boxes=tracked.xyxy, channels=self.channels)
        numbers = tracked.tracker_id.tolist()
        self.last_seen |= {self.person[number]: self.frames for number in numbers if number in self.person}
        for number, embedding in zip(numbers, embeddings, strict=True):
            if number not in self.person:
                self.person[number] = self._who(embedding)
            person = self.person[number]
            self.last_seen[person] = self.frames
            self.looks[person] = self.looks.get(person, 0) + embedding
        tracked.tracker_id = np.array([self.person[number] for number in numbers], dtype=int)
        return tracked

    def _who(self, embedding: NDArray[np.float32]) -> int:
        gone = {
            person: float(embedding @ looks / np.linalg.norm(looks))
            for person, looks in self.looks.items()
            if self.frames - self.last_seen[person] > self.memory
        }
        nearest = max(gone, key=gone.__getitem__, default=None)
        if nearest is not None and gone[nearest] >= self.least_cosine:
            return nearest
        return len(self.looks) + 1


def main(model: str, frames: str, detections: str) -> None:
    """Print the tracks."""
    lines = [line.split(",") for line in Path(detections).read_text().split()]
    rows = np.array([[*map(float, line[:7]), 1.0][:7] for line in lines]).reshape(-1, 7)
    pictures = sorted(file for file in Path(frames).iterdir() if file.suffix.lower() in (".jpg", ".jpeg", ".png"))
    with scalereid.Embedder(model) as embedder:
        embedder.warm_up()
        returning = Returning(ByteTrackTracker(), embedder, channels="RGB")
        for number, file in enumerate(pictures, start=1):
            here = rows[rows[:, 0] == number]
            boxes = np.concatenate([here[:, 2:4], here[:, 2:4] + here[:, 4:6]], axis=1)
            with Image.open(file) as image:
                frame = np.asarray(image.convert("RGB"))
            seen: Any = returning.update(sv.Detections(xyxy=boxes, confidence=here[:, 6]), frame)
            for person, (left, top, right, bottom) in zip(seen.tracker_id.tolist(), seen.xyxy.tolist(), strict=True):
                print(f"{number},{person},{left:.1f},{top:.1f},{right - left:.1f},{bottom - top:.1f},1")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: python examples/tracking.py MODEL FRAMES detections.txt")
    main(*sys.argv[1:])
