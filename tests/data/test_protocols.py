from itertools import product
from typing import get_args

import numpy as np
import pytest
import torch

from scalereid.data.protocols import LEFT_OUT, Protocol, leaves_out, needs_two_cameras

SAME_CAMERA = {  # (person, camera, image) in common -> left out
    (False, False, False): False,
    (False, False, True): False,
    (False, True, False): False,
    (False, True, True): False,
    (True, False, False): False,
    (True, False, True): False,
    (True, True, False): True,
    (True, True, True): True,
}
SAME_IMAGE = {case: case[2] for case in SAME_CAMERA}
RULES: dict[Protocol, dict[tuple[bool, bool, bool], bool]] = {
    "market1501": SAME_CAMERA,
    "single-gallery-shot": SAME_CAMERA,
    "all-cameras": SAME_IMAGE,
}
CASES = [(protocol, case, expected) for protocol, rule in RULES.items() for case, expected in rule.items()]


def test_the_table_has_every_case() -> None:
    assert RULES.keys() == set(get_args(Protocol)) == LEFT_OUT.keys()
    assert set(SAME_CAMERA) == set(product([False, True], repeat=3))


@pytest.mark.parametrize(("protocol", "case", "expected"), CASES)
def test_what_each_protocol_leaves_out(protocol: Protocol, case: tuple[bool, bool, bool], expected: bool) -> None:
    person, camera, image = case
    assert leaves_out(protocol, same_person=person, same_camera=camera, same_image=image) is expected


@pytest.mark.parametrize("protocol", RULES)
def test_arrays_and_tensors_are_ruled_alike(protocol: Protocol) -> None:
    person, camera, image = np.array(list(RULES[protocol])).T
    expected = list(RULES[protocol].values())
    array = leaves_out(protocol, same_person=person, same_camera=camera, same_image=image)
    assert isinstance(array, np.ndarray)
    assert array.dtype == bool
    assert array.tolist() == expected
    person, camera, image = (torch.from_numpy(column.copy()) for column in (person, camera, image))
    tensor = leaves_out(protocol, same_person=person, same_camera=camera, same_image=image)
    assert isinstance(tensor, torch.Tensor)
    assert tensor.dtype == torch.bool
    assert tensor.tolist() == expected


def test_matrices_are_left_as_they_are() -> None:
    masks = torch.rand(3, 4, 5) < 0.5
    before = masks.clone()
    for protocol in RULES:
        leaves_out(protocol, same_person=masks[0], same_camera=masks[1], same_image=masks[2])
    assert torch.equal(masks, before)


def test_who_needs_two_cameras() -> None:
    assert {protocol: needs_two_cameras(protocol) for protocol in RULES} == {
        "market1501": True,
        "single-gallery-shot": True,
        "all-cameras": False,
    }
