"""Average linkage without the distances of all pairs: groups are compared by their mean embeddings."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from scalereid.retrieval.distances import row_blocks
from scalereid.retrieval.product import products

Rows = NDArray[np.int64]
Forbidden = Callable[[Rows, Rows], NDArray[np.bool_]]
"""Says of pairs of rows, given as two arrays (p,), which ones cannot be in one group."""
_LEFT = 0.7  # share of the means that is still needed, below which the others are dropped


class Linkage:
    """Groups of embeddings of length 1, of which the two nearest are joined, again and again, up to a mean cosine distance.

    The mean distance of all pairs of two groups is 1 minus the product of their mean embeddings, so only these are kept. All
    groups that are each other's nearest are joined at once: that gives the same groups as one join after the other, because
    a join brings no group nearer to a third one than its nearer part was (reducibility; Murtagh, 1983).

    Of each group are known the nearest one and a least distance of all others. A join matters only to groups whose nearest
    was joined. These look at the joined group first, and at all others only if one of them may be nearer now.
    """

    def __init__(
        self, embeddings: NDArray[np.float32], members: list[Rows], cut: float, forbidden: Forbidden, tile: int
    ) -> None:
        self.members, self.cut, self.forbidden, self.tile = members, cut, forbidden, tile
        self.sizes = np.array([len(rows) for rows in members])
        number, starts = len(members), self.sizes.cumsum() - self.sizes
        sums = np.add.reduceat(embeddings[np.concatenate(members)], starts, axis=0)
        self.heights = np.zeros(number)
        """At which distance the parts of each group were joined last."""
        self.nearest = np.full(number, -1)
        self.near, self.others = np.full((2, number), np.inf, np.float32)
        """Distance to the nearest group, infinite where none may be joined; a least distance to all others."""
        self.barred: list[set[int]] = [set() for _ in members]  # groups known to be forbidden, which they stay
        self.live = np.arange(number)  # whose means are in the rows of `means`
        self.row = np.arange(number)  # of each group in `means`; −1 if it is gone, or can be joined no more
        self.means = torch.from_numpy((sums / self.sizes[:, None]).astype(np.float32))

    def join(self) -> list[tuple[Rows, float]]:
        """Join until no two groups are near enough. The groups, each with the distance of the parts joined last."""
        self._compare(self.live)
        while len(pairs := self._mutual()):
            self._join(*pairs.T)
            self._drop()
        return [(rows, float(height)) for rows, height in zip(self.members, self.heights, strict=True) if len(rows)]

    def _mutual(self) -> Rows:
        """Pairs (p, 2) of groups that are each other's nearest; at least one, if any two are near enough."""
        live = self.live[np.isfinite(self.near[self.live])]
        mutual = live[(self.nearest[self.nearest[live]] == live) & (live < self.nearest[live])]
        if len(live) and not len(mutual):  # rounding, or equal distances in a circle
            mutual = live[[self.near[live].argmin()]]
        return np.sort(np.stack([mutual, self.nearest[mutual]], axis=1), axis=1)

    def _join(self, one: Rows, other: Rows) -> None:
        """Join each of some groups with another, which is gone then."""
        partner = np.full(len(self.members), -1)
        partner[one], partner[other] = other, one
        rest = self.live[(partner[self.live] < 0) & np.isfinite(self.near[self.live])]
        turned = rest[partner[self.nearest[rest]] >= 0]
        added = partner[self.nearest[turned]]
        into, apart = np.minimum(self.nearest[turned], added), self._apart(turned, added)

        self.heights[one] = np.minimum(self.near[one], self.near[other])
        shares = torch.from_numpy(self.sizes[other] / (self.sizes[one] + self.sizes[other])).float()[:, None]
        self.means[self.row[one]] = torch.lerp(self.means[self.row[one]], self.means[self.row[other]], shares)
        self.sizes[one] += self.sizes[other]
        for a, b in zip(one.tolist(), other.tolist(), strict=True):
            self.members[a], self.members[b] = np.concatenate([self.members[a], self.members[b]]), self.members[b][:0]
            for third in self.barred[b]:
                self.barred[third].remove(b)
                self.barred[third].add(a)
            self.barred[a] |= self.barred[b]
            self.barred[b] = set()
        self.near[other], self.row[other] = np.inf, -1

        distances = self._compare(one, turned, into)
        nearer = ~apart & (distances < self.others[turned])
        self.nearest[turned] = into
        self.near[turned] = np.where(nearer & (distances <= self.cut), distances, np.inf)
        self._compare(turned[~nearer & (self.others[turned] <= self.cut)])

    def _drop(self) -> None:
        """Leave out groups that nothing may be joined to, for good: no later group is nearer to them than its parts are."""
        self.row[self.live[~np.isfinite(self.near[self.live])]] = -1
        live = self.live[self.row[self.live] >= 0]
        self._compare(live[self.row[self.nearest[live]] < 0])  # by rounding, one may be near enough and the other not
        if len(live) < _LEFT * len(self.live):
            self.means, self.live = self.means[self.row[live]], live
            self.row[live] = np.arange(len(live))

    def _compare(self, groups: Rows, of: Rows | None = None, to: Rows | None = None) -> NDArray[np.float32]:
        """Find the nearest of some groups, ascending. The distances (p,) of `of` to `to`, pairs with one of these groups."""
        wanted = np.empty(0 if of is None else len(of), np.float32)
        at = groups.searchsorted(to) if to is not None else np.empty(0, np.int64)
        step = max(1, self.tile // max(1, len(self.live)))
        for rows in row_blocks(len(groups), step):
            some = groups[rows]
            distances = (1 - products(self.means[self.row[some]], self.means)).numpy()
            if of is not None:
                inside = (at >= rows.start) & (at < rows.stop)
                wanted[inside] = distances[at[inside] - rows.start, self.row[of[inside]]]
            self._find_nearest(some, distances)
        return wanted

    def _find_nearest(self, groups: Rows, distances: NDArray[np.float32]) -> None:
        """From distances (groups, rows of `means`), which are overwritten."""
        distances[:, self.row[self.live] < 0] = np.inf
        distances[np.arange(len(groups)), self.row[groups]] = np.inf
        for own, group in zip(distances, groups.tolist(), strict=True):
            if barred := self.barred[group]:
                columns = self.row[[*barred]]
                own[columns[columns >= 0]] = np.inf
        self.near[groups] = np.inf
        left = np.arange(len(groups))
        while len(left):
            column = distances[left].argmin(axis=1) if len(left) < len(groups) else distances.argmin(axis=1)
            found = distances[left, column]
            left, column, found = (each[found <= self.cut] for each in (left, column, found))
            distances[left, column] = np.inf
            apart = self._apart(groups[left], self.live[column])
            chosen = groups[left[~apart]]
            self.nearest[chosen], self.near[chosen] = self.live[column[~apart]], found[~apart]
            left = left[apart]
        self.others[groups] = distances.min(axis=1)

    def _apart(self, one: Rows, other: Rows) -> NDArray[np.bool_]:
        """Which pairs of groups (p,) hold a forbidden pair of rows. It is remembered."""
        if not len(one):
            return np.zeros(0, bool)
        rows, others = (np.concatenate([self.members[group] for group in groups]) for groups in (one, other))
        starts, other_starts = (self.sizes[groups].cumsum() - self.sizes[groups] for groups in (one, other))
        ends = (self.sizes[one] * self.sizes[other]).cumsum()
        apart = np.zeros(len(one), bool)
        for first in range(0, int(ends[-1]), self.tile):
            number = np.arange(first, min(first + self.tile, int(ends[-1])))
            pair = ends.searchsorted(number, side="right")
            own, of_other = np.divmod(
                number - (ends - self.sizes[one] * self.sizes[other])[pair], self.sizes[other][pair]
            )
            found = self.forbidden(rows[starts[pair] + own], others[other_starts[pair] + of_other])
            apart[pair[found]] = True
        for a, b in zip(one[apart].tolist(), other[apart].tolist(), strict=True):
            self.barred[a].add(b)
            self.barred[b].add(a)
        return apart
