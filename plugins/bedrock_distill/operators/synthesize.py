"""The teacher writes new pairs, one task per shard of rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from bedrock_distill.operators.base import DistillOperator, Manifest
from bedrock_distill.row_failures import retry_or_record
from include.distill.catalog import load_catalog
from include.distill.cost import Line, load_prices, synthesis_lines
from include.distill.curation import Curator, evaluation_questions
from include.distill.fan_out import Outcomes, for_each
from include.distill.responses import Usage
from include.distill.storage import Record, read_jsonl, stream_jsonl, write_jsonl
from include.distill.synthesis import SyntheticSamples, count_samples, create_synthetic_samples
from include.distill.training_set import job_fault

if TYPE_CHECKING:
    from airflow.sdk import Context


class BedrockSynthesizeOperator(DistillOperator):
    """
    Ask the teacher for new question and answer pairs on every row of a shard.

    Every answer is stored in S3 before it is read and found again by content, so a retry, a clear or the next night
    pays only for what was never answered. A row that fails is retried with the task when that may help, and then
    recorded with its reason; ``curate`` fails the run when too many rows failed. Pairs that a filter drops lie with
    their text and reason in ``synthetic/rejected-*.jsonl``.

    :param shard: number of the shard. (templated)
    :return: counts of the shard as in ``report.json``'s ``synthesis``, plus ``dropped`` (rejected pairs by filter) and
        ``failed``.
    """

    template_fields: Sequence[str] = (*DistillOperator.template_fields, "shard")
    ui_color = "#fce8e6"

    def __init__(self, *, shard: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shard = shard

    def execute(self, context: Context) -> Manifest:
        """Ask for all rows of the shard, write pairs and rejects, and return the counts."""
        rows = read_jsonl(self.store, self.folder.shard("train", int(self.shard)))
        context["shard_label"] = shard_label(rows)  # type: ignore[typeddict-unknown-key]
        settings, teacher = self.use_case.synthesis, self.use_case.teacher
        work = partial(
            create_synthetic_samples,
            teacher=self.model(teacher),
            prompt=self.prompt(self.use_case.prompts.synthesis),
            settings=settings,
            curator=self._curator(),
            ask=self.asking(context, model=teacher, expected=self._expected(rows), calls=len(rows)),
        )
        outcomes: Outcomes[Record, SyntheticSamples] = Outcomes.of(
            for_each(rows, work, threads=self.use_case.fan_out.threads)
        )
        failed = retry_or_record([(f.item, f.error) for f in outcomes.failures], context)
        samples = [*outcomes.results, *(SyntheticSamples(settings.pairs_per_document) for _ in failed)]
        self._write(samples, failed)
        usage = Usage.of((a for s in samples for a in s.answers), self.folder.run_key)
        return {**count_samples(samples), **dataclasses.asdict(usage), "failed": len(failed)}

    def _expected(self, rows: Sequence[Record]) -> list[Line]:
        return synthesis_lines(self.use_case, rows, load_prices())

    def _curator(self) -> Curator:
        use_case, settings = self.use_case, self.use_case.curation
        return Curator(
            settings,
            evaluation_questions(stream_jsonl(self.store, self.folder.source("evaluation")), settings),
            partial(
                job_fault,
                use_case=use_case,
                prompt=self.prompt(use_case.prompts.answering),
                family=load_catalog().family_of(self.model(use_case.student)),
            ),
        )

    def _write(self, samples: Sequence[SyntheticSamples], failed: Sequence[Record]) -> None:
        number = int(self.shard)
        accepted = [pair for sample in samples for pair in sample.accepted]
        texts = ({name: value for name, value in pair.items() if name != "document"} for pair in accepted)
        surplus = [{**record, "surplus": True} for sample in samples for record in sample.surplus]
        rejected = [record for sample in samples for record in sample.rejected]
        write_jsonl(self.store, self.folder.synthetic(number), accepted)
        write_jsonl(self.store, self.folder.synthetic_texts(number), texts)
        write_jsonl(self.store, self.folder.synthetic_rejected(number), [*rejected, *surplus, *failed])


def shard_label(rows: Sequence[Record]) -> str:
    """Return a readable name for a shard: its rows, and what the first of them asks."""
    first, last = rows[0], rows[-1]
    numbers = f"row {first['row']}" if len(rows) == 1 else f"rows {first['row']} to {last['row']}"
    return f"{numbers}: {shorten(first['question'], 60, placeholder=' …')}"
