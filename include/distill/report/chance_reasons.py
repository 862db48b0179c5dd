"""Say why the difference that a judge found between two arms could be chance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from include.distill.evaluation.comparisons import SIGNIFICANCE
from include.distill.evaluation.records import ComparisonResult


def excludes_one_half(interval: Sequence[float] | None) -> bool:
    """Return whether an interval of a rate is above or below one half."""
    return interval is not None and (0.5 < interval[0] <= interval[1] or interval[0] <= interval[1] < 0.5)


def leaning(comparison: ComparisonResult) -> str | None:
    """Return the arm that the interval of the half-win rate favors; ``None`` if the interval contains one half."""
    interval = comparison["half_win_ci95"]
    if interval is None or not excludes_one_half(interval):
        return None
    return comparison["candidate"] if interval[0] > 0.5 else comparison["baseline"]


def judges_disagree(comparisons: Iterable[ComparisonResult]) -> bool:
    """Return whether the intervals of two judges favor different arms."""
    return len({arm for entry in comparisons if (arm := leaning(entry))}) > 1


def chance_reason(comparison: ComparisonResult) -> str:
    """
    Return why a comparison with the finding ``unclear`` does not name a better arm, as a clause.

    The conditions are those of :func:`include.distill.evaluation.comparisons.find_winner`.
    """
    favored = leaning(comparison)
    if favored is None:
        return "the interval of the half-win rate contains 50%"
    p_value = comparison["p_value_holm"]
    if not p_value < SIGNIFICANCE:
        return f"the p-value, corrected for all comparisons, is {p_value:.3g} and not below {SIGNIFICANCE}"
    won, lost = comparison["clusters_won"], comparison["clusters_lost"]
    if (favored == comparison["candidate"]) != (won > lost):
        return f"the interval favors {favored}, but more document groups favor the other arm"
    return "an earlier version with other rules found no difference"


def chance_reasons(comparisons: Iterable[ComparisonResult]) -> str:
    """Return the reason of each judge, such as "for haiku, the interval of the half-win rate contains 50%"."""
    return "; ".join(f"for {entry['judge']}, {chance_reason(entry)}" for entry in comparisons)
