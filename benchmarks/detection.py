"""A detector on videos with ground truth: average precision of people at an overlap of 0.5, and milliseconds a frame.

    python benchmarks/detection.py DETECTOR.onnx FOLDER [--frames 1000]

FOLDER has videos and their boxes in MOTChallenge's format (frame from 1, number, left, top, width, height); all of them
count.
One thread; medians of CPU milliseconds over all frames: of `Detector.people`, and of the bare network in the same round.
"""

import argparse
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from scalereid.detection.detector import Detection, Detector, open_detector
from scalereid.detection.suppression import intersection_over_union
from scalereid.inference.pixel_format import PixelFormat

VIDEOS = {
    "vtest.avi": "PETS09-S2L1_gt.txt",
    "TUD-Stadtmitte.mp4": "TUD-Stadtmitte_gt.txt",
    "TUD-Campus.mp4": "TUD-Campus_gt.txt",
}
LEAST_SCORE = 0.01
Frame = NDArray[np.uint8]


def frames_of(video: Path, most: int) -> Iterator[Frame]:
    """The frames of a video, RGB (height, width, 3)."""
    with av.open(str(video)) as opened:
        for number, frame in enumerate(opened.decode(video=0)):
            if number == most:
                return
            yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def read_truth(file: Path) -> dict[int, NDArray[np.float64]]:
    """Boxes (n, 4), left, top, right and bottom, by the number of their frame, from 0."""
    rows = np.loadtxt(file, delimiter=",", usecols=range(6), ndmin=2)
    boxes = np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1)
    return {int(frame) - 1: boxes[rows[:, 0] == frame] for frame in np.unique(rows[:, 0])}


def average_precision(
    found: Sequence[Sequence[Detection]], truth: Sequence[NDArray[np.float64]], overlap: float = 0.5
) -> float:
    """The area under precision over recall, as PASCAL VOC computes it since 2010.

    The detections of all frames, from the highest score down: one is right if the box of a person that it overlaps most does
    so by at least `overlap`, and no better detection has taken that box.
    """
    ranked = sorted(((frame, one) for frame, here in enumerate(found) for one in here), key=lambda pair: -pair[1].score)
    taken = [np.zeros(len(boxes), bool) for boxes in truth]
    right = np.zeros(len(ranked))
    for rank, (frame, one) in enumerate(ranked):
        if len(truth[frame]):
            overlaps = intersection_over_union(np.array(one.box), truth[frame])
            nearest = int(overlaps.argmax())
            right[rank] = overlaps[nearest] >= overlap and not taken[frame][nearest]
            taken[frame][nearest] |= bool(right[rank])
    total = sum(map(len, truth))
    if not total or not len(right):
        return 0.0
    precision = right.cumsum() / np.arange(1, len(right) + 1)
    best_after = np.maximum.accumulate(precision[::-1])[::-1]
    return float((best_after * right).sum() / total)


def bare_network(detector: Detector) -> Any:
    """The network of a detector on grey pixels, as ONNX Runtime computes it."""
    network = detector._network
    pixels = np.full((*detector.image_size, 3), 128, np.uint8)
    inputs = {network.session.get_inputs()[0].name: PixelFormat().convert(pixels[None])}
    return lambda: network.session.run(None, inputs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("detector", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frames", type=int, default=1_000, help="at most, of each video")
    arguments = parser.parse_args()
    detector = open_detector(arguments.detector, least_score=LEAST_SCORE)
    network = bare_network(detector)
    print(
        f"{detector!r}\n\n| video | frames | people | AP50 | ms a frame | of that the network |\n|---|---|---|---|---|---|"
    )
    for video, file in VIDEOS.items():
        known, found, truth = read_truth(arguments.folder / file), [], []
        spent: list[list[float]] = [[], []]
        for number, frame in enumerate(frames_of(arguments.folder / video, arguments.frames)):
            started = time.process_time()
            found.append(detector.people(frame))
            between = time.process_time()
            network()
            spent[0].append(between - started)
            spent[1].append(time.process_time() - between)
            truth.append(known.get(number, np.empty((0, 4))))
        whole, bare = (1000 * statistics.median(each) for each in spent)
        people = sum(map(len, truth))
        print(
            f"| {video} | {len(found)} | {people:,} | {average_precision(found, truth):.3f} | {whole:.1f} | {bare:.1f} |"
        )


if __name__ == "__main__":
    main()
