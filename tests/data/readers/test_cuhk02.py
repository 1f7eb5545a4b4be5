from pathlib import Path

import pytest

from scalereid.data.readers.cuhk02 import read_cuhk02
from tests.data.readers.files import touch


def test_the_fifth_pair_tests(tmp_path: Path) -> None:
    base = tmp_path / "cuhk02" / "Dataset"
    for pair, people in zip(("P1", "P2", "P3", "P4", "P5"), (971, 306, 107, 193, 239), strict=True):
        for view in (1, 2):
            touch(base / pair / f"cam{view}", [f"{pid:03d}_000{i}.png" for pid in range(1, people + 1) for i in (1, 2)])
    dataset = read_cuhk02(tmp_path)
    assert {r.pid // 10_000 for r in dataset.train} == {1, 2, 3, 4}  # no person is mistaken for one of another pair
    assert {r.pid for r in dataset.query} == {50_000 + pid for pid in range(1, 240)}
    assert {r.camid for r in dataset.query} == {9}
    assert {r.camid for r in dataset.gallery} == {10}
    (base / "P5" / "cam2").rename(base / "P5" / "camera2")
    with pytest.raises(FileNotFoundError, match="CUHK02: .*P5/cam2 does not exist"):
        read_cuhk02(tmp_path)
