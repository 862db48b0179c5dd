"""Let an evaluator model score an arm's answers in an evaluation job of Bedrock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bedrock_distill.operators.evaluation_job import EvaluationJobOperator
from include.distill.config.evaluation_settings import EvaluationKind
from include.distill.core.storage import write_jsonl
from include.distill.cost.prices import load_prices

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.distill.cost.evaluation_lines import EvaluatorTokens
    from include.distill.managed_evaluation.plan import EvaluationPlan
    from include.distill.managed_evaluation.records import EvaluationJobManifest


class BedrockEvaluationJobOperator(EvaluationJobOperator):
    """
    Submit the job in which an evaluator scores an arm's answers, or find the job that was bought for the same answers.

    The job scores stored answers, so it needs no endpoint. It takes at most 1,000 questions. If the run has more
    evaluation questions, it takes the first ones, and the report says so.

    This task returns at once; the task ``wait`` waits for the job. Bedrock bills the tokens of the evaluator.

    :param arm: name of an arm of the use case. (templated)
    :param evaluator: key of the evaluator in ``models.yaml``. (templated)
    :return: ``{"job_name", "job_arn", "arm", "evaluator", "fingerprint", "attempt", "bought": bool, "at_most_usd",
        "output_uri", "input_tokens", "output_tokens"}``; the tokens are estimated.
    :raises JobFailedError: an attempt failed because of its data, or no attempt is left; nothing was bought.
    :raises RefusedError: access is missing, a quota does not allow the job, or a job of another environment has the
        name that this task would use; nothing was bought.
    """

    template_fields: Sequence[str] = (*EvaluationJobOperator.template_fields, "arm", "evaluator")
    kind: EvaluationKind = "pointwise"
    waits_for = "the evaluation job of arm {task.arm} to be submitted"

    def __init__(self, *, arm: str, evaluator: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.arm = arm
        self.evaluator = evaluator
        self._texts: list[str] = []

    def execute(self, context: Context) -> EvaluationJobManifest:
        """Find or buy the job; return its name and ARN, and the estimated tokens."""
        manifest = super().execute(context)
        tokens = self._tokens()
        return {**manifest, "input_tokens": tokens.input_tokens, "output_tokens": tokens.output_tokens}

    def plan(self) -> EvaluationPlan:
        """Build the dataset from the arm's answers, and store which row each of its lines is about."""
        from include.distill.managed_evaluation.dataset import read_dataset, texts_of
        from include.distill.managed_evaluation.plan import EvaluationPlan, encode_dataset, judge_config

        settings = self.use_case.evaluations.pointwise_settings
        lines, questions = read_dataset(
            self.store, self.folder, self.use_case, self.prompts, arm=self.arm, questions=settings.questions
        )
        self._texts = texts_of(lines)
        write_jsonl(self.store, self.folder.evaluation_questions(self.arm), questions)
        evaluator = self.use_case.catalog_model(self.evaluator)
        config = judge_config(settings, evaluator)
        return EvaluationPlan(self.arm, evaluator.key, config, (self.arm,), encode_dataset(lines))

    def note_purchase(self, plan: EvaluationPlan, name: str) -> None:
        """Record the bill lines of a whole job. Bedrock does not state its tokens, so they are estimated."""
        from include.distill.cost.bought_jobs import BoughtJobs
        from include.distill.cost.evaluation_lines import token_lines

        lines = token_lines(load_prices(), self.arm, plan.evaluator, *self._tokens())
        BoughtJobs(self.store, self.folder).add("evaluation", name, lines)

    def _tokens(self) -> EvaluatorTokens:
        from include.distill.cost.evaluation_lines import evaluator_tokens

        return evaluator_tokens(self.use_case.evaluations.pointwise_settings, self._texts)

    def at_most_usd(self, plan: EvaluationPlan) -> float:
        """Return what the evaluator's tokens cost at most, under the assumptions in ``cost/evaluation_lines.py``."""
        from include.distill.cost.evaluation_lines import most_evaluator_tokens, token_lines

        tokens = most_evaluator_tokens(self.use_case.evaluations.pointwise_settings, self._texts)
        return sum(line.usd for line in token_lines(load_prices(), self.arm, self.evaluator, *tokens))
