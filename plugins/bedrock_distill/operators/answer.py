"""Send the evaluation rows to an arm's model and store the answers, one task per shard of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from bedrock_distill.operators.base import ArmOperator
from bedrock_distill.policies.row_failures import retry_or_record
from bedrock_distill.run.metrics import counted_calls
from bedrock_distill.run.model_task import ModelTask
from bedrock_distill.run.task_ids import COLLECT, IN_SERVICE, OPTIMIZE, PROVISIONED, arm_task, optimize_task
from bedrock_distill.run.task_results import ResultOf, read_result
from bedrock_distill.run.what_to_clear import task_to_clear
from include.distill.core.errors import NotFoundError, ThroughputReleasedError
from include.distill.core.storage import read_json, read_jsonl, write_jsonl
from include.distill.cost.estimate import answer_lines
from include.distill.cost.prices import load_prices
from include.distill.dataset.records import Row
from include.distill.evaluation.records import AnswerManifest
from include.distill.inference.answer_store import StoredAnswer, Usage
from include.distill.inference.fan_out import Outcomes, for_each
from include.distill.inference.records import EndpointManifest
from include.distill.inference.requests import ModelRequest, is_deployment
from include.distill.inference.student import Student
from include.distill.prompt_optimization.records import OptimizedPrompt, OptimizedPromptManifest

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bedrock_distill.lineage.artifacts import TaskLineage
    from include.distill.config.use_case import UseCase


class BedrockAnswerOperator(ModelTask, ArmOperator):
    """
    Send a shard of evaluation rows to an arm's model. The arm used for the noise control answers each row twice.

    The key of a stored answer depends on the custom model, not on the endpoint that served the model. So a later run,
    which creates another endpoint, does not pay for the answer again. It also depends on the text of the request, so
    another optimized prompt needs new answers.

    If a row has no answer, the task fails, because the judges compare all arms on the same rows. Retrying or clearing
    the task requests only the missing answers.

    :param shard: number of the shard. (templated)
    :param serving: manifest of the arm's task ``in_service``; ``None`` for the base student, which answers on demand.
        (templated)
    :param optimized: manifest of the arm's task ``optimize.collect``; ``None`` if no job optimizes the arm's prompt.
        (templated)
    :return: ``{"arm", "rows", "calls", "cache_hits", "input_tokens", "output_tokens", …, "simulated"}``
    :raises ThroughputReleasedError: the endpoint is gone; clear the arm's ``provision`` or ``deploy`` with downstream.
    :raises EarlierVersionError: the arm's optimized prompt is missing; no request was sent.
    :raises TooManyFailuresError: at least one row has no answer; the other answers are stored.
    """

    template_fields: Sequence[str] = (*ArmOperator.template_fields, "shard", "serving", "optimized")
    serving = ResultOf[EndpointManifest | None](IN_SERVICE, optional=True)
    optimized = ResultOf[OptimizedPromptManifest | None](f"{OPTIMIZE}.{COLLECT}", optional=True)
    serving_tasks = PROVISIONED
    waits_for = "the arm's answers"
    ui_color = "#fce8e6"

    def __init__(self, *, shard: int, serving: Any = None, optimized: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shard = shard
        self.serving = serving
        self.optimized = optimized

    @counted_calls("answer")
    def execute(self, context: Context) -> AnswerManifest:
        """Get and write the answers to all rows of the shard; return the usage."""
        from include.distill.evaluation.answer_counts import explain_incomplete_answers
        from include.distill.evaluation.answers import answer_record
        from include.distill.synthesis.shard_files import shard_label

        self._require_endpoint()
        rows = read_jsonl(self.store, self.folder.shard("evaluation", int(self.shard)), Row)
        context["shard_label"] = shard_label(rows)  # type: ignore[typeddict-unknown-key]
        student = self._student.model.key
        expected = answer_lines(
            self.use_case,
            rows,
            load_prices(),
            self.arm,
            student=student,
            deployed=is_deployment(self._student.invoke_id),
        )
        ask = self.rate_limited_model(context, model=student, expected=expected, calls=len(rows))
        try:
            with self.recorded_progress(context, len(rows)):
                work = ask.call_progress.counting_rows(partial(self._answer, ask))
                outcomes: Outcomes[Row, list[StoredAnswer]] = Outcomes.collect(
                    for_each(rows, work, threads=self.use_case.fan_out.threads)
                )
        except NotFoundError as error:
            if self.serving is None:
                raise
            raise ThroughputReleasedError(
                f"The endpoint of arm {self.arm} was released. ({error.happened})",
                billed="Nothing is billed for it.",
                then_clear=task_to_clear(self._create_task),
                effect=f"buys a new endpoint{self._price}",
            ) from error
        if failed := retry_or_record([(failure.item, failure.error) for failure in outcomes.failures], context):
            raise self.failed_calls(
                f"Arm {self.arm} has no answer from {self._student.model.key} for {len(failed)} of {len(rows)} rows",
                failed,
                left="The other answers are stored.",
            )
        records = [answer_record(row, self.arm, answers) for row, answers in zip(rows, outcomes.results, strict=True)]
        uri = self.folder.answers(self.arm, int(self.shard))
        write_jsonl(self.store, uri, records)
        if incomplete := explain_incomplete_answers(records, uri=uri):
            self.log.warning("Arm %s, model %s: %s", self.arm, self._student.model.key, incomplete)
        usage = Usage.from_answers((answer for answers in outcomes.results for answer in answers), self.folder.run_key)
        return {"arm": self.arm, "rows": len(records), **usage.as_record()}

    def lineage(self, result: AnswerManifest | None) -> TaskLineage:
        """Return what the task reads and writes."""
        from bedrock_distill.lineage.model_steps import answer_lineage

        return answer_lineage(
            self.use_case, self.folder, self.arm, serving=self.serving, optimized=self.optimized, result=result
        )

    @property
    def task_to_clear(self) -> str:
        """Return what to clear after an error. If clearing creates a new endpoint, the text says so."""
        endpoint = [] if self.serving is None else [self._create_task]
        return task_to_clear(self.task_id, tasks=endpoint, price=self._price)

    def billed_now(self, error: Exception) -> str:
        """Return what is billed: the endpoint if it is billed by the hour, otherwise the calls that were answered."""
        if not self._is_billed_by_the_hour:
            return super().billed_now(error)
        return f"The endpoint of arm {self.arm}, until {self._delete_task} deletes it{self._price}."

    def cost_so_far(self) -> str:
        """Return what the answers cost."""
        if not self._is_billed_by_the_hour:
            return super().cost_so_far()
        return f"the endpoint is billed by the hour until {self._delete_task} deletes it{self._price}"

    @property
    def _create_task(self) -> str:
        return arm_task(self.arm, self.serving_tasks.create)

    @property
    def _delete_task(self) -> str:
        return arm_task(self.arm, self.serving_tasks.delete)

    @property
    def _is_billed_by_the_hour(self) -> bool:
        return self.serving is not None and not is_deployment(self.serving.get("invoke_id") or "")

    @property
    def _price(self) -> str:
        use_case: UseCase | None = self.__dict__.get("use_case")
        if use_case is None or not self.serving or not self._is_billed_by_the_hour:
            return ""
        usd = use_case.serving.model_units * load_prices().price(self.serving["student"], "throughput_per_hour")
        return f", at ${usd:.2f} per hour"

    def _require_endpoint(self) -> None:
        # Without this check, the base student would silently answer in place of a tuned arm.
        if self.serving is None and self.use_case.arm(self.arm).kind != "base":
            raise ThroughputReleasedError(
                f"Arm {self.arm} has no endpoint: {arm_task(self.arm, self.serving_tasks.ready)} returned no result,"
                " probably because a person marked it as successful. No request was sent to a model.",
                then_clear=task_to_clear(self._create_task),
                effect=f"buys an endpoint{self._price}",
            )

    def _answer(self, ask: Callable[[ModelRequest], StoredAnswer], row: Row) -> list[StoredAnswer]:
        samples = (0, 1) if self.arm == self.use_case.noise_control_arm else (0,)
        return [ask(self._student.request(row, sample=sample)) for sample in samples]

    def _optimized_prompt(self) -> str | None:
        """Return the prompt that a job optimized for this arm; ``None`` if the arm has the prompt of the use case."""
        if not self.use_case.arm(self.arm).has_optimized_prompt:
            return None
        # If a person marks `collect` as successful, there is no result. The original prompt must not be used silently.
        task = optimize_task(self.arm, COLLECT)
        manifest = read_result(self.optimized, OptimizedPromptManifest, task=task, reader=self.task_id)
        return read_json(self.store, manifest["prompt_uri"], OptimizedPrompt)["optimized"]

    @cached_property
    def _student(self) -> Student:
        if self.serving is None:
            return Student.from_use_case(self.use_case, self.prompts, optimized=self._optimized_prompt())
        return Student.from_use_case(
            self.use_case,
            self.prompts,
            base_model=self.serving["student"],
            model_arn=self.serving["model_arn"],
            invoke_id=self.serving["invoke_id"],
        )
