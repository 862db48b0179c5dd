"""Read the scores of an evaluation job, and store them in the run's folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bedrock_distill.lifecycle.bought_by_run import has_bought_job
from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.run.task_ids import SUBMIT, WAIT
from bedrock_distill.run.task_results import ResultOf
from include.distill.core.storage import read_jsonl, write_jsonl
from include.distill.managed_evaluation.records import (
    EvaluationJobManifest,
    EvaluationQuestion,
    EvaluationResultManifest,
    ScoresManifest,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bedrock_distill.lineage.artifacts import TaskLineage


class BedrockCollectScoresOperator(DistillOperator):
    """
    Read the scores of an evaluation job, match them with the rows, and store them.

    A score that is missing or unreadable is counted, and the log says how many there are. This task costs nothing.
    Retrying or clearing the task reads the same results again.

    :param submitted: manifest of the task ``submit`` in the same group. (templated)
    :param result: manifest of the task ``wait`` in the same group. (templated)
    :return: ``{"arm", "evaluator", "scores_uri", "questions", "missing", "job_name", "bought", "input_tokens",
        "output_tokens"}``
    :raises ContractError: the job has no readable results.
    """

    template_fields: Sequence[str] = (*DistillOperator.template_fields, "submitted", "result")
    submitted = ResultOf[EvaluationJobManifest](SUBMIT)
    result = ResultOf[EvaluationResultManifest](WAIT)
    ui_color = "#fce8e6"
    waits_for = "the scores of evaluation job {task.result[job_name]} to be read"

    def __init__(self, *, submitted: Any, result: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.submitted = submitted
        self.result = result

    def execute(self, context: Context) -> ScoresManifest:
        """Read and store the scores; return their number."""
        from include.distill.managed_evaluation.results import read_scores
        from include.distill.managed_evaluation.scales import metric_scales

        settings = self.use_case.evaluations.pointwise_settings
        arm, evaluator = self.result["arm"], self.result["evaluator"]
        questions = read_jsonl(self.store, self.folder.evaluation_questions(arm), EvaluationQuestion)
        scores = read_scores(
            self.store,
            result=self.result,
            questions=questions,
            scales=metric_scales(settings),
            note=lambda sentence: self.log.warning("%s", sentence),
        )
        uri = self.folder.evaluation_scores(arm, evaluator)
        write_jsonl(self.store, uri, scores)
        manifest: ScoresManifest = {
            "arm": arm,
            "evaluator": evaluator,
            "scores_uri": uri,
            "questions": len(questions),
            "missing": sum(score["score"] is None for score in scores),
            "job_name": self.result["job_name"],
            "bought": has_bought_job(self, self.submitted),
            "input_tokens": self.submitted.get("input_tokens", 0),
            "output_tokens": self.submitted.get("output_tokens", 0),
        }
        self.log.info("%s scored %d answers of arm %s.", evaluator, len(questions), arm)
        return manifest

    def lineage(self, result: ScoresManifest | None) -> TaskLineage:
        """Return what the task reads and writes."""
        from bedrock_distill.lineage.result_steps import score_lineage

        return score_lineage(
            self.use_case, self.folder, arm=self.result["arm"], evaluator=self.result["evaluator"], result=result
        )
