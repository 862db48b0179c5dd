"""
Build the part of the report about the scores from Bedrock's evaluation jobs.

The scores are shown next to the verdict of the judges. They are not part of it, and the promotion does not use them.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import NamedTuple

from include.distill.config.evaluation_settings import PointwiseEvaluation
from include.distill.config.use_case import UseCase
from include.distill.core.errors import ReconciliationError
from include.distill.core.storage import ObjectStore, read_jsonl
from include.distill.dataset.records import Row
from include.distill.managed_evaluation.pointwise import ScoresByArm
from include.distill.managed_evaluation.records import ScoreRecord, ScoresManifest
from include.distill.managed_evaluation.results import missing_scores
from include.distill.managed_evaluation.scales import Scale, is_fault, metric_scales
from include.distill.report.records import EvaluationsPart, LowScore, ReportEvaluations, ReportMetric
from include.distill.report.run_summary import document_group_by_row
from include.distill.report.schema_evaluations import EvaluationsSchema

WORST_PER_ARM = 2


class _Rated(NamedTuple):
    """A score, and its place between the worst (0) and the best score (1) of its metric."""

    place: float
    score: float
    record: ScoreRecord


def evaluations_part(
    store: ObjectStore,
    use_case: UseCase,
    manifests: Sequence[ScoresManifest],
    *,
    evaluation: Sequence[Row],
    answers: Mapping[str, Mapping[str, str]],
    note: Callable[[str], object],
) -> EvaluationsPart:
    """
    Return the part of ``report.json`` about evaluation jobs, checked against its schema; empty without scores.

    :param manifests: results of the tasks ``collect``.
    :param evaluation: the run's evaluation rows.
    :param answers: answers of each arm by row id. An arm without answers has no entries in ``worst``.
    :param note: is called with one sentence for each evaluation job of the use case that has no result.
    :raises ReconciliationError: a job has another number of questions or scores than its task reported.
    """
    scored = {(manifest["arm"], manifest["evaluator"]) for manifest in manifests}
    for evaluator in use_case.evaluators:
        for arm in use_case.scored_arms:
            if (arm, evaluator) not in scored:
                note(
                    f"The report does not contain the scores that {evaluator} gave to the answers of {arm}, because the"
                    " tasks of this evaluation job have no result. The verdict does not depend on them."
                )
    settings = use_case.evaluations.pointwise
    if settings is None or not manifests:
        return {}
    scales = metric_scales(settings)
    scores = ScoresByArm(scales, document_group_by_row(evaluation))
    worst: dict[str, list[_Rated]] = {}
    for manifest in manifests:  # one job at a time, because the explanations of all jobs may need much memory
        records = _read_job(store, manifest, scales)
        scores.add(records)
        shown = answers.get(manifest["arm"], {})
        worst[manifest["arm"]] = _worst([*worst.get(manifest["arm"], ()), *_rated(records, scales, shown)])
    part: ReportEvaluations = {
        "questions": max(manifest["questions"] for manifest in manifests),
        "evaluation_rows": len(evaluation),
        "metrics": _metrics(settings, scales),
        "scores": scores.means(),
        "differences": scores.differences((pair.candidate, pair.baseline) for pair in use_case.pairs),
        "worst": _low_scores(worst, evaluation, answers),
    }
    EvaluationsSchema.model_validate(part)
    return {"evaluations": part}


def _read_job(store: ObjectStore, manifest: ScoresManifest, scales: Mapping[str, Scale]) -> list[ScoreRecord]:
    records = read_jsonl(store, manifest["scores_uri"], ScoreRecord)
    missing = sum(missing_scores(records).values())
    if (len(records), missing) != (manifest["questions"] * len(scales), manifest["missing"]):
        raise ReconciliationError(
            f"{manifest['scores_uri']} has {len(records):,} records, {missing:,} of them without a score. But the job"
            f" has {manifest['questions']:,} questions and {len(scales)} metrics, and {manifest['missing']:,} missing"
            " scores.",
            left="The scores were not used.",
            to_do="Clear the tasks of the group evaluate with downstream. Completed evaluation jobs are not bought"
            " again.",
        )
    return records


def _metrics(settings: PointwiseEvaluation, scales: Mapping[str, Scale]) -> list[ReportMetric]:
    custom = {metric.name: metric.rating_scale for metric in settings.custom_metrics}
    return [
        {
            "name": name,
            "low": scale.low,
            "high": scale.high,
            "high_is_bad": is_fault(name),
            "ratings": [{"definition": one.definition, "value": one.value} for one in custom.get(name, ())],
        }
        for name, scale in scales.items()
    ]


def _rated(records: Sequence[ScoreRecord], scales: Mapping[str, Scale], answers: Container[str]) -> Iterator[_Rated]:
    """Yield the scores of the answers that can be shown, except for the best possible scores."""
    for record in records:
        if record["score"] is not None and record["row_id"] in answers:
            share = scales[record["metric"]].share(record["score"])
            place = 1 - share if is_fault(record["metric"]) else share
            if place < 1:
                yield _Rated(place, record["score"], record)


def _worst(rated: Sequence[_Rated]) -> list[_Rated]:
    """Return the worst scores of an arm, the worst first, each of another answer."""
    worst: dict[str, _Rated] = {}
    for one in sorted(rated, key=lambda one: one.place):
        if len(worst) < WORST_PER_ARM:
            worst.setdefault(one.record["row_id"], one)
    return list(worst.values())


def _low_scores(
    worst: Mapping[str, Sequence[_Rated]], evaluation: Sequence[Row], answers: Mapping[str, Mapping[str, str]]
) -> list[LowScore]:
    questions = {row["row_id"]: row["question"] for row in evaluation}
    return [
        {
            "row_id": one.record["row_id"],
            "arm": arm,
            "evaluator": one.record["evaluator"],
            "metric": one.record["metric"],
            "score": one.score,
            "question": questions[one.record["row_id"]],
            "answer": answers[arm][one.record["row_id"]],
            "explanation": one.record["explanation"],
        }
        for arm, of_arm in worst.items()
        for one in of_arm
    ]
