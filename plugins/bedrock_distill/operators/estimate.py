"""Estimate the cost of a run, and stop the run if the estimate is above the spend cap."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import DownstreamTasksSkipped

from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.run.metrics import emit
from bedrock_distill.run.run_history import record_run
from bedrock_distill.run.task_ids import PREFLIGHT
from include.distill.config.training_method import training_family
from include.distill.core.storage import stream_jsonl, write_json
from include.distill.cost.arm_serving import serving_choices
from include.distill.cost.bill_table import bill_table
from include.distill.cost.estimate import TokenRate, distillation_notes, estimate, expected_calls, pairs_usd
from include.distill.cost.evaluation_lines import score_lines
from include.distill.cost.optimization_lines import optimization_lines, optimization_notes
from include.distill.cost.prices import BillLine, load_prices, total_usd
from include.distill.cost.records import CostEstimate, EstimateManifest, RepeatedPurchase, ServingChoice
from include.distill.cost.serving_choice import describe_serving
from include.distill.cost.standing_price import standing_note
from include.distill.cost.task_budget import model_calls_usd
from include.distill.dataset.arm_rows import hold_out, require_originals, rows_for_teacher
from include.distill.dataset.records import Row, RowTokens
from include.distill.dataset.splits import row_tokens
from include.distill.evaluation.champion import champion_snapshot
from include.distill.report.run_metrics import estimate_samples
from include.distill.training.reachable_sizes import require_reachable_sizes, size_warnings

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bedrock_distill.run.month_budget import RunBudgets
    from include.distill.history.records import HistoryEntry


class EstimateCostOperator(DistillOperator):
    """
    Estimate the cost of the run before the first paid call, and fail if the estimate is above the spend cap.

    The estimate assumes that no answer or model is stored yet. The log, and ``stored_usd`` in ``estimate.json``, say
    how much of the estimated cost is for answers and models that are probably stored already. The estimate does not
    include repeated requests, hours of provisioned throughput beyond ``serving.expected_hours``, or the hours of a
    champion's standing endpoint.

    The task also chooses how each arm's model is served, on demand or by provisioned throughput. The log, and
    ``serving`` in ``estimate.json``, state the cost and time of each way, and the reason for the choice. The log, and
    ``bought_again`` in ``estimate.json``, list what the use case's last run bought and this run buys again, with the
    reason and the price. The task writes the first record of the run in the history of the use case, also if the run is
    refused, and closes the records of earlier runs that have ended without recording it. With ``dry_run`` in the
    trigger form, it changes no record, and everything after this task is skipped. The task costs nothing. Retrying or
    clearing the task estimates again.

    If the use case or its owner has a monthly budget, the task compares the price of what is not stored yet with what
    is left of the budget. A run that does not fit does not start.

    :return: ``{"estimated_usd": float, "max_spend_usd": float, "estimate_uri": str}``, and with a monthly budget
        ``"budget": [{...}]``, the state of each budget.
    :raises InputError: an arm needs more original rows than the training data contains, or cannot reach the minimum
        number of training records of the student's family.
    :raises LimitError: the samples of a prompt optimization job are larger than Bedrock permits.
    :raises UseCaseError: a model cannot be served as ``serving.mode`` requires.
    :raises EstimateAboveCapError: the estimate is above ``max_spend_usd``; nothing was bought.
    :raises BudgetExceededError: the run would exceed a monthly budget; nothing was bought.
    :raises BudgetUnknownError: it cannot be read what was spent in the month; nothing was bought.
    """

    ui_color = "#fef7e0"
    inherits_from_skipmixin = True
    waits_for = "the count of the prompts' tokens and the estimate of the cost"

    def execute(self, context: Context) -> EstimateManifest:
        """Calculate and write the estimate, and compare it with the cap."""
        from bedrock_distill.operators.lost_runs import close_lost_runs
        from bedrock_distill.run.month_budget import RunBudgets
        from include.distill.cost.bought_again import fingerprints
        from include.distill.cost.critic_budget import uncapped_critic_usd

        train, evaluation = (row_tokens(self._rows(name)) for name in ("train", "evaluation"))
        self._require_sizes(train)
        self._require_samples()
        rates = self._count_prompts()
        lines, by_characters, serving = self._bills(train, evaluation, rates)
        estimated, cap, prices = total_usd(lines), self.use_case.max_spend_usd, load_prices()
        bought_again, stored, bought_jobs = self._reuse(lines)
        summary: CostEstimate = {
            "estimated_usd": estimated,
            "tokens": {name: f"prompts: {rate.method}; answers: estimated" for name, rate in rates.items()},
            "calls": expected_calls(self.use_case, train=len(train), evaluation=len(evaluation)),
            "prices": prices.sources(self.use_case),
            "by_characters_usd": model_calls_usd(line.as_record() for line in by_characters),
            "critic_by_characters_usd": uncapped_critic_usd(self.use_case, rows_for_teacher(self.use_case, train)),
            "lines": [line.as_record() for line in lines],
            "serving": serving,
            "pairs_usd": pairs_usd(self.use_case, train, prices, rates),
            "bought_again": bought_again,
            "stored_usd": stored,
            "distillation_notes": distillation_notes(self.use_case, train, prices, rates),
            "optimization_notes": optimization_notes(self.use_case, train, prices, rates.get("answers"), bought_jobs),
            "fingerprints": fingerprints(self.use_case, self.prompts),
        }
        write_json(self.store, self.folder.estimate, summary)
        self._log_summary(summary, lines)
        self._warn_about_small_evaluations(evaluation)
        if not context["params"].get("dry_run"):
            close_lost_runs(self, context)
        budgets, to_pay = RunBudgets(self, self.use_case, context), round(max(0.0, estimated - stored), 4)
        self._record_start(context, budgets, estimated, to_pay if estimated <= cap else 0.0)
        manifest: EstimateManifest = {
            "estimated_usd": estimated,
            "max_spend_usd": cap,
            "estimate_uri": self.folder.estimate,
        }
        emit(estimate_samples(self.use_case.name, manifest))
        self._require_within_cap(lines, serving, context)
        if context["params"].get("dry_run"):
            budgets.preview(to_pay)
            self._end_dry_run(manifest, context)
        elif states := budgets.claim(to_pay):
            manifest["budget"] = states
        return manifest

    def _record_start(self, context: Context, budgets: RunBudgets, estimated_usd: float, to_pay_usd: float) -> None:
        """Write the run's record. A cleared run is running again. It keeps what it has spent before."""

        def start(run: HistoryEntry) -> HistoryEntry:
            started: HistoryEntry = {**run, "state": "running", "ended_at": None, "estimated_usd": estimated_usd}
            return budgets.with_claim(started, to_pay_usd)

        record_run(self, context, start)

    def _end_dry_run(self, manifest: EstimateManifest, context: Context) -> None:
        """Skip all later tasks. An exception of Airflow does this, so the result is stored first."""
        self.log.info("Dry run: the run stops here, and has paid for nothing. The bill above is only an estimate.")
        context["ti"].xcom_push(key="return_value", value=manifest)
        raise DownstreamTasksSkipped(tasks=self._later_tasks())

    def _later_tasks(self) -> list[str]:
        """
        Return all later tasks except teardowns.

        Some of these tasks, such as ``delete_losers``, would run even after a skipped task, so all are skipped by name.
        """
        return sorted(task.task_id for task in self.get_flat_relatives(upstream=False) if not task.is_teardown)

    def _bills(
        self, train: Sequence[RowTokens], evaluation: Sequence[RowTokens], rates: Mapping[str, TokenRate]
    ) -> tuple[list[BillLine], list[BillLine], dict[str, ServingChoice]]:
        """Return the estimate, a second estimate from character counts alone, and how each arm's model is served."""
        prices = load_prices()
        snapshot = champion_snapshot(self.store, self.folder) if self.use_case.champion_arm else None
        champion = snapshot.student if snapshot else None
        rate = rates.get("answers", TokenRate())
        serving = serving_choices(self.use_case, evaluation, prices, champion=champion, rate=rate)
        estimate_bill = partial(
            estimate,
            self.use_case,
            train=train,
            evaluation=evaluation,
            prices=prices,
            champion=champion,
            serving=serving,
        )
        jobs, by_characters = (
            [
                *score_lines(self.use_case, evaluation, prices, used),
                *optimization_lines(self.use_case, train, prices, used),
            ]
            for used in (rate, None)
        )
        return [*estimate_bill(rates=rates), *jobs], [*estimate_bill(), *by_characters], serving

    def _log_summary(self, summary: CostEstimate, lines: Sequence[BillLine]) -> None:
        estimated, stored = summary["estimated_usd"], summary["stored_usd"]
        self.log.info("Expected calls: %s.", ", ".join(f"{step} {count:,}" for step, count in summary["calls"].items()))
        self.log.info("Token counts: %s.", ", ".join(f"{step} ({how})" for step, how in summary["tokens"].items()))
        for arm, choice in summary.get("serving", {}).items():
            self.log.info("%s", describe_serving(arm, choice))
        self.log.info("Estimated bill:\n%s", bill_table(lines))
        for sentence in (*summary.get("distillation_notes", ()), *summary.get("optimization_notes", ())):
            self.log.warning("%s", sentence)
        if note := standing_note(self.use_case):
            self.log.info("%s", note)
        self._warn_about_small_batches(summary["calls"])
        self.log.info(
            "Full price of the run: $%.2f. Results worth about $%.2f of this were bought by earlier runs and are"
            " stored, so this run is expected to pay about $%.2f. The spend cap of $%.2f is compared with the full"
            " price, because a stored result may turn out to be missing.",
            *(estimated, stored, max(0.0, estimated - stored), self.use_case.max_spend_usd),
        )

    def _warn_about_small_batches(self, calls: Mapping[str, int]) -> None:
        from include.distill.report.batch_notes import too_few_for_batch

        for note in too_few_for_batch(self.use_case, calls):
            self.log.warning("%s", note)

    def _require_sizes(self, train: Sequence[RowTokens]) -> None:
        """Check before any paid call that the rows suffice for each arm and for the minimum of the student's family."""
        require_originals(self.use_case, train)
        if any(arm.is_trained for arm in self.use_case.arms):
            family = training_family(self.model(self.use_case.student), self.use_case.training)
            training, held_out = hold_out(train, self.use_case)
            require_reachable_sizes(self.use_case, family, training=len(training), held_out=len(held_out))
            for warning in size_warnings(self.use_case, family, training=len(training), held_out=len(held_out)):
                self.log.warning("%s", warning)

    def _require_samples(self) -> None:
        """Check before any paid call that the samples of each prompt optimization job fit into a file."""
        from include.distill.prompt_optimization.dataset import encode, optimization_input

        if self.use_case.optimized_arms:
            encode(optimization_input(self._rows("train"), self.use_case, self.prompts))

    def _require_within_cap(
        self, lines: Sequence[BillLine], serving: Mapping[str, ServingChoice], context: Context
    ) -> None:
        if total_usd(lines) <= self.use_case.max_spend_usd:
            return
        from include.distill.cost.above_cap import above_cap_error

        configured = getattr(context.get("dag_run"), "conf", None) or {}
        raise above_cap_error(
            self.use_case,
            lines,
            uri=self.folder.estimate,
            preflight=PREFLIGHT,
            serving=serving,
            is_cap_of_the_run=configured.get("max_spend_usd") not in (None, ""),
        )

    def _warn_about_small_evaluations(self, evaluation: Sequence[RowTokens]) -> None:
        from include.distill.evaluation.verdict_size import detectable_win_rate, verdict_warnings

        promotion = self.use_case.promotion if self.use_case.champion_arm else None
        warnings = list(verdict_warnings(evaluation, promotion))
        for warning in warnings:
            self.log.warning("%s", warning)
        rate = detectable_win_rate(evaluation)
        if rate is not None and not warnings:
            self.log.info(
                "With %s evaluation questions, 4 of 5 runs detect a true half-win rate of %.0f%% if every question is"
                " decided. A rate closer to 50%% is detected less often.",
                *(f"{len(evaluation):,}", 100 * rate),
            )

    def _reuse(self, lines: Sequence[BillLine]) -> tuple[list[RepeatedPurchase], float, Collection[str]]:
        """
        Return and log what an earlier run bought and this run buys again, with the reasons.

        The second returned value is the part of the estimate, in US dollars, for answers and models that are probably
        stored already. The third has the arms whose prompt optimization job an earlier run bought.
        """
        from include.distill.cost.bought_again import Comparison, earlier_run, purchase_sentence
        from include.distill.cost.stored_already import repeats_earlier_run, reused_prompts, stored_usd

        earlier = earlier_run(self.store, self.folder, self.use_case.name)
        purchases: list[RepeatedPurchase] = []
        repeats = False
        if earlier is not None:
            purchases = Comparison(
                self.use_case, self.prompts, self.store, self.answers, earlier, lines, self._rows
            ).find()
            repeats = not purchases and repeats_earlier_run(self.use_case, earlier, self.store, self._rows)
        for purchase in purchases:
            self.log.warning("%s", purchase_sentence(purchase))
        optimized = reused_prompts(self.use_case, self.prompts, self.store, earlier, self._rows, self.folder)
        stored = stored_usd(
            self.use_case,
            self.prompts,
            self.answers,
            lines=lines,
            rows=self._rows,
            repeats_earlier_run=repeats,
            optimized=optimized,
        )
        return purchases, stored, optimized.keys()

    def _rows(self, name: str) -> Iterator[Row]:
        return stream_jsonl(self.store, self.folder.source(name), Row)

    def _count_prompts(self) -> dict[str, TokenRate]:
        """Return each step's tokens per prompt. Bedrock counts the tokens of ``estimate.counted_rows`` sampled rows."""
        from include.distill.cost.token_counts import measure_token_rate, prompt_probes, sample_rows

        size = self.use_case.estimate.counted_rows
        probes = prompt_probes(self.use_case, self.prompts)
        if size == 0:
            return {probe.step: TokenRate() for probe in probes}
        samples: dict[str, list[Row]] = {}
        if size != "all":
            samples = {
                name: sample_rows(self._rows(name), size, self.use_case.seed) for name in ("train", "evaluation")
            }
        return {
            probe.step: measure_token_rate(
                probe, samples.get(probe.rows) or self._rows(probe.rows), self.hook.count_tokens
            )
            for probe in probes
        }
