"""Say what the steps from a model's answers to the report and the champion read and write."""

from __future__ import annotations

from collections.abc import Iterable

from bedrock_distill.lineage.artifacts import Artifact, TaskLineage, foundation_model, stored
from bedrock_distill.lineage.data_steps import rows_of
from bedrock_distill.lineage.model_steps import answers_of, custom_model
from include.distill.config.layout import RunFolder
from include.distill.config.use_case import UseCase, repeat_arm_name
from include.distill.evaluation.records import JudgeManifest, PromotionManifest, Verdict
from include.distill.managed_evaluation.records import ScoreRecord, ScoresManifest
from include.distill.report.records import ReportEvent, ReportManifest


def judge_lineage(
    use_case: UseCase, folder: RunFolder, *, judge: str, candidate: str, baseline: str, result: JudgeManifest | None
) -> TaskLineage:
    """Return the lineage of a mapped task of a judge: the answers of two arms to the verdicts on them."""
    # The noise control compares two answers of one arm, which are in the same files.
    arms = [candidate] if baseline == repeat_arm_name(candidate) else [candidate, baseline]
    inputs = (
        *(answers_of(folder, arm) for arm in arms),
        rows_of(folder, "evaluation"),
        _judge(use_case, judge, "Judge, which compares answers"),
    )
    rows = result["verdicts"] if result else None
    return TaskLineage(
        inputs, () if result is None else (_verdicts(folder.judgments(judge, candidate, baseline), rows),)
    )


def score_lineage(
    use_case: UseCase, folder: RunFolder, *, arm: str, evaluator: str, result: ScoresManifest | None
) -> TaskLineage:
    """Return the lineage of the ``collect`` of an evaluation job: the answers of an arm to their scores."""
    inputs = (answers_of(folder, arm), _judge(use_case, evaluator, "Evaluator, which scores answers"))
    return TaskLineage(inputs, () if result is None else (_scores(result["scores_uri"]),))


def report_lineage(
    use_case: UseCase, folder: RunFolder, scores: Iterable[ScoresManifest], result: ReportManifest | None
) -> TaskLineage:
    """Return the lineage of ``report``: answers, verdicts, scores and the estimate to the report."""
    inputs = (
        *(answers_of(folder, arm.name) for arm in use_case.arms),
        *(
            _verdicts(folder.judgments(judge, pair.candidate, pair.baseline))
            for judge in use_case.judges
            for pair in use_case.judged_pairs
        ),
        *(_scores(score["scores_uri"]) for score in scores),
        stored(folder.estimate, "Estimated cost of the run"),
    )
    if result is None:
        return TaskLineage(inputs)
    page = stored(result["report_html_uri"], "Report of the run, as a page")
    return TaskLineage(inputs, (_report(result["report_json_uri"]), page))


def report_event(result: ReportManifest, run_key: str) -> ReportEvent:
    """Return the data of the event of the report's asset."""
    return {
        "report_json_uri": result["report_json_uri"],
        "report_html_uri": result["report_html_uri"],
        "verdict": result["verdict"],
        "actual_usd": result["actual_usd"],
        "simulated": result["simulated"],
        "run_key": run_key,
    }


def promotion_lineage(report_uri: str, result: PromotionManifest | None) -> TaskLineage:
    """Return the lineage of ``promote``: the report and the winner to the record of the champion."""
    if result is None:
        return TaskLineage((_report(report_uri),))
    champion = stored(result["champion_uri"], "Record of the champion of the use case")
    return TaskLineage((_report(report_uri), custom_model(result["model_arn"])), (champion,))


def _judge(use_case: UseCase, key: str, description: str) -> Artifact:
    return foundation_model(use_case.catalog_model(key), use_case.aws.region, description)


def _verdicts(uri: str, rows: int | None = None) -> Artifact:
    return stored(uri, "Verdicts of a judge on two arms", rows=rows, record=Verdict)


def _scores(uri: str) -> Artifact:
    return stored(uri, "Scores that an evaluator gave to the answers of an arm", record=ScoreRecord)


def _report(uri: str) -> Artifact:
    return stored(uri, "Report of the run, as JSON")
