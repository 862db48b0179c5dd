"""Draw the document groups that are held out, so that about the requested share of the rows is held out."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from include.distill.core.errors import InputError
from include.distill.dataset.records import Side


@dataclass(frozen=True)
class Draw:
    """
    The groups that are held out.

    :param held_out: names of the groups.
    :param is_near_share: whether these groups have about the requested share of all rows.
    """

    held_out: set[str]
    is_near_share: bool


def require_share(share: float) -> None:
    """Check the share of document groups to hold out.

    :raises InputError: ``share`` is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise InputError(f"The share of documents to hold out is {share}; expected more than 0 and less than 1.")


def draw(purpose: str, seed: int, name: str) -> float:
    """Draw a pseudo-random number from 0 to 1 that depends only on the arguments."""
    digest = hashlib.sha256("\x1f".join((purpose, str(seed), name)).encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def oversized_groups(rows: Mapping[str, int], share: float) -> set[str]:
    """
    Return each group that alone has more rows than should be held out in total. Such a group is always trained on.

    :param rows: number of rows in each group.
    """
    limit = max(share * sum(rows.values()), min(rows.values(), default=0))
    return {name for name, count in rows.items() if count > limit}


def draw_evaluation_groups(rows: Mapping[str, int], *, share: float, seed: int, occupied: Collection[Side]) -> Draw:
    """
    Draw the groups for the evaluation side.

    A number from 0 to 1 is drawn for each group. The number depends only on the seed and on the group's name. A number
    below ``share`` means evaluation. Three rules keep the result near the share, even if there are few groups or if
    one group has most rows:

    - A group with more rows than should be held out is put on the training side. The share of the other groups rises
      accordingly, to at most one half.
    - The number of held-out rows should differ from the requested number by at most half of the rows that the smaller
      side should get. If it would differ more, the groups whose numbers are nearest to ``share`` change sides.
    - No side stays empty if there are at least two groups.

    :param rows: number of rows in each group that has no side.
    :param occupied: the sides that already have rows.
    :raises InputError: ``share`` is not between 0 and 1.
    """
    require_share(share)
    total = sum(rows.values())
    target = share * total
    oversized = oversized_groups(rows, share)
    draws = {name: draw("evaluation", seed, name) for name in rows if name not in oversized}
    ordered = sorted(draws, key=lambda name: (draws[name], name))
    raised = max(share, min(0.5, target / max(1, total - _sum(rows, oversized)))) if oversized else share
    count = sum(number < raised for number in draws.values())
    # One row more or less is always allowed, because the rows of a small file cannot be divided exactly.
    fewest = max(target / 2, target - (total - target) / 2) - 1
    most = min(target * 1.5, target + (total - target) / 2) + 1
    while count and _sum(rows, ordered[:count]) > most:
        count -= 1
    while count < len(ordered) and _sum(rows, ordered[:count]) < fewest:
        count += 1
    if "train" not in occupied and not oversized and count == len(ordered) and len(ordered) + len(occupied) > 1:
        count -= 1
    if "evaluation" not in occupied and not count and len(rows) + len(occupied) > 1:
        count = min(1, len(ordered))
    held_out = set(ordered[:count])
    return Draw(held_out, fewest <= _sum(rows, held_out) <= most)


def _sum(rows: Mapping[str, int], names: Collection[str]) -> int:
    return sum(rows[name] for name in names)
