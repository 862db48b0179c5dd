"""Drop pairs that repeat a question, count the pairs that each filter dropped, and check that enough are left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.run.metrics import emit
from bedrock_distill.run.task_ids import PREFLIGHT, SYNTHESIZE
from bedrock_distill.run.task_results import TaskResult, read_mapped_results
from bedrock_distill.run.what_to_clear import task_to_clear
from include.distill.core.errors import TooManyFailuresError, then_clear
from include.distill.core.storage import stream_jsonl, write_jsonl
from include.distill.core.stored_objects import broken_record, missing_object
from include.distill.curation.records import CriticCounts, CurateManifest, PairText, RepeatedPair
from include.distill.dataset.arm_rows import rows_for_teacher
from include.distill.dataset.records import Row, RowName
from include.distill.report.run_metrics import pair_samples
from include.distill.synthesis.failure_causes import (
    FailureCause,
    advice_on_causes,
    describe_causes,
    failure_causes,
)
from include.distill.synthesis.records import FailedRow, SynthesisManifest

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bedrock_distill.lineage.artifacts import TaskLineage


class CuratePairsOperator(DistillOperator):
    """
    Drop pairs that repeat a question of another row, and fail if too few pairs are left to train on.

    ``synthesize`` has already applied the filters that look at only one row. Pairs that this task drops are stored with
    their text and the reason in ``synthetic/rejected-repeated.jsonl``. They are left out of all training sets. The task
    costs nothing. Retrying or clearing the task writes the same files.

    :param synthesis: manifests of the mapped tasks of ``synthesize``. (templated)
    :return: the counts that ``report.json`` shows under ``synthesis``. Also ``dropped`` (number of pairs per filter),
        ``failed`` (number of failed rows), ``shards`` (number of shards), and ``critic`` if the use case has a critic.
    :raises TooManyFailuresError: the share of failed rows is above ``fan_out.max_failed_share``, or the share of usable
        pairs is below ``synthesis.min_accepted_share``. All paid answers are stored.
    :raises MissingObjectError: a file of ``synthesize`` was deleted. The message names the file and the task to clear.
    """

    template_fields: Sequence[str] = (*DistillOperator.template_fields, "synthesis")
    ui_color = "#e6f4ea"
    waits_for = "the accepted pairs to be compared and counted"

    def __init__(self, *, synthesis: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.synthesis = synthesis

    def execute(self, context: Context) -> CurateManifest:
        """Drop repeated pairs, add up the counts of all shards, and check that the totals agree."""
        from include.distill.curation.critic import sum_critic_counts
        from include.distill.curation.filters import FILTER_NAMES
        from include.distill.report.run_summary import sum_synthesis
        from include.distill.synthesis.new_pairs import add_new_pairs

        manifests = read_mapped_results(self.synthesis, SynthesisManifest, task=SYNTHESIZE, reader=self.task_id)
        counts = sum_synthesis(manifests)
        failed = sum(manifest["failed"] for manifest in manifests)
        self._require_results(manifests, counts["documents"])
        self._require_answered_rows(manifests, failed, counts["documents"])
        dropped = sum((Counter(manifest["dropped"]) for manifest in manifests), Counter[str]())
        before = dropped.total()
        repeated_undecided = Counter[str]()
        records = self._repeated(manifests, dropped, repeated_undecided)
        write_jsonl(self.store, self.folder.synthetic_repeated, records)
        undecided = sum(manifest.get("undecided", 0) for manifest in manifests) - repeated_undecided.total()
        repeated = dropped.total() - before
        counts["accepted"] -= repeated
        counts["rejected"] += repeated
        self._log_dropped(dropped, counts["requested"])
        critic = sum_critic_counts(manifests)
        self._log_undecided(critic, undecided)
        manifest: CurateManifest = {
            "documents": counts["documents"],
            "requested": counts["requested"],
            "accepted": counts["accepted"],
            "rejected": counts["rejected"],
            "missing": counts["missing"],
            "surplus": counts["surplus"],
            "undecided": undecided,
            "calls": counts["calls"],
            "cache_hits": counts["cache_hits"],
            "input_tokens": counts["input_tokens"],
            "output_tokens": counts["output_tokens"],
            "batch_calls": counts["batch_calls"],
            "batch_input_tokens": counts["batch_input_tokens"],
            "batch_output_tokens": counts["batch_output_tokens"],
            "dropped": dict(sorted(dropped.items())),
            "failed": failed,
            "shards": len(manifests),
            "simulated": any(manifest["simulated"] for manifest in manifests),
        }
        if critic:
            manifest["critic"] = critic
        add_new_pairs(manifest, manifests)
        emit(pair_samples(self.use_case.name, manifest, FILTER_NAMES))
        self._require_usable_pairs(manifest)
        return manifest

    def lineage(self, result: CurateManifest | None) -> TaskLineage:
        """Return what the task reads and writes."""
        from bedrock_distill.lineage.data_steps import curation_lineage

        return curation_lineage(self.folder, result)

    def _repeated(
        self, manifests: Sequence[SynthesisManifest], dropped: Counter[str], undecided: Counter[str]
    ) -> Iterator[RepeatedPair]:
        """
        Yield the pairs that repeat a question, and count them by filter in ``dropped``.

        A pair is also counted in ``undecided`` if the grounding check could not decide on its answer.
        """
        from include.distill.curation.repeated_pairs import repeated_pairs

        originals = stream_jsonl(self.store, self.folder.source("train"), Row)
        for record in repeated_pairs(
            originals, self._texts(manifests), threshold=self.use_case.curation.max_question_similarity
        ):
            dropped[record["filter"]] += 1
            undecided[record["filter"]] += "undecided" in record
            yield record

    def _texts(self, manifests: Sequence[SynthesisManifest]) -> Iterator[PairText]:
        """Yield every accepted pair without its document, and check that no shard has lost pairs."""
        for number, manifest in enumerate(manifests):
            uri, count = self.folder.synthetic_texts(number), 0
            for pair in stream_jsonl(self.store, uri, PairText):
                count += 1
                yield pair
            if count != manifest["accepted"]:
                raise broken_record(uri, f"has {count} pairs, but {SYNTHESIZE} accepted {manifest['accepted']}")

    def _log_dropped(self, dropped: Counter[str], requested: int) -> None:
        for name, number in dropped.most_common():
            self.log.info("Filter %s dropped %d of %d pairs", name, number, requested)

    def _log_undecided(self, critic: CriticCounts | None, undecided: int) -> None:
        if critic:
            self._log_critic(critic)
        elif undecided:
            self.log.info(
                "The grounding check cannot decide whether the document supports the answers of %d accepted pairs."
                " These pairs are kept. To have a model check such pairs, set curation.critic.",
                undecided,
            )

    def _log_critic(self, critic: CriticCounts) -> None:
        from include.distill.curation.critic import CHECKED_LABELS

        verdicts = ", ".join(f"{critic[name]} {name}" for name in CHECKED_LABELS)
        self.log.info("The critic's verdicts: %s", verdicts)
        if critic["not_looked_at"]:
            self.log.warning(
                "The critic did not check %d pairs, because its budget was spent. These pairs are kept. To check all"
                " pairs, raise curation.critic.max_spend_usd. Checked pairs are not paid for again.",
                critic["not_looked_at"],
            )

    def _require_results(self, manifests: Sequence[SynthesisManifest], documents: int) -> None:
        """
        Check that ``synthesize`` has a result for every row, and that all its files are still stored.

        This task does not read all of these files, but ``merge`` does. Without this check, a missing file would be
        found only in ``merge``, once for each arm.
        """
        rows: list[RowName] = [
            {"row_id": row["row_id"], "group": row["group"]}
            for row in stream_jsonl(self.store, self.folder.source("train"), Row)
        ]
        expected = len(rows_for_teacher(self.use_case, rows))
        if documents < expected:
            raise TaskResult({}, task=SYNTHESIZE, reader=self.task_id).unusable(
                f"is missing for {expected - documents} of {expected} rows"
            )
        stored = set(self.store.list(self._folder_uri))
        missing = [
            uri
            for number in range(len(manifests))
            for uri in (
                self.folder.synthetic(number),
                self.folder.synthetic_texts(number),
                self.folder.synthetic_rejected(number),
            )
            if uri not in stored
        ]
        if missing:
            self.log.error("Objects of %s that do not exist: %s", SYNTHESIZE, ", ".join(missing))
            raise missing_object(missing[0])

    def _require_answered_rows(self, manifests: Sequence[SynthesisManifest], failed: int, documents: int) -> None:
        max_failed_share = self.use_case.fan_out.max_failed_share
        if failed > max_failed_share * documents:
            causes = self._failure_causes(len(manifests))
            raise TooManyFailuresError(
                f"Calls to models failed for {failed} of {documents} rows of {SYNTHESIZE}. The maximum is"
                f" max_failed_share = {max_failed_share:.0%}. {describe_causes(causes)} All failed rows and the reasons"
                f" are in {self._folder_uri}.",
                left="All answers that arrived are stored.",
                billed="The answers that arrived are paid for. The failed calls are billed only if AWS answered them.",
                to_do=advice_on_causes(causes),
                then_clear=task_to_clear(SYNTHESIZE),
                effect="requests only the missing answers",
            )

    def _failure_causes(self, shards: int) -> list[FailureCause]:
        # A rejected record without the key `filter` is the record of a failed row.
        return failure_causes(cast(FailedRow, reject) for reject in self._rejects(shards) if "filter" not in reject)

    def _require_usable_pairs(self, manifest: CurateManifest) -> None:
        from include.distill.synthesis.shortfall import explain_shortfall

        settings = self.use_case.synthesis
        if manifest["accepted"] >= settings.min_accepted_share * manifest["requested"]:
            return
        failures = self._failure_causes(manifest["shards"])
        causes, advice = explain_shortfall(
            manifest,
            failed=manifest["failed"],
            advice_on_failed_rows=then_clear(
                advice_on_causes(failures), task_to_clear(SYNTHESIZE), "requests only the missing answers"
            ),
            dropped=manifest["dropped"],
            rejects=self._rejects(manifest["shards"]),
            settings=settings,
            simulated=manifest["simulated"],
        )
        raise TooManyFailuresError(
            f"Only {manifest['accepted']} of the {manifest['requested']} pairs that were requested from the teacher are"
            f" usable. The minimum is min_accepted_share = {settings.min_accepted_share:.0%}. The rejected output and"
            f" the reasons are in {self._folder_uri}. {causes} {describe_causes(failures)}".rstrip(),
            left="All answers of the teacher are stored.",
            billed="No training was bought. The teacher's answers are paid for.",
            to_do=(f"{advice} To train on fewer pairs, lower synthesis.min_accepted_share."),
            then_clear=task_to_clear(PREFLIGHT),
        )

    def _rejects(self, shards: int) -> Iterator[Mapping[str, Any]]:
        for number in range(shards):
            yield from stream_jsonl(self.store, self.folder.synthetic_rejected(number), dict)

    @property
    def _folder_uri(self) -> str:
        return f"{self.folder.synthetic_rejected(0).rsplit('/', 1)[0]}/"
