"""Fingerprints of trained models."""

import hashlib

from torch import nn


def fingerprint(model: nn.Module, image_size: tuple[int, int]) -> str:
    """Return twelve hexadecimal digits that change when a weight or the image size does.

    If those of two models of one architecture are equal, their embeddings can be compared, and a calibration of one holds for
    the other. What has no weights, such as a pooling, is not in it.
    """
    digest = hashlib.sha256(f"{tuple(image_size)}".encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
