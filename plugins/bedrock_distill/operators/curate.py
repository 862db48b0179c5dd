"""What the whole of the teacher's pairs shows: repeated questions, and whether enough is left to train on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bedrock_distill.operators.base import DistillOperator, Manifest, mapped_manifests
from include.distill.core.errors import TooManyFailuresError
from include.distill.core.storage import stream_jsonl, write_jsonl
from include.distill.curation.critic import CHECKED_LABELS, sum_critic_counts
from include.distill.curation.records import CriticCounts, RepeatedPair, SynthesisCountName
from include.distill.curation.repeated_pairs import accepted_texts, repeated_pairs
from include.distill.dataset.records import Row
from include.distill.report.run_summary import sum_synthesis

if TYPE_CHECKING:
    from airflow.sdk import Context


class CuratePairsOperator(DistillOperator):
    """
    Drop new pairs that repeat another row's question, count what filters dropped, and refuse when too little is left.

    What only a row is needed for was dropped by ``synthesize``. Pairs dropped here lie with text and reason in
    ``synthetic/rejected-repeated.jsonl``; no training set holds them. Free; a retry or a clear writes the same.

    :param synthesis: manifests of the synthesis tasks. (templated)
    :return: the counts of ``report.json``'s ``synthesis``, ``dropped`` (by filter), ``failed``, ``shards``;
        ``critic`` where the use case has one
    :raises TooManyFailuresError: more rows failed than ``fan_out.max_failed_share``, or fewer pairs are usable than
        ``synthesis.min_accepted_share``; paid answers are kept.
    """

    template_fields: Sequence[str] = (*DistillOperator.template_fields, "synthesis")
    ui_color = "#e6f4ea"

    def __init__(self, *, synthesis: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.synthesis = synthesis

    def execute(self, context: Context) -> Manifest:
        """Compare, write, count, and gate."""
        manifests = mapped_manifests(self.synthesis)
        counts = sum_synthesis(manifests)
        failed = sum(manifest["failed"] for manifest in manifests)
        self._gate_failures(failed, counts["documents"])
        dropped = sum((Counter(manifest["dropped"]) for manifest in manifests), Counter[str]())
        before = dropped.total()
        write_jsonl(self.store, self.folder.synthetic_repeated, self._counted(len(manifests), dropped))
        repeated = dropped.total() - before
        counts["accepted"] -= repeated
        counts["rejected"] += repeated
        for name, number in dropped.most_common():
            self.log.info("Dropped as %s: %d of %d pairs", name, number, counts["requested"])
        critic = sum_critic_counts(manifests)
        if critic:
            self._tell(critic)
        self._gate_usable(counts, dropped)
        return {
            **{str(name): number for name, number in counts.items()},
            "dropped": dict(sorted(dropped.items())),
            "failed": failed,
            "shards": len(manifests),
            "simulated": any(manifest["simulated"] for manifest in manifests),
            **({"critic": critic} if critic else {}),
        }

    def _tell(self, critic: CriticCounts) -> None:
        verdicts = ", ".join(f"{critic[name]} {name}" for name in CHECKED_LABELS)
        self.log.info("The critic's verdicts: %s", verdicts)
        if critic["not_looked_at"]:
            self.log.warning(
                "The critic did not look at %d pairs, for its budget ended; they are kept. Raise"
                " curation.critic.max_spend_usd to have all looked at; what is paid for is not paid again.",
                critic["not_looked_at"],
            )

    def _counted(self, shards: int, dropped: Counter[str]) -> Iterator[RepeatedPair]:
        originals = stream_jsonl(self.store, self.folder.source("train"), Row)
        pairs = accepted_texts(self.store, self.folder, shards=shards)
        for record in repeated_pairs(originals, pairs, threshold=self.use_case.curation.max_question_similarity):
            dropped[record["filter"]] += 1
            yield record

    def _gate_failures(self, failed: int, documents: int) -> None:
        allowed = self.use_case.fan_out.max_failed_share
        if failed > allowed * documents:
            message = (
                f"Synthesis failed for {failed} of {documents} rows, more than max_failed_share = {allowed:.0%}."
                f" The reasons lie in {self._rejects}. Answers that came are"
                " kept: clear synthesize (with downstream) to ask for the missing ones only."
            )
            raise TooManyFailuresError(message)

    def _gate_usable(self, counts: Mapping[SynthesisCountName, int], dropped: Counter[str]) -> None:
        floor = self.use_case.synthesis.min_accepted_share
        if counts["accepted"] < floor * counts["requested"]:
            reasons = ", ".join(f"{number} as {name}" for name, number in dropped.most_common()) or "none"
            message = (
                f"The teacher gave {counts['accepted']} usable pairs of {counts['requested']} asked for, less than"
                f" min_accepted_share = {floor:.0%}: training on them was not bought. {counts['missing']} are missing,"
                f" dropped were {reasons}; all lie with reasons in {self._rejects}. Mend the prompt, change a limit of"
                " curation, or raise synthesis.attempts or synthesis.rounds, which ask again; then clear preflight"
                " with downstream."
            )
            raise TooManyFailuresError(message)

    @property
    def _rejects(self) -> str:
        return f"{self.folder.synthetic_rejected(0).rsplit('/', 1)[0]}/"
