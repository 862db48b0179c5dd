"""Request new pairs from the teacher, one task per shard of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.policies.row_failures import is_caused_by_service, retry_or_record
from bedrock_distill.run.metrics import counted_calls
from bedrock_distill.run.model_task import ModelTask
from include.distill.config.training_method import pair_family
from include.distill.core.errors import NotFoundError, ServiceError, TooManyFailuresError
from include.distill.core.storage import read_json, stream_jsonl
from include.distill.cost.estimate import synthesis_lines
from include.distill.cost.prices import load_prices
from include.distill.cost.records import BudgetEstimate
from include.distill.cost.task_budget import TaskBudget
from include.distill.dataset.arm_rows import rows_for_teacher
from include.distill.dataset.records import Row, RowTokens
from include.distill.dataset.splits import row_tokens
from include.distill.inference.answer_store import UsageCounter
from include.distill.inference.client import RateLimitedModel
from include.distill.inference.fan_out import Failure, for_each
from include.distill.synthesis.failure_causes import describe_causes, failure_causes
from include.distill.synthesis.records import FailedRow, SynthesisManifest

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bedrock_distill.lineage.artifacts import TaskLineage
    from include.distill.curation.critic import Critic, CriticCounter
    from include.distill.curation.filters import PairFilters
    from include.distill.curation.records import SampleCounts
    from include.distill.synthesis.new_pairs import NewPairCounter
    from include.distill.synthesis.shard_files import ShardFiles
    from include.distill.synthesis.teacher import SyntheticSamples


class BedrockSynthesizeOperator(ModelTask, DistillOperator):
    """
    Request new pairs of a question and an answer from the teacher for every row of a shard, and filter the pairs.

    Every answer is stored in S3 before it is parsed, under a hash of its request. So a retry, a cleared task or a later
    run pays only for missing answers. If a row fails, the task is retried as long as a retry can help; then the row is
    recorded with the reason. ``curate`` fails the run if too many rows failed. The task itself fails if every row
    of the shard failed, and at least one of them because of a quota, the network or AWS. Pairs that a filter drops are
    stored with their text and the reason in ``synthetic/rejected-*.jsonl``. If the use case has a critic, the critic
    checks the pairs that passed all filters, until the critic's budget is spent.

    :param shard: number of the shard. (templated)
    :return: the counts of this shard, with the keys that ``report.json`` shows under ``synthesis``. Also ``dropped``
        (number of pairs that each filter dropped) and ``failed`` (number of failed rows). If the use case has a
        critic, also ``critic``: the critic's verdicts and usage.
    :raises TooManyFailuresError: every row failed, at least one because of a quota, the network or AWS.
    """

    template_fields: Sequence[str] = (*DistillOperator.template_fields, "shard")
    waits_for = "the teacher's answers"
    ui_color = "#fce8e6"

    def __init__(self, *, shard: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shard = shard

    @counted_calls("synthesize")
    def execute(self, context: Context) -> SynthesisManifest:
        """Get the pairs for all rows of the shard, and write accepted and rejected pairs; return the counts."""
        from include.distill.curation.critic import CriticCounter
        from include.distill.synthesis.new_pairs import NewPairCounter
        from include.distill.synthesis.shard_files import summarize_shard

        label, lengths = summarize_shard(stream_jsonl(self.store, self._shard_uri, Row))
        context["shard_label"] = label  # type: ignore[typeddict-unknown-key]
        # Each answer is counted when it arrives, because it is paid for even if its row fails later.
        usage, critic = UsageCounter(self.folder.run_key), CriticCounter(self.folder.run_key)
        new = NewPairCounter(self.folder.run_key)
        counts, failed = self._request_pairs(context, lengths, usage, critic, new)
        totals = usage.usage.as_record()
        manifest: SynthesisManifest = {
            "documents": counts["documents"],
            "requested": counts["requested"],
            "accepted": counts["accepted"],
            "rejected": counts["rejected"],
            "missing": counts["missing"],
            "surplus": counts["surplus"],
            "undecided": counts.get("undecided", 0),
            "dropped": counts["dropped"],
            "calls": totals["calls"],
            "cache_hits": totals["cache_hits"],
            "input_tokens": totals["input_tokens"],
            "output_tokens": totals["output_tokens"],
            "batch_calls": totals["batch_calls"],
            "batch_input_tokens": totals["batch_input_tokens"],
            "batch_output_tokens": totals["batch_output_tokens"],
            "simulated": totals["simulated"],
            "failed": failed,
            "new_pairs": new.as_record(),
        }
        if self.use_case.critic:
            manifest["critic"] = critic.as_record()
        return manifest

    def _request_pairs(
        self,
        context: Context,
        lengths: Sequence[RowTokens],
        usage: UsageCounter,
        critic: CriticCounter,
        new: NewPairCounter,
    ) -> tuple[SampleCounts, int]:
        """Get and write the pairs for all rows; return their counts and the number of failed rows."""
        from include.distill.synthesis.shard_files import ShardFiles
        from include.distill.synthesis.teacher import Teacher, count_samples, create_synthetic_samples

        use_case = self.use_case
        expected = synthesis_lines(use_case, lengths, load_prices())
        ask = self.rate_limited_model(context, model=use_case.teacher, expected=expected, calls=len(lengths))
        work = partial(
            create_synthetic_samples,
            teacher=Teacher(
                use_case.catalog_model(use_case.teacher), self.prompt(use_case.prompts.synthesis), use_case.synthesis
            ),
            filters=self._filters(),
            ask=usage.counted(ask),
            critic=self._critic(ask, lengths, critic),
        )
        rows = stream_jsonl(self.store, self._shard_uri, Row)
        outcomes = for_each(rows, ask.call_progress.counting_rows(work), threads=use_case.fan_out.threads)
        with (
            self.recorded_progress(context, len(lengths)),
            ShardFiles(self.store, self.folder, int(self.shard)) as files,
        ):
            counts = count_samples(new.counted(self._written(outcomes, files, critic, context)))
        return counts, files.failed

    @property
    def _shard_uri(self) -> str:
        return self.folder.shard("train", int(self.shard))

    def lineage(self, result: SynthesisManifest | None) -> TaskLineage:
        """Return what the task reads and writes."""
        from bedrock_distill.lineage.data_steps import synthesis_lineage

        return synthesis_lineage(self.use_case, self.folder, result)

    def _written(
        self,
        outcomes: Iterable[SyntheticSamples | Failure[Row]],
        files: ShardFiles,
        critic: CriticCounter,
        context: Context,
    ) -> Iterator[SyntheticSamples]:
        """Write each row's accepted and rejected pairs as they arrive, and yield them for counting."""
        from include.distill.synthesis.teacher import SyntheticSamples

        failures: list[tuple[Row, ServiceError]] = []
        answered = 0
        for outcome in outcomes:
            if isinstance(outcome, Failure):
                failures.append((outcome.item, outcome.error))
                continue
            files.write(outcome)
            critic.add(outcome.verdicts)
            answered += 1
            yield outcome
        failed_rows = retry_or_record(failures, context)
        if not answered and any(is_caused_by_service(error) for _, error in failures):
            raise self._no_answers(failed_rows)
        if failed_rows:
            self.log.warning(
                "Rows without pairs: %d. Rows with pairs: %d. %s The failed rows and the reasons are in %s.",
                *(len(failed_rows), answered, describe_causes(failure_causes(failed_rows))),
                self.folder.synthetic_rejected(int(self.shard)),
            )
        for failed in failed_rows:
            files.write_failed(failed)
            yield SyntheticSamples(self.use_case.synthesis.pairs_per_document)

    def _no_answers(self, failed: Sequence[FailedRow]) -> TooManyFailuresError:
        """Return the error for a shard in which every row failed. The next shard would probably fail too."""
        return self.failed_calls(
            f"Not one of the {len(failed)} rows of shard {self.shard} has the answers that it needs from"
            f" {self._models}",
            failed,
        )

    @property
    def _models(self) -> str:
        critic = self.use_case.critic
        return f"{self.use_case.teacher}{f' and the critic {critic.model}' if critic else ''}"

    def _critic(self, ask: RateLimitedModel, rows: Sequence[RowTokens], counter: CriticCounter) -> Critic | None:
        """Return the critic with this shard's share of the budget; ``None`` if the use case has no critic."""
        from include.distill.cost.critic_budget import BudgetedCritic, critic_budget_share
        from include.distill.curation.critic import Critic

        settings = self.use_case.critic
        if settings is None:
            return None
        share = critic_budget_share(self.use_case, settings, rows, self._estimate())
        prices = load_prices()
        budget = TaskBudget(share, prices.token_prices(settings.model), self.folder.run_key)
        marker_uri = self.folder.critic_ended(int(self.shard))
        ask_within_budget = BudgetedCritic(
            ask.with_budget(budget), self.answers, self.store, share=share, marker_uri=marker_uri
        )
        return Critic(
            self.use_case.catalog_model(settings.model),
            self.prompt(self.use_case.prompts.critic),
            settings,
            counter.counted(ask_within_budget),
        )

    def _estimate(self) -> BudgetEstimate:
        from include.distill.cost.critic_budget import estimate_critic

        try:
            return read_json(self.store, self.folder.estimate, BudgetEstimate)
        except NotFoundError:  # A custom DAG may have no task `estimate`, but its critic still needs a budget.
            rows = row_tokens(stream_jsonl(self.store, self.folder.source("train"), Row))
            return estimate_critic(self.use_case, rows_for_teacher(self.use_case, rows))

    def _filters(self) -> PairFilters:
        from include.distill.curation.filters import PairFilters, index_evaluation_questions
        from include.distill.training.training_set import job_fault

        use_case, settings = self.use_case, self.use_case.curation
        return PairFilters(
            settings,
            index_evaluation_questions(stream_jsonl(self.store, self.folder.source("evaluation"), Row), settings),
            partial(
                job_fault,
                use_case=use_case,
                prompt=self.prompt(use_case.prompts.answering),
                family=pair_family(self.model(use_case.student), use_case.training),
            ),
        )
