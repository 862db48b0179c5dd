"""The cost gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.exceptions import DownstreamTasksSkipped

from bedrock_distill.operators.base import DistillOperator, Manifest
from include.distill.arm_rows import require_originals
from include.distill.champion import frozen_champion
from include.distill.cost import estimate, load_prices, total
from include.distill.errors import SpendCapError
from include.distill.storage import read_jsonl, write_json

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
        train, evaluation = (read_jsonl(self.store, self.folder.source(name)) for name in ("train", "evaluation"))
        require_originals(self.use_case, train)
        champion = self.use_case.champion_arm is not None and frozen_champion(self.store, self.folder) is not None
        lines = estimate(self.use_case, train=train, evaluation=evaluation, prices=load_prices(), champion=champion)
        estimated, cap = total(lines), self.use_case.max_spend_usd
        write_json(
            self.store,
            self.folder.estimate,
            {
                "estimated_usd": estimated,
                "tokens": "estimated",
                "lines": [line.as_record() for line in lines],
            },
        )
        for line in lines:
            self.log.info("%s: %.0f %s = $%.4f", line.what, line.quantity, line.unit, line.usd)
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
