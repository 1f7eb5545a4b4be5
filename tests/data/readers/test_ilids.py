from pathlib import Path

import pytest

from scalereid.data.readers.ilids import read_ilids
from tests.data.readers.files import touch


def test_one_query_and_one_gallery_image_each(tmp_path: Path) -> None:
    folder = tmp_path / "ilids" / "i-LIDS_Pedestrian" / "Persons"
    touch(folder, [f"{pid:04d}{i:03d}.jpg" for pid in range(1, 120) for i in range(1, 5)])
    first, second = read_ilids(tmp_path, split=1), read_ilids(tmp_path, split=2)
    assert first.protocol == "all-cameras"
    assert first.left_out == {"other images of the test people": 120}
    assert [r.pid for r in first.query] == [r.pid for r in first.gallery] == sorted(r.pid for r in first.query)
    assert not {r.path for r in first.query} & {r.path for r in first.gallery}
    assert {r.path for r in first.query} != {r.path for r in second.query}
    assert read_ilids(tmp_path, split=1) == first
    (folder / "0001001.jpg").unlink()
    with pytest.raises(ValueError, match=r"ilids: found 475 images in .*Persons, but the dataset has 476"):
        read_ilids(tmp_path)
