"""The arms answer, the judges compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from bedrock_distill.operators.base import ArmOperator, DistillOperator, Manifest
from bedrock_distill.policies.row_failures import retry_or_record
from bedrock_distill.run.task_ids import PROVISION, arm_task
from include.distill.core.errors import (
    NotFoundError,
    ThroughputReleasedError,
    TooManyFailuresError,
)
from include.distill.core.storage import Record, read_jsonl, write_jsonl
from include.distill.cost.estimate import answer_lines, judging_lines
from include.distill.cost.prices import BillLine, load_prices
from include.distill.evaluation.answer_pairs import read_comparisons
from include.distill.evaluation.requests import PairwiseComparison, answer_record, judge_comparison
from include.distill.inference.answer_store import StoredAnswer, Usage
from include.distill.inference.client import RateLimitedModel
from include.distill.inference.fan_out import Outcomes, for_each
from include.distill.inference.requests import ModelRequest
from include.distill.inference.student import Student
from include.distill.synthesis.shard_files import shard_label

if TYPE_CHECKING:
    from airflow.sdk import Context


class BedrockAnswerOperator(ArmOperator):
    """
    Have an arm answer a shard of evaluation rows; the arm of the noise control answers each row twice.

    Answers belong to the custom model, not to the throughput that served it: what was answered once is never asked
    again, by any run. A row without an answer fails the task, for the comparison would no longer be paired.

    :param shard: number of the shard. (templated)
    :param serving: manifest of the arm's ``in_service``; ``None`` for the base student, asked on demand. (templated)
    :return: ``{"arm", "rows", "calls", "cache_hits", "input_tokens", "output_tokens", "simulated"}``
    :raises ThroughputReleasedError: the endpoint is gone; clear ``provision`` of the arm with downstream.
    """

    template_fields: Sequence[str] = (*ArmOperator.template_fields, "shard", "serving")
    ui_color = "#fce8e6"

    def __init__(self, *, shard: int, serving: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shard = shard
        self.serving = serving

    def execute(self, context: Context) -> Manifest:
        """Ask for all rows of the shard, write the answers, and return the usage."""
        self._require_endpoint()
        rows = read_jsonl(self.store, self.folder.shard("evaluation", int(self.shard)))
        context["shard_label"] = shard_label(rows)  # type: ignore[typeddict-unknown-key]
        try:
            answer = partial(self._answer, self._rate_limited_model(context, rows))
            outcomes: Outcomes[Record, list[StoredAnswer]] = Outcomes.collect(
                for_each(rows, answer, threads=self.use_case.fan_out.threads)
            )
        except NotFoundError as error:
            raise self._released(error) from error
        if failed := retry_or_record([(f.item, f.error) for f in outcomes.failures], context):
            message = (
                f"{self.arm} has no answer for {len(failed)} of {len(rows)} rows; first: {failed[0]['message']} The"
                " answers that came are stored: clear this task to ask for the missing ones only."
            )
            raise TooManyFailuresError(message)
        records = [answer_record(row, self.arm, answers) for row, answers in zip(rows, outcomes.results, strict=True)]
        write_jsonl(self.store, self.folder.answers(self.arm, int(self.shard)), records)
        usage = Usage.from_answers((answer for answers in outcomes.results for answer in answers), self.folder.run_key)
        return {"arm": self.arm, "rows": len(records), **usage.as_record()}

    def _require_endpoint(self) -> None:
        """A tuned arm without its manifest would be answered for by the base student, and nobody would notice."""
        if self.serving is None and self.use_case.arm(self.arm).kind != "base":
            message = (
                f"Nothing says which endpoint serves {self.arm}: its in_service returned nothing, as when it was marked"
                f" success by hand. Nothing was asked. Clear {arm_task(self.arm, PROVISION)} with downstream."
            )
            raise ThroughputReleasedError(message)

    def _rate_limited_model(self, context: Context, rows: Sequence[Record]) -> RateLimitedModel:
        student, prices = self.use_case.student, load_prices()
        expected = answer_lines(self.use_case, rows, prices, self.arm, on_demand=True)
        return self.rate_limited_model(context, model=student, expected=expected, calls=len(rows))

    def _answer(self, ask: Callable[[ModelRequest], StoredAnswer], row: Record) -> list[StoredAnswer]:
        samples = (0, 1) if self.arm == self.use_case.noise_control_arm else (0,)
        return [ask(self._student.request(row, sample=sample)) for sample in samples]

    @cached_property
    def _student(self) -> Student:
        if self.serving is None:
            return Student.from_use_case(self.use_case, self.prompts)
        return Student.from_use_case(
            self.use_case,
            self.prompts,
            base_model=self.serving["student"],
            model_arn=self.serving["model_arn"],
            invoke_id=self.serving["invoke_id"],
        )

    def _released(self, error: NotFoundError) -> Exception:
        if self.serving is None:
            return error
        message = (
            f"The endpoint of {self.arm} is gone: it was released. Nothing is billed. Clear"
            f" {arm_task(self.arm, PROVISION)} with downstream to serve again. ({error})"
        )
        return ThroughputReleasedError(message)


class BedrockJudgeOperator(DistillOperator):
    """
    Have one judge compare two arms on every evaluation row, in both orders.

    An answer that is no verdict is asked again, then counted as unparsable, never dropped. A row that fails for good
    fails the task: verdicts that came are stored and not paid again.

    :param judge: a model of the catalog. (templated)
    :param candidate: the arm that should be better. (templated)
    :param baseline: the arm that it is compared with; the noise control compares with second answers. (templated)
    :return: ``{"judge", "candidate", "baseline", "verdicts_uri", "verdicts", "calls", …usage}``
    """

    template_fields: Sequence[str] = (*DistillOperator.template_fields, "judge", "candidate", "baseline")
    ui_color = "#fce8e6"

    def __init__(self, *, judge: str, candidate: str, baseline: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.judge = judge
        self.candidate = candidate
        self.baseline = baseline

    def execute(self, context: Context) -> Manifest:
        """Ask for every row in both orders, write the verdicts, and return the usage."""
        context["judge_label"] = f"{self.judge}: {self.candidate} or {self.baseline}"  # type: ignore[typeddict-unknown-key]
        rows = read_jsonl(self.store, self.folder.source("evaluation"))
        comparisons = read_comparisons(
            self.store, self.folder, self.use_case, candidate=self.candidate, baseline=self.baseline
        )
        work = partial(
            judge_comparison,
            judge=self.model(self.judge),
            prompt=self.prompt(self.use_case.prompts.judging),
            settings=self.use_case.judging,
            ask=self.rate_limited_model(
                context, model=self.judge, expected=self._expected(rows), calls=len(comparisons)
            ),
        )
        outcomes: Outcomes[PairwiseComparison, tuple[Record, list[StoredAnswer]]] = Outcomes.collect(
            for_each(comparisons, work, threads=self.use_case.fan_out.threads)
        )
        if failed := retry_or_record([(f.item.row, f.error) for f in outcomes.failures], context):
            message = (
                f"{self.judge} gave no verdict on {len(failed)} of {len(comparisons)}; first: {failed[0]['message']}"
            )
            raise TooManyFailuresError(message)
        uri = self.folder.judgments(self.judge, self.candidate, self.baseline)
        write_jsonl(self.store, uri, [verdict for verdict, _ in outcomes.results])
        usage = Usage.from_answers(
            (answer for _, answers in outcomes.results for answer in answers), self.folder.run_key
        )
        pair = {"judge": self.judge, "candidate": self.candidate, "baseline": self.baseline}
        return {**pair, "verdicts_uri": uri, "verdicts": len(outcomes.results), **usage.as_record()}

    def _expected(self, rows: Sequence[Record]) -> list[BillLine]:
        return judging_lines(self.use_case, rows, load_prices(), judge=self.judge, pairs=1)
