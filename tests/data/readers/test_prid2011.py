from pathlib import Path

import pytest

from scalereid.data.readers.prid2011 import read_prid2011, read_prid2011_video
from scalereid.data.records import one_per_tracklet
from tests.data.readers.files import touch


def test_single_images(tmp_path: Path) -> None:
    base = tmp_path / "prid2011" / "prid_2011" / "single_shot"
    touch(base / "cam_a", [f"person_{pid:04d}.png" for pid in range(1, 386)])
    touch(base / "cam_b", [f"person_{pid:04d}.png" for pid in range(1, 750)])
    dataset = read_prid2011(tmp_path, split=4)
    assert {r.pid for r in dataset.gallery} == {r.pid for r in dataset.query} | set(range(201, 750))
    assert max(r.pid for r in dataset.train + dataset.query) <= 200
    assert dataset.left_out == {"people of camera A alone": 185}
    with pytest.raises(ValueError, match="prid2011#11 does not exist; choose from prid2011#1 to prid2011#10"):
        read_prid2011(tmp_path, split=11)


def test_sequences(tmp_path: Path) -> None:
    base = tmp_path / "prid_2011" / "multi_shot"
    for pid in range(1, 203):
        for camera in ("cam_a", "cam_b"):
            short = pid % 9 == 0 and camera == "cam_b"  # 22 of the first 200
            touch(base / camera / f"person_{pid:04d}", [f"{i:04d}.png" for i in range(1, 6 if short else 26)])
    dataset = read_prid2011_video(tmp_path)
    kept = {r.pid for records in dataset.splits.values() for r in records}
    assert kept == {pid for pid in range(1, 201) if pid % 9}
    assert dataset.left_out == {"people of one camera, or with short sequences": 24}
    assert len(one_per_tracklet(dataset.query)) == 89
    assert len(dataset.query) == 89 * 25
    assert {r.camid for r in dataset.query} == {1}
    assert len({r.tracklet for r in dataset.query + dataset.gallery}) == 178  # no sequence of A is one of B
