"""Write the report of a run as JSON and as an HTML page."""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from bedrock_distill.operators.base import DistillOperator, mapped_manifests
from bedrock_distill.operators.records import ArmManifests
from bedrock_distill.ui.links import REPORT_LINK
from include.distill.core.storage import read_json, read_jsonl, stream_jsonl, write_json
from include.distill.cost.prices import load_prices, total_usd
from include.distill.cost.records import CostEstimate, ThroughputRelease
from include.distill.cost.throughput_hours import unit_hours
from include.distill.curation.records import CurateManifest, PairText
from include.distill.curation.repeated_pairs import curated_texts
from include.distill.dataset.records import IngestManifest, RejectedRow, Row
from include.distill.evaluation.champion import champion_snapshot, describe_champion
from include.distill.evaluation.contamination import count_contaminated_questions
from include.distill.evaluation.records import Answer, AnswerManifest, JudgeManifest, Verdict
from include.distill.inference.records import UsageRecord
from include.distill.labeling.label_store import match_labels, read_labels
from include.distill.report.batch_notes import batch_answer_note
from include.distill.report.bill import bill, compare_with_estimate
from include.distill.report.build import build_report
from include.distill.report.html import render_html
from include.distill.report.judged_run import JudgedRun
from include.distill.report.opinions import disagreement_rows
from include.distill.report.past_runs import list_entry
from include.distill.report.records import Report, ReportManifest, ReportRejectedRow
from include.distill.report.run_summary import ArmSummary, describe_settings, summarize_synthesis
from include.distill.training.losses import loss_curve
from include.distill.training.records import DataCard, LossPoint, TrainingManifest

if TYPE_CHECKING:
    from airflow.sdk import Context

PAIR_SAMPLE_SIZE = 10
MAX_REJECTED_ROWS = 100


class RenderReportOperator(DistillOperator):
    """
    Write the run's ``report.json`` and ``report.html``, and the run's entry in the list of reports.

    The task reads the results of the other tasks. It sends no request to a model and buys nothing. Retrying or clearing
    the task writes the report again.

    :param ingested: manifest of the task ``ingest``. (templated)
    :param synthesis: a list with the manifest of the task ``curate``; empty if the use case has no pairs. (templated)
    :param arms: manifests by arm: ``answers``, ``provisioned`` if the arm is served, and ``dataset`` and ``trained`` if
        it is trained. (templated)
    :param judgments: manifests of the judges, one list per mapped task. (templated)
    :return: ``{"report_json_uri", "report_html_uri", "verdict", "actual_usd", "simulated"}``
    :raises ReconciliationError: the run's counts do not add up.
    """

    template_fields: Sequence[str] = (
        *DistillOperator.template_fields,
        "ingested",
        "synthesis",
        "arms",
        "judgments",
    )
    operator_extra_links = (REPORT_LINK,)
    ui_color = "#fef7e0"

    def __init__(
        self,
        *,
        ingested: Any,
        synthesis: Any,
        arms: Mapping[str, Any],
        judgments: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ingested: IngestManifest = ingested
        self.synthesis = synthesis
        self.arms: Mapping[str, ArmManifests] = arms
        self.judgments = judgments

    def execute(self, context: Context) -> ReportManifest:
        """Collect the data, and build and write the report; return the verdict and the report's URIs."""
        finished = datetime.datetime.now(datetime.UTC)
        report = self._report(
            mapped_manifests(self.synthesis, CurateManifest),
            self._judgments(),
            [self._arm(name, manifests) for name, manifests in self.arms.items()],
            dag_id=context["ti"].dag_id,
            run_id=context["ti"].run_id,
            finished_at=finished.isoformat(timespec="seconds"),
        )
        write_json(self.store, self.folder.report("json"), report)
        self.store.write(self.folder.report("html"), render_html(report).encode())
        write_json(self.store, self.folder.report_entry(self.use_case.name, finished), list_entry(report))
        self.log.info("%s", report["verdict"])
        return {
            "report_json_uri": self.folder.report("json"),
            "report_html_uri": self.folder.report("html"),
            "verdict": report["verdict"],
            "actual_usd": report["cost"]["actual_usd"],
            "simulated": report["simulated"],
        }

    def _judgments(self) -> list[JudgeManifest]:
        """Return the manifests of all judges, in the order of the use case's comparisons."""
        pairs = [(pair.candidate, pair.baseline) for pair in self.use_case.judged_pairs]
        manifests = [manifest for output in self.judgments for manifest in mapped_manifests(output, JudgeManifest)]
        return sorted(manifests, key=lambda manifest: pairs.index((manifest["candidate"], manifest["baseline"])))

    def _report(
        self,
        synthesis: Sequence[CurateManifest],
        judgments: Sequence[JudgeManifest],
        arms: Sequence[ArmSummary],
        *,
        dag_id: str,
        run_id: str,
        finished_at: str,
    ) -> Report:
        evaluation = read_jsonl(self.store, self.folder.source("evaluation"), Row)
        verdicts = [read_jsonl(self.store, manifest["verdicts_uri"], Verdict) for manifest in judgments]
        answers = {arm.name: self._answers(arm.name, shards=len(arm.answers)) for arm in arms}
        labels = match_labels(read_labels(self.store, self.folder), answers)
        champion = champion_snapshot(self.store, self.folder)
        judged = JudgedRun(
            self.use_case, evaluation, verdicts, labels.counted, champion.model_arn if champion else None
        )
        lines = bill(self.use_case, synthesis=synthesis, arms=arms, judgments=judgments, prices=load_prices())
        estimated = read_json(self.store, self.folder.estimate, CostEstimate)
        manifests: list[UsageRecord] = [*synthesis, *judgments, *(answer for arm in arms for answer in arm.answers)]
        questions = {row["row_id"]: row["question"] for row in evaluation}
        return build_report(
            run_key=self.folder.run_key,
            use_case=self.use_case.name,
            dag_id=dag_id,
            run_id=run_id,
            finished_at=finished_at,
            simulated=any(manifest["simulated"] for manifest in manifests),
            source=self.ingested,
            synthesis=summarize_synthesis(synthesis),
            arms=[arm.as_record() for arm in arms],
            **judged.report_parts(count_contaminated=lambda: self._count_contaminated(evaluation, synthesis)),
            cost={
                "estimated_usd": estimated["estimated_usd"],
                "actual_usd": total_usd(lines),
                "lines": compare_with_estimate(lines, estimated["lines"]),
            },
            loss_curves={arm.name: self._loss_curve(arm.name, arm.trained) for arm in arms if arm.trained},
            disagreements=disagreement_rows(chain.from_iterable(judged.compared), answers, questions, judged.labels),
            labels=labels.as_record(),
            pair_sample=self._pair_sample(synthesis),
            data_cards=[
                read_json(self.store, self.folder.merged(arm.name, "data_card.json"), DataCard)
                for arm in arms
                if arm.dataset
            ],
            rejected_rows=self._rejected_rows(),
            settings=self._settings(synthesis, judgments),
        )

    def _arm(self, name: str, manifests: ArmManifests) -> ArmSummary:
        arm, answers = self.use_case.arm(name), mapped_manifests(manifests["answers"], AnswerManifest)
        if arm.kind == "base":
            return ArmSummary(name, arm.kind, answers)
        provisioned, dataset, trained = manifests["provisioned"], manifests.get("dataset"), manifests.get("trained")
        serving = provisioned["throughput_name"]
        release_records = (
            read_json(self.store, uri, ThroughputRelease) for uri in self.store.list(self.folder.release_records(name))
        )
        return ArmSummary(
            name,
            arm.kind,
            answers,
            dataset=dataset,
            trained=trained,
            serving=provisioned["throughput_arn"],
            released=serving is None or self.hook.find_throughput(serving) is None,
            student=provisioned["student"],
            model_arn=provisioned["model_arn"],
            # A job's tags say which run bought it. That may be an earlier run.
            paid_training=trained is not None
            and self.hook.tags(trained["job_arn"]).get("run-key") == self.folder.run_key,
            training_tokens=round(self.use_case.epochs * dataset["tokens"]) if dataset and trained else 0,
            unit_hours=unit_hours(release_records),
        )

    def _loss_curve(self, arm: str, trained: TrainingManifest) -> list[LossPoint]:
        job_id = trained["job_arn"].rsplit("/", 1)[-1]
        # The path below the job's folder depends on the model family and has changed over time, so search by name.
        for uri in self.store.list(trained["output_uri"]):
            if job_id in uri and uri.endswith("step_wise_training_metrics.csv"):
                return loss_curve(self.store.read(uri))
        self.log.warning("Bedrock wrote no step_wise_training_metrics.csv for %s.", arm)
        return []

    def _count_contaminated(self, evaluation: Sequence[Row], synthesis: Sequence[CurateManifest]) -> int:
        """Count the evaluation questions that also occur in the training rows or pairs of any arm."""
        originals = stream_jsonl(self.store, self.folder.source("train"), Row)
        trained_questions = chain(
            (row["question"] for row in originals),
            (pair["question"] for manifest in synthesis for pair in self._pairs(manifest)),
        )
        return count_contaminated_questions((row["question"] for row in evaluation), trained_questions)

    def _pairs(self, curated: CurateManifest) -> Iterator[PairText]:
        return curated_texts(self.store, self.folder, shards=curated["shards"])

    def _answers(self, arm: str, *, shards: int) -> dict[str, str]:
        uris = [self.folder.answers(arm, number) for number in range(shards)]
        return {record["row_id"]: record["answer"] for uri in uris for record in read_jsonl(self.store, uri, Answer)}

    def _pair_sample(self, synthesis: Sequence[CurateManifest]) -> list[PairText]:
        if not synthesis:
            return []
        (curated,) = synthesis
        count = curated["accepted"]
        positions = set(random.Random(self.use_case.seed).sample(range(count), min(PAIR_SAMPLE_SIZE, count)))
        return [pair for position, pair in enumerate(self._pairs(curated)) if position in positions]

    def _rejected_rows(self) -> list[ReportRejectedRow]:
        """Return the place and reason of each rejected row. The rows' texts are only in ``source/rejected.jsonl``."""
        rows = read_jsonl(self.store, self.folder.source("rejected"), RejectedRow)
        return [
            {
                "row": row["row"],
                "line": row["line"],
                "source": row["source"],
                "column": row["column"],
                "reason": row["reason"],
                "message": row["message"],
            }
            for row in rows[:MAX_REJECTED_ROWS]
        ]

    def _settings(self, synthesis: Sequence[CurateManifest], judgments: Sequence[JudgeManifest]) -> dict[str, object]:
        names = self.use_case.prompts
        used = (names.synthesis, names.answering, names.judging, *((names.critic,) if self.use_case.critic else ()))
        settings = describe_settings(self.use_case, prompts={name: self.prompt(name).version for name in used})
        settings |= batch_answer_note(self.use_case, synthesis, judgments)
        if self.use_case.champion_arm is None:
            return settings
        return {**settings, "champion": describe_champion(champion_snapshot(self.store, self.folder))}
