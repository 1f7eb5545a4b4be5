"""People in a picture: a YOLOX network in ONNX finds them, and each is embedded.

    pip install 'scalereid[export]'
    python examples/detect_people.py MODEL yolox_nano.onnx PICTURE

Prints each box (left, top, right, bottom) and its similarity to the first. YOLOX's authors offer the networks, trained on COCO:
https://github.com/Megvii-BaseDetection/YOLOX
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

import scalereid


class YOLOX:
    """Finds people with a YOLOX network, as its authors export it: raw outputs, pixels from 0 to 255 in BGR."""

    def __init__(self, file: str | Path, *, least_score: float = 0.4, most_overlap: float = 0.45) -> None:
        self.session = onnxruntime.InferenceSession(str(file))
        self.least_score, self.most_overlap = least_score, most_overlap
        *_, self.height, self.width = self.session.get_inputs()[0].shape

    def __call__(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Boxes (n, 4) of the people in an RGB frame (H, W, 3), surest first: left, top, right, bottom."""
        scale = min(self.height / frame.shape[0], self.width / frame.shape[1])
        size = round(frame.shape[1] * scale), round(frame.shape[0] * scale)
        canvas = np.full((self.height, self.width, 3), 114, np.float32)
        canvas[: size[1], : size[0]] = np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BILINEAR))[
            ..., ::-1
        ]
        (rows,) = self.session.run(None, {self.session.get_inputs()[0].name: canvas.transpose(2, 0, 1)[None]})
        boxes, scores = self._decode(rows[0])
        return boxes[self._apart(boxes, scores)] / scale

    def _decode(self, rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Boxes and scores of the rows that are surely people; a row is centre, log size, object, and COCO's classes."""
        cells = []
        for stride in (8, 16, 32):
            y, x = np.mgrid[: self.height // stride, : self.width // stride]
            cells.append(np.stack([x.ravel(), y.ravel(), np.full(x.size, stride)], axis=1))
        x, y, stride = np.concatenate(cells).T[..., None]
        centres = (rows[:, :2] + np.hstack([x, y])) * stride
        halves = np.exp(rows[:, 2:4]) * stride / 2
        scores = rows[:, 4] * rows[:, 5]  # the first class is person
        sure = scores >= self.least_score
        return np.hstack([centres - halves, centres + halves])[sure].astype(np.float32), scores[sure]

    def _apart(self, boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> list[int]:
        """The boxes that do not overlap a surer one by more than `most_overlap` of their union."""
        kept: list[int] = []
        sizes = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
        for i in np.argsort(-scores).tolist():
            shared = (np.minimum(boxes[i, 2:], boxes[kept, 2:]) - np.maximum(boxes[i, :2], boxes[kept, :2])).clip(0)
            shared = shared.prod(axis=1)
            if (shared <= self.most_overlap * (sizes[i] + sizes[kept] - shared)).all():
                kept.append(i)
        return kept


def main(model: str, detector: str, picture: str) -> None:
    """Print the people."""
    with Image.open(picture) as image:
        frame = np.asarray(image.convert("RGB"))
    boxes = YOLOX(detector)(frame)
    with scalereid.Embedder(model) as embedder:
        embeddings = embedder(frame, boxes=boxes)
    for box, embedding in zip(boxes, embeddings, strict=True):
        print(*box.round().astype(int), f"{embedding @ embeddings[0]:.3f}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: python examples/detect_people.py MODEL DETECTOR.onnx PICTURE")
    main(*sys.argv[1:])
