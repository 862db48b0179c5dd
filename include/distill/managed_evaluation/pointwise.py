"""
Compute the mean scores of arms, and the differences between the mean scores of two arms, with confidence intervals.

A score has a place on its metric's scale, which is a share from 0 to 1. The same is true of the difference between the
scores that two arms got for one question. So the intervals are those that the pairwise comparisons use
(:mod:`include.distill.stats.intervals`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from include.distill.core.errors import ReconciliationError
from include.distill.managed_evaluation.records import MeanScore, ScoreDifference, ScoreFigures, ScoreRecord
from include.distill.managed_evaluation.scales import Scale
from include.distill.stats.intervals import clustered_interval

# The scores of one arm by row id; ``None`` if the evaluator gave no readable score.
Scores = Mapping[str, float | None]


class ScoresByArm:
    """
    The scores of a run, by metric and evaluator, and then by arm.

    :param scales: the scale of each metric, in the order of the report. Scores for other metrics are ignored.
    :param groups: document group of each evaluation row.
    """

    def __init__(self, scales: Mapping[str, Scale], groups: Mapping[str, str]) -> None:
        self._scales = scales
        self._groups = groups
        self._found: dict[tuple[str, str], dict[str, dict[str, float | None]]] = {}

    def add(self, records: Iterable[ScoreRecord]) -> None:
        """
        Add the scores of an evaluation job.

        :raises ReconciliationError: a scored row is not an evaluation row of the run.
        """
        for record in records:
            if record["row_id"] not in self._groups:
                raise _unknown_row(record)
            of_arms = self._found.setdefault((record["metric"], record["evaluator"]), {})
            of_arms.setdefault(record["arm"], {})[record["row_id"]] = record["score"]

    def means(self) -> list[MeanScore]:
        """Return the mean score of each arm for each metric and evaluator."""
        means: list[MeanScore] = []
        for metric, evaluator, of_arms in self._ordered():
            for arm, scores in of_arms.items():
                mean, figures = self._mean(scores, self._scales[metric])
                means.append({"metric": metric, "evaluator": evaluator, "arm": arm, "mean": mean, **figures})
        return means

    def differences(self, pairs: Iterable[tuple[str, str]]) -> list[ScoreDifference]:
        """
        Return the mean differences between the scores of pairs of arms, over the questions with a score in both arms.

        A pair with an arm that was not scored is left out.

        :param pairs: candidate and baseline of each comparison.
        """
        compared = list(pairs)
        differences: list[ScoreDifference] = []
        for metric, evaluator, of_arms in self._ordered():
            for candidate, baseline in compared:
                if candidate in of_arms and baseline in of_arms:
                    paired = _paired(of_arms[candidate], of_arms[baseline])
                    mean, figures = self._mean(paired, self._scales[metric].differences)
                    names = {"metric": metric, "evaluator": evaluator, "candidate": candidate, "baseline": baseline}
                    differences.append({**names, "difference": mean, **figures})  # type: ignore[typeddict-item]
        return differences

    def _ordered(self) -> Iterator[tuple[str, str, Mapping[str, Scores]]]:
        """Yield each metric and evaluator with the scores of the arms."""
        for metric in self._scales:
            for (name, evaluator), of_arms in self._found.items():
                if name == metric:
                    yield metric, evaluator, of_arms

    def _mean(self, scores: Scores, scale: Scale) -> tuple[float | None, ScoreFigures]:
        """Return the mean of the scores that are not missing, and its figures."""
        shares: dict[str, list[float]] = defaultdict(list)
        for row_id, score in scores.items():
            if score is not None:
                shares[self._groups[row_id]].append(scale.share(score))
        return _mean([shares[group] for group in sorted(shares)], scale, sent=len(scores))


def _mean(shares: Sequence[Sequence[float]], scale: Scale, *, sent: int) -> tuple[float | None, ScoreFigures]:
    """
    Return the mean of scores with its figures.

    :param shares: for each document group with a score, the places of its scores on the scale.
    :param sent: number of questions, with those whose score is missing.
    """
    import numpy as np

    parts, sizes = np.array([sum(of_group) for of_group in shares]), np.array([float(len(group)) for group in shares])
    n = int(sizes.sum())
    bounds = clustered_interval(parts, sizes)
    figures: ScoreFigures = {
        "n": n,
        "missing": sent - n,
        "clusters": len(shares),
        "largest_cluster_share": float(sizes.max() / n) if n else None,
        "ci95": [scale.score(bound) for bound in bounds] if bounds else None,
    }
    return (scale.score(float(parts.sum() / n)) if n else None), figures


def _paired(candidate: Scores, baseline: Scores) -> Scores:
    """Return the difference for each question that both arms were scored on; ``None`` if a score is missing."""
    return {
        row_id: None if score is None or (other := baseline[row_id]) is None else score - other
        for row_id, score in candidate.items()
        if row_id in baseline
    }


def _unknown_row(record: ScoreRecord) -> ReconciliationError:
    return ReconciliationError(
        f"{record['evaluator']} scored the answer of {record['arm']} to the row {record['row_id']}, which is not an"
        " evaluation row of this run.",
        left="No mean score was computed.",
        to_do="Clear the tasks of the group evaluate with downstream. Completed evaluation jobs are not bought again.",
    )
