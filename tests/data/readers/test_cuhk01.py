from pathlib import Path

import pytest

from scalereid.data.readers.cuhk01 import read_cuhk01
from tests.data.readers.files import touch


def test_two_cameras_two_images_each(tmp_path: Path) -> None:
    touch(tmp_path / "campus", [f"{pid:04d}{i:03d}.png" for pid in range(1, 972) for i in (1, 2, 3, 4)])
    dataset = read_cuhk01(tmp_path, split=1)
    assert {r.path.name[4:7] for r in dataset.query} == {"001", "002"}
    assert {r.path.name[4:7] for r in dataset.gallery} == {"003", "004"}
    assert not {r.pid for r in dataset.train} & {r.pid for r in dataset.query}
    assert {r.pid for r in read_cuhk01(tmp_path, split=2).query} != {r.pid for r in dataset.query}
    (tmp_path / "campus" / "0001005.png").touch()
    with pytest.raises(ValueError, match=r"0001005\.png: not a CUHK01 file name"):
        read_cuhk01(tmp_path)
