"""Let a judge compare the answers of two arms, one task per pair of arms."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.policies.row_failures import retry_or_record
from bedrock_distill.run.metrics import counted_calls
from bedrock_distill.run.model_task import ModelTask
from include.distill.core.storage import read_jsonl, write_jsonl
from include.distill.cost.estimate import judging_lines
from include.distill.cost.prices import load_prices
from include.distill.dataset.records import Row
from include.distill.evaluation.records import JudgeManifest, Verdict
from include.distill.inference.answer_store import StoredAnswer, Usage
from include.distill.inference.fan_out import Outcomes, for_each

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bedrock_distill.lineage.artifacts import TaskLineage
    from include.distill.evaluation.judge import PairwiseComparison


class BedrockJudgeOperator(ModelTask, DistillOperator):
    """
    Let one judge compare two arms on every evaluation row, in both orders.

    If a reply contains no verdict, the request is repeated. If the last reply contains no verdict either, the
    comparison is not dropped, but counted as unparsable. If a comparison gets no reply at all, the task fails.
    Retrying or clearing the task requests only the missing verdicts.

    :param judge: key of the model in ``models.yaml``. (templated)
    :param candidate: the arm that is expected to be better. (templated)
    :param baseline: the arm that the candidate is compared with. The noise control compares an arm with itself, so
        ``baseline`` is then the name for the candidate's second set of answers. (templated)
    :return: ``{"judge", "candidate", "baseline", "verdicts_uri", "verdicts", "calls", …usage}``
    :raises TooManyFailuresError: a comparison got no reply; the other verdicts are stored.
    """

    template_fields: Sequence[str] = (*DistillOperator.template_fields, "judge", "candidate", "baseline")
    waits_for = "the judge's verdicts"
    ui_color = "#fce8e6"

    def __init__(self, *, judge: str, candidate: str, baseline: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.judge = judge
        self.candidate = candidate
        self.baseline = baseline

    @counted_calls("judge")
    def execute(self, context: Context) -> JudgeManifest:
        """Get a verdict on every row in both orders, and write the verdicts; return the usage."""
        from include.distill.evaluation.answers import read_comparisons
        from include.distill.evaluation.judge import Judge
        from include.distill.evaluation.unreadable_verdicts import explain_unreadable_verdicts

        context["judge_label"] = f"{self.judge}: {self.candidate} or {self.baseline}"  # type: ignore[typeddict-unknown-key]
        rows = read_jsonl(self.store, self.folder.source("evaluation"), Row)
        comparisons = read_comparisons(
            self.store, self.folder, self.use_case, candidate=self.candidate, baseline=self.baseline
        )
        judge = Judge.from_use_case(self.use_case, self.prompts, self.judge)
        expected = judging_lines(self.use_case, rows, load_prices(), judge=self.judge, pairs=1)
        ask = self.rate_limited_model(context, model=self.judge, expected=expected, calls=len(comparisons))
        work = ask.call_progress.counting_rows(partial(judge.judge, ask=ask))
        with self.recorded_progress(context, len(comparisons)):
            outcomes: Outcomes[PairwiseComparison, tuple[Verdict, list[StoredAnswer]]] = Outcomes.collect(
                for_each(comparisons, work, threads=self.use_case.fan_out.threads)
            )
        if failed := retry_or_record([(failure.item.row, failure.error) for failure in outcomes.failures], context):
            raise self.failed_calls(
                f"Judge {self.judge} gave no verdict on {len(failed)} of {len(comparisons)} comparisons",
                failed,
                left="The other verdicts are stored.",
            )
        uri = self.folder.judgments(self.judge, self.candidate, self.baseline)
        write_jsonl(self.store, uri, [verdict for verdict, _ in outcomes.results])
        if unreadable := explain_unreadable_verdicts(outcomes.results, uri=uri):
            self.log.warning("%s", unreadable)
        usage = Usage.from_answers(
            (answer for _, answers in outcomes.results for answer in answers), self.folder.run_key
        )
        return {
            "judge": self.judge,
            "candidate": self.candidate,
            "baseline": self.baseline,
            "verdicts_uri": uri,
            "verdicts": len(outcomes.results),
            **usage.as_record(),
        }

    def lineage(self, result: JudgeManifest | None) -> TaskLineage:
        """Return what the task reads and writes."""
        from bedrock_distill.lineage.result_steps import judge_lineage

        return judge_lineage(
            self.use_case,
            self.folder,
            judge=self.judge,
            candidate=self.candidate,
            baseline=self.baseline,
            result=result,
        )
