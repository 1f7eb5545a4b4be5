import pytest

from scalereid.data.image_size import check_image_size


@pytest.mark.parametrize("size", [(15, 64), (64, 15), (4097, 64), (10**6, 10**6)])
def test_sizes_that_no_network_takes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(
        ValueError, match=rf"image_size is {size[0]}×{size[1]}; height and width must be from 16 to 4096"
    ):
        check_image_size(size)


@pytest.mark.parametrize("size", [(16, 16), (256, 128), (4096, 4096)])
def test_sizes_that_networks_take(size: tuple[int, int]) -> None:
    check_image_size(size)
