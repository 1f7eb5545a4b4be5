"""One gallery image of each person, drawn anew several times: the classic protocol of CUHK03."""

import numpy as np
import torch
from torch import Tensor

REPEATS = 10  # as torchreid and most others do
_DRAWS = 2_000_000  # random numbers held at a time


class SingleShot:
    """Draws one image of each gallery person for every query, and says at which rank the right one comes."""

    def __init__(self, gallery_pids: Tensor, *, seed: int, repeats: int = REPEATS) -> None:
        self.repeats = repeats
        self.rng = np.random.default_rng(seed)
        self.order = gallery_pids.argsort(stable=True)  # gallery images, one person after another
        self.people, images = torch.unique(gallery_pids, return_counts=True)
        self.ends = images.cumsum(0)

    def ranks(self, distances: Tensor, query_pids: Tensor, left_out: Tensor) -> Tensor:
        """The rank (b, repeats) of each query's person among one image of every person, from 1 on.

        Images that are `left_out` (b, gallery) are not drawn; a person without any other does not take part. For a query whose
        own person is one of those, the ranks mean nothing. Equal distances keep gallery order.
        """
        rows = max(1, _DRAWS // (self.repeats * len(self.people) + len(self.order)))
        parts = (torch.split(x, rows) for x in (distances, query_pids, left_out))
        return torch.cat([self._ranks(*part) for part in zip(*parts, strict=True)])

    def _ranks(self, distances: Tensor, query_pids: Tensor, left_out: Tensor) -> Tensor:
        available = (~left_out)[:, self.order].cumsum(dim=1)  # images to draw from, up to each position
        until = available[:, self.ends - 1]
        of_person = until.diff(dim=1, prepend=until.new_zeros(len(until), 1))
        own = torch.searchsorted(self.people, query_pids).clamp(max=len(self.people) - 1)[:, None]
        uniform = self.rng.random((len(distances), self.repeats, len(self.people)))
        ranks = []
        for draw in torch.from_numpy(uniform).to(distances.device).unbind(dim=1):
            number = until - of_person + (draw * of_person).long() + 1  # the k-th image that may be drawn
            at = torch.searchsorted(available, number).clamp(max=len(self.order) - 1)
            image = self.order[at]
            drawn = distances.gather(1, image).masked_fill(of_person == 0, torch.inf)
            right, right_image = drawn.gather(1, own), image.gather(1, own)
            before = (drawn < right) | ((drawn == right) & (image < right_image))
            ranks.append(1 + before.sum(dim=1))
        return torch.stack(ranks, dim=1)
