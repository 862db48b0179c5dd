"""
How far raters agree beyond chance: judges among themselves, with people, and people among themselves.

Cohen's kappa, with an interval from leaving out one document group at a time (the jackknife), because verdicts on
one document are not independent. On few verdicts it says nothing: below the sizes here a rater who agrees (a kappa of
0.4) is not told from one who does not four times out of five. ``docs/explanation/statistics.md`` has the figures.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import combinations
from typing import TypedDict

from include.distill.stats.intervals import CONFIDENCE

MINIMUM_RATED = 50
MINIMUM_GROUPS = 20

Ratings = Sequence[tuple[str, str]]


class Agreement(TypedDict):
    """
    Two raters on the items that both rated.

    ``clusters`` are the document groups of those items; ``observed`` is the share of equal verdicts. ``kappa`` is
    ``None`` where chance alone would give full agreement, as when both always say the same one thing.
    """

    first: str
    second: str
    n: int
    clusters: int
    observed: float | None
    kappa: float | None
    kappa_ci95: list[float] | None


def cohen_kappa(ratings: Ratings) -> float | None:
    """Return Cohen's kappa of pairs of verdicts; ``None`` without any, or when only one verdict was ever given."""
    return _kappa(Counter(ratings))


def _kappa(cells: Counter[tuple[str, str]]) -> float | None:
    total = cells.total()
    rows: Counter[str] = Counter()
    columns: Counter[str] = Counter()
    for (row, column), count in cells.items():
        rows[row] += count
        columns[column] += count
    by_chance = sum(rows[verdict] * columns[verdict] for verdict in rows)
    if by_chance == total * total:
        return None
    observed = sum(count for (row, column), count in cells.items() if row == column)
    return (total * observed - by_chance) / (total * total - by_chance)


def kappa_interval(
    ratings: Ratings, groups: Sequence[Hashable], *, confidence: float = CONFIDENCE
) -> list[float] | None:
    """
    Return the interval of kappa, by the jackknife over groups.

    :param groups: document group of each pair of verdicts.
    :return: ``None`` with fewer than three groups, or where kappa is not defined with one of them left out.
    """
    from scipy.stats import t

    whole = Counter(ratings)
    by_group: dict[Hashable, Counter[tuple[str, str]]] = defaultdict(Counter)
    for rating, group in zip(ratings, groups, strict=True):
        by_group[group][rating] += 1
    estimate, count = _kappa(whole), len(by_group)
    without = [_kappa(whole - part) for part in by_group.values()]
    if estimate is None or count < 3 or None in without:
        return None
    left = [kappa for kappa in without if kappa is not None]
    mean = sum(left) / count
    variance = (count - 1) / count * sum((kappa - mean) ** 2 for kappa in left)
    margin = float(t.ppf((1 + confidence) / 2, count - 1)) * variance**0.5
    return [max(-1.0, estimate - margin), min(1.0, estimate + margin)]


def agree(
    first: str,
    second: str,
    raters: Mapping[str, Mapping[Hashable, str]],
    group_of: Callable[[Hashable], Hashable],
) -> Agreement:
    """Return how far two of ``raters`` agree on the items that both rated."""
    items = [item for item in raters[first] if item in raters[second]]
    ratings = [(raters[first][item], raters[second][item]) for item in items]
    groups = [group_of(item) for item in items]
    return {
        "first": first,
        "second": second,
        "n": len(ratings),
        "clusters": len(set(groups)),
        "observed": sum(a == b for a, b in ratings) / len(ratings) if ratings else None,
        "kappa": cohen_kappa(ratings),
        "kappa_ci95": kappa_interval(ratings, groups),
    }


def agreement_table(
    raters: Mapping[str, Mapping[Hashable, str]], group_of: Callable[[Hashable], Hashable]
) -> list[Agreement]:
    """
    Return the agreement of every two raters, in the order given.

    :param raters: per rater, the verdict on each item; what a rater could not say (unparsable, no answer) is left out.
    :param group_of: the document group of an item.
    """
    return [agree(first, second, raters, group_of) for first, second in combinations(raters, 2)]
