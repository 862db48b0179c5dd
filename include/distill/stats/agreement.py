"""
Measure how well judges and people agree beyond chance, with Cohen's kappa and its confidence interval.

The interval is computed by leaving out one document group at a time (the jackknife), because verdicts on questions
about one document are not independent. A kappa computed from few verdicts is not informative: in a simulation with a
true kappa of 0.4, only 73 % of the samples with 30 verdicts showed that the agreement is not due to chance. See
``docs/explanation/statistics.md``.

Kappa is implemented here in about ten lines of code. scikit-learn and statsmodels also compute kappa, but neither
computes an interval that takes document groups into account, and either package would be a large dependency.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import combinations
from typing import TypedDict, TypeVar

from include.distill.stats.intervals import CONFIDENCE

# The report shows a kappa only if there are at least this many items and document groups.
MINIMUM_RATED = 50
MINIMUM_GROUPS = 20

Ratings = Sequence[tuple[str, str]]
ItemT = TypeVar("ItemT", bound=Hashable)


class Agreement(TypedDict):
    """The agreement of two raters on the items that both rated; one entry of ``agreement`` in report.json."""

    first: str  # a judge's key in models.yaml, or ``<labeler> (person)``
    second: str
    n: int  # number of items that both rated
    clusters: int  # number of document groups of these items
    observed: float | None  # share of equal verdicts, from 0 to 1; None if there are no items
    kappa: float | None  # from -1 to 1; None if there are no items, or if all verdicts of both raters are the same
    kappa_ci95: list[float] | None  # lower and upper bound; None if the jackknife cannot be computed


def cohen_kappa(ratings: Ratings) -> float | None:
    """
    Compute Cohen's kappa for pairs of verdicts.

    :return: kappa, from -1 to 1; ``None`` if there are no pairs, or if every verdict is the same.
    """
    return _kappa(Counter(ratings))


def _kappa(cells: Counter[tuple[str, str]]) -> float | None:
    """Compute kappa from a contingency table that has the count of each pair of verdicts."""
    total = cells.total()
    rows: Counter[str] = Counter()
    columns: Counter[str] = Counter()
    for (row, column), count in cells.items():
        rows[row] += count
        columns[column] += count
    by_chance = sum(rows[verdict] * columns[verdict] for verdict in rows)
    # If they are equal, chance alone gives full agreement. Both sides are integers, so the comparison is exact.
    if by_chance == total * total:
        return None
    equal = sum(count for (row, column), count in cells.items() if row == column)
    return (total * equal - by_chance) / (total * total - by_chance)


def kappa_interval(
    ratings: Ratings, groups: Sequence[Hashable], *, confidence: float = CONFIDENCE
) -> list[float] | None:
    """
    Compute the bounds of a confidence interval for kappa with the jackknife over document groups.

    :param groups: document group of each pair of verdicts.
    :return: the bounds, from -1 to 1; ``None`` if there are fewer than three groups, or if kappa is undefined for the
        pairs of all groups together or for the pairs that remain when one group is left out.
    """
    from scipy.stats import t

    cells = Counter(ratings)
    by_group: dict[Hashable, Counter[tuple[str, str]]] = defaultdict(Counter)
    for rating, group in zip(ratings, groups, strict=True):
        by_group[group][rating] += 1
    kappa, count = _kappa(cells), len(by_group)
    leave_one_out = [_kappa(cells - group) for group in by_group.values()]
    kappas = [estimate for estimate in leave_one_out if estimate is not None]
    if kappa is None or count < 3 or len(kappas) < count:
        return None
    mean = sum(kappas) / count
    variance = (count - 1) / count * sum((estimate - mean) ** 2 for estimate in kappas)
    margin = float(t.ppf((1 + confidence) / 2, count - 1)) * variance**0.5
    return [max(-1.0, kappa - margin), min(1.0, kappa + margin)]


def agreement_table(
    raters: Mapping[str, Mapping[ItemT, str]], group_of: Callable[[ItemT], Hashable]
) -> list[Agreement]:
    """
    Compute the agreement of each pair of raters, in the given order.

    :param raters: each rater's verdicts by item. An item without a verdict (unparsable, or no answer) is absent.
    :param group_of: returns the document group of an item.
    """
    return [_agreement(first, second, raters, group_of) for first, second in combinations(raters, 2)]


def _agreement(
    first: str, second: str, raters: Mapping[str, Mapping[ItemT, str]], group_of: Callable[[ItemT], Hashable]
) -> Agreement:
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
