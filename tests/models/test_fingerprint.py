import torch

from scalereid.models.building import build_model
from scalereid.models.fingerprint import fingerprint


def test_it_changes_with_weights_and_size_and_nothing_else() -> None:
    model = build_model("osnet_x0_25", embedding_size=16)
    first = fingerprint(model, (64, 32))
    assert len(first) == 12
    assert fingerprint(model.train(), (64, 32)) == first
    assert fingerprint(model, (32, 64)) != first
    with torch.no_grad():
        next(model.parameters()).view(-1)[5] += 1e-3
    assert fingerprint(model, (64, 32)) != first
