import numpy as np
import torch

from scalereid.retrieval.codes import encode


def test_codes_times_scales_are_directions_up_to_the_error() -> None:
    rng = np.random.default_rng(0)
    embeddings = torch.from_numpy(rng.standard_normal((1_300, 48), np.float32) * 10 ** rng.uniform(-5, 5, (1_300, 1)))
    embeddings = embeddings.float()
    embeddings[7] = 0
    lengths = embeddings.norm(dim=1, keepdim=True).clamp(min=1e-12)
    codes = encode(embeddings, lengths[:, 0].square())
    apart = (codes.values * codes.scales[:, None] - embeddings / lengths).norm(dim=1)
    assert apart.max() <= codes.error * (1 + 1e-5) < 0.02
    assert codes.values.dtype == torch.int8
    assert codes.values.abs().amax(dim=1).tolist() == [127 if row != 7 else 0 for row in range(1_300)]


def test_each_is_encoded_by_itself() -> None:
    embeddings = torch.randn(1_000, 16)
    squares = embeddings.square().sum(dim=1)
    whole, parts = encode(embeddings, squares), [encode(embeddings[i::2], squares[i::2]) for i in range(2)]
    for start, part in enumerate(parts):
        assert torch.equal(whole.values[start::2], part.values)
        assert torch.equal(whole.scales[start::2], part.scales)
    assert whole.error == max(part.error for part in parts)


def test_none() -> None:
    assert encode(torch.zeros(0, 4), torch.zeros(0)).error == 0
