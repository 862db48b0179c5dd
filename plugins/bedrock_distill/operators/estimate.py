"""The cost gate."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import DownstreamTasksSkipped

from bedrock_distill.operators.base import DistillOperator, Manifest
from bedrock_distill.operators.student import arm_student
from include.distill.core.errors import SpendCapError
from include.distill.core.storage import Record, stream_jsonl, write_json
from include.distill.cost.critic_budget import unbounded_usd
from include.distill.cost.estimate import Counting, estimate, expected_calls
from include.distill.cost.prices import load_prices, total
from include.distill.cost.spending import asked_usd
from include.distill.cost.token_counts import asked_steps, count_step, sample
from include.distill.dataset.arm_rows import require_originals, rows_for_teacher
from include.distill.dataset.splits import lengths
from include.distill.evaluation.champion import frozen_champion
from include.distill.report.batch_notes import too_few

if TYPE_CHECKING:
    from airflow.sdk import Context


class EstimateCostOperator(DistillOperator):
    """
    Say what the run will cost, and refuse above the cap, before the first paid call.

    The estimate supposes that nothing was paid for before; second asks and longer serving come on top. With the
    trigger form's ``dry_run`` everything after this task is skipped.

    :return: ``{"estimated_usd": float, "max_spend_usd": float, "estimate_uri": str}``
    :raises InputError: an arm asks for more originals than there are.
    :raises SpendCapError: the estimate is above ``max_spend_usd``; nothing was bought.
    """

    ui_color = "#fef7e0"
    inherits_from_skipmixin = True

    def execute(self, context: Context) -> Manifest:
        """Estimate, write the lines, and gate."""
        train, evaluation = (lengths(self._rows(name)) for name in ("train", "evaluation"))
        require_originals(self.use_case, train)
        champion = self.use_case.champion_arm is not None and frozen_champion(self.store, self.folder) is not None
        reckon = partial(
            estimate, self.use_case, train=train, evaluation=evaluation, prices=load_prices(), champion=champion
        )
        counted = self._count_prompts()
        lines = reckon(counted=counted)
        estimated, cap = total(lines), self.use_case.max_spend_usd
        calls = expected_calls(self.use_case, train=len(train), evaluation=len(evaluation))
        told = {
            "estimated_usd": estimated,
            "tokens": {name: f"prompts: {counting.how}; answers: estimated" for name, counting in counted.items()},
            "calls": calls,
            "prices": load_prices().sources(self.use_case),
            "by_characters_usd": asked_usd(line.as_record() for line in reckon()),
            "critic_by_characters_usd": unbounded_usd(self.use_case, rows_for_teacher(self.use_case, train)),
            "lines": [line.as_record() for line in lines],
        }
        write_json(self.store, self.folder.estimate, told)
        self.log.info("Calls: %s. Tokens: %s", calls, told["tokens"])
        for line in lines:
            self.log.info("%s: %.0f %s = $%.4f", line.what, line.quantity, line.unit, line.usd)
        for note in too_few(self.use_case, calls):
            self.log.warning("%s", note)
        self.log.info("Estimated: $%.2f of at most $%.2f", estimated, cap)
        if estimated > cap:
            largest = max(lines, key=lambda line: line.usd)
            message = (
                f"The run is estimated at ${estimated:.2f}, above max_spend_usd = ${cap:.2f}; nothing was bought. Most"
                f" of it is {largest.what}: {largest.quantity:,.0f} {largest.unit} for ${largest.usd:.2f}. Raise the"
                f" cap or ask for less, then run again (or clear preflight). All lines: {self.folder.estimate}"
            )
            raise SpendCapError(message)
        manifest = {"estimated_usd": estimated, "max_spend_usd": cap, "estimate_uri": self.folder.estimate}
        if context["params"].get("dry_run"):
            self.log.info("Dry run: stopping here; nothing was bought.")
            context["ti"].xcom_push(key="return_value", value=manifest)
            raise DownstreamTasksSkipped(tasks=sorted(self.downstream_task_ids))
        return manifest

    def _rows(self, name: str) -> Iterator[Record]:
        return stream_jsonl(self.store, self.folder.source(name))

    def _count_prompts(self) -> dict[str, Counting]:
        """Have Bedrock count the prompts of every step, on a sample of the rows or on all."""
        size = self.use_case.estimate.counted_rows
        steps = asked_steps(self.use_case, arm_student(self.use_case, model_arn=None, invoke_id=None), self.prompts)
        if size == 0:
            return {asked.step: Counting() for asked in steps}
        drawn: dict[str, list[Record]] = {}
        if size != "all":
            drawn = {name: sample(self._rows(name), size, self.use_case.seed) for name in ("train", "evaluation")}
        return {
            asked.step: count_step(asked, drawn.get(asked.rows) or self._rows(asked.rows), self.hook.count_tokens)
            for asked in steps
        }
