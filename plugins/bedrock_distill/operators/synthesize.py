"""The teacher writes new pairs, one task per shard of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from bedrock_distill.operators.base import DistillOperator, Manifest
from bedrock_distill.policies.row_failures import retry_or_record
from include.distill.config.catalog import load_catalog
from include.distill.core.errors import NotFoundError, ServiceError
from include.distill.core.storage import read_json, stream_jsonl
from include.distill.cost.critic_budget import BudgetedCritic, critic_budget_share, estimate_critic
from include.distill.cost.estimate import synthesis_lines
from include.distill.cost.prices import BillLine, load_prices
from include.distill.cost.records import BudgetEstimate
from include.distill.cost.task_budget import TaskBudget
from include.distill.curation.critic import Critic, CriticCounter
from include.distill.curation.filters import PairFilters, index_evaluation_questions
from include.distill.dataset.arm_rows import rows_for_teacher
from include.distill.dataset.records import Row, RowLengths
from include.distill.dataset.splits import text_lengths
from include.distill.inference.answer_store import UsageCounter
from include.distill.inference.client import RateLimitedModel
from include.distill.inference.fan_out import Failure, for_each
from include.distill.synthesis.shard_files import ShardFiles, summarize_shard
from include.distill.synthesis.teacher import SyntheticSamples, Teacher, count_samples, create_synthetic_samples
from include.distill.training.training_set import job_fault

if TYPE_CHECKING:
    from airflow.sdk import Context


class BedrockSynthesizeOperator(DistillOperator):
    """
    Ask the teacher for new question and answer pairs on every row of a shard.

    Every answer is stored in S3 before it is read and found again by content, so a retry, a clear or the next night
    pays only for what was never answered. A row that fails is retried with the task when that may help, and then
    recorded with its reason; ``curate`` fails the run when too many rows failed. Pairs that a filter drops lie with
    their text and reason in ``synthetic/rejected-*.jsonl``. The use case's critic looks at what the measured filters
    let pass, as far as its budget reaches.

    :param shard: number of the shard. (templated)
    :return: counts of the shard as in ``report.json``'s ``synthesis``, plus ``dropped`` (rejected pairs by filter) and
        ``failed``; with a critic also ``critic``, its verdicts and its usage.
    """

    template_fields: Sequence[str] = (*DistillOperator.template_fields, "shard")
    ui_color = "#fce8e6"

    def __init__(self, *, shard: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shard = shard

    def execute(self, context: Context) -> Manifest:
        """Ask for all rows of the shard, write pairs and rejects, and return the counts."""
        shard = self.folder.shard("train", int(self.shard))
        label, sizes = summarize_shard(stream_jsonl(self.store, shard, Row))
        context["shard_label"] = label  # type: ignore[typeddict-unknown-key]
        use_case = self.use_case
        ask = self.rate_limited_model(context, model=use_case.teacher, expected=self._expected(sizes), calls=len(sizes))
        work = partial(
            create_synthetic_samples,
            teacher=Teacher(self.model(use_case.teacher), self.prompt(use_case.prompts.synthesis), use_case.synthesis),
            filters=self._filters(),
            ask=ask,
            critic=self._critic(ask, sizes),
        )
        outcomes = for_each(stream_jsonl(self.store, shard, Row), work, threads=use_case.fan_out.threads)
        usage, critic = UsageCounter(self.folder.run_key), CriticCounter(self.folder.run_key)
        with ShardFiles(self.store, self.folder, int(self.shard)) as files:
            counts = count_samples(self._kept(outcomes, files, usage, critic, context))
        manifest = {**counts, **usage.usage.as_record(), "failed": files.failed}
        return {**manifest, "critic": critic.as_record()} if self.use_case.critic else manifest

    def _kept(
        self,
        outcomes: Iterable[SyntheticSamples | Failure[Row]],
        files: ShardFiles,
        usage: UsageCounter,
        critic: CriticCounter,
        context: Context,
    ) -> Iterator[SyntheticSamples]:
        """Write what comes of each row as it comes, and yield it to be counted."""
        failures: list[tuple[Row, ServiceError]] = []
        for outcome in outcomes:
            if isinstance(outcome, Failure):
                failures.append((outcome.item, outcome.error))
                continue
            files.write(outcome)
            usage.add(outcome.answers)
            critic.add(outcome.verdicts)
            yield outcome
        for failed in retry_or_record(failures, context):
            files.write_failed(failed)
            yield SyntheticSamples(self.use_case.synthesis.pairs_per_document)

    def _expected(self, rows: Sequence[RowLengths]) -> list[BillLine]:
        return synthesis_lines(self.use_case, rows, load_prices())

    def _critic(self, ask: RateLimitedModel, rows: Sequence[RowLengths]) -> Critic | None:
        """Who looks at the pairs of this shard, for its part of the critic's budget; ``None`` without one."""
        settings = self.use_case.critic
        if settings is None:
            return None
        share = critic_budget_share(self.use_case, settings, rows, self._estimate())
        prices = load_prices()
        budget = TaskBudget(share, prices.token_prices(settings.model), self.folder.run_key)
        note = self.folder.critic_ended(int(self.shard))
        paying = BudgetedCritic(ask.with_budget(budget), self.answers, self.store, share=share, marker_uri=note)
        return Critic(self.model(settings.model), self.prompt(self.use_case.prompts.critic), settings, paying)

    def _estimate(self) -> BudgetEstimate:
        try:
            return read_json(self.store, self.folder.estimate, BudgetEstimate)
        except NotFoundError:  # a DAG of somebody's own without a cost gate; the critic has its budget all the same
            rows = text_lengths(stream_jsonl(self.store, self.folder.source("train"), Row))
            return estimate_critic(self.use_case, rows_for_teacher(self.use_case, rows))

    def _filters(self) -> PairFilters:
        use_case, settings = self.use_case, self.use_case.curation
        return PairFilters(
            settings,
            index_evaluation_questions(stream_jsonl(self.store, self.folder.source("evaluation"), Row), settings),
            partial(
                job_fault,
                use_case=use_case,
                prompt=self.prompt(use_case.prompts.answering),
                family=load_catalog().family_of(self.model(use_case.student)),
            ),
        )
