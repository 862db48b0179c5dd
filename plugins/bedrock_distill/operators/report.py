"""The verdict, the bill, and what to read to disagree."""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from bedrock_distill.operators.base import DistillOperator, Manifest, mapped_manifests
from bedrock_distill.ui.links import REPORT_LINK
from include.distill.core.storage import read_json, read_jsonl, stream_jsonl, write_json
from include.distill.cost.prices import load_prices, total_usd
from include.distill.cost.throughput_hours import unit_hours
from include.distill.curation.records import PairText
from include.distill.curation.repeated_pairs import curated_texts
from include.distill.dataset.records import RejectedRow, Row
from include.distill.evaluation.champion import champion_snapshot, describe_champion
from include.distill.evaluation.contamination import count_contaminated_questions
from include.distill.evaluation.records import Answer, Verdict
from include.distill.labeling.label_store import match_labels, read_labels
from include.distill.report.batch_notes import batch_answer_note
from include.distill.report.bill import bill, compare_with_estimate
from include.distill.report.build import build_report
from include.distill.report.html import render_html
from include.distill.report.judged_run import JudgedRun
from include.distill.report.opinions import disagreement_rows
from include.distill.report.past_runs import list_entry
from include.distill.report.records import Report, ReportDisagreement, ReportRejectedRow
from include.distill.report.run_summary import ArmSummary, describe_settings, summarize_synthesis
from include.distill.training.losses import loss_curve
from include.distill.training.records import DataCard, LossPoint, TrainingManifest

if TYPE_CHECKING:
    from airflow.sdk import Context

PAIR_SAMPLE_SIZE = 10
MAX_REJECTED_ROWS = 100


class RenderReportOperator(DistillOperator):
    """
    Write ``report.json`` and ``report.html`` of the run, and its entry in the list of reports.

    Reads what the other tasks wrote, asks no model and buys nothing; may be cleared at any time.

    :param ingested: manifest of ``ingest``. (templated)
    :param synthesis: manifest of ``curate``, in a list; an empty one when no pairs were asked for. (templated)
    :param arms: per arm its manifests: ``answers``, when it is served ``provisioned``, and when it is trained
        ``dataset`` and ``trained``. (templated)
    :param judgments: manifests of the judges, a list per mapped task. (templated)
    :return: ``{"report_json_uri", "report_html_uri", "verdict", "actual_usd", "simulated"}``
    :raises ReconciliationError: counts of the run do not add up.
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
        arms: Mapping[str, Mapping[str, Any]],
        judgments: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ingested = ingested
        self.synthesis = synthesis
        self.arms = arms
        self.judgments = judgments

    def execute(self, context: Context) -> Manifest:
        """Gather, build, write, and return the verdict and where the report lies."""
        self.synthesis, self.judgments = mapped_manifests(self.synthesis), self._in_order_of_pairs()
        finished = datetime.datetime.now(datetime.UTC)
        report = self._report(
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

    def _in_order_of_pairs(self) -> list[Manifest]:
        """The verdicts in the order in which the use case lists its comparisons, whichever task gave them."""
        pairs = [(pair.candidate, pair.baseline) for pair in self.use_case.judged_pairs]
        manifests = [manifest for output in self.judgments for manifest in mapped_manifests(output)]
        return sorted(manifests, key=lambda manifest: pairs.index((manifest["candidate"], manifest["baseline"])))

    def _report(self, arms: Sequence[ArmSummary], *, dag_id: str, run_id: str, finished_at: str) -> Report:
        evaluation = read_jsonl(self.store, self.folder.source("evaluation"), Row)
        verdicts = [read_jsonl(self.store, manifest["verdicts_uri"], Verdict) for manifest in self.judgments]
        answers = {arm: self._answers(arm) for arm in self.arms}
        labels = match_labels(read_labels(self.store, self.folder), answers)
        judged = JudgedRun(self.use_case, evaluation, verdicts, labels.counted, self._champion_before())
        lines = bill(self.use_case, synthesis=self.synthesis, arms=arms, judgments=self.judgments, prices=load_prices())
        estimated = read_json(self.store, self.folder.estimate)
        manifests = [*self.synthesis, *self.judgments, *(m for arm in arms for m in arm.answers)]
        return build_report(
            run_key=self.folder.run_key,
            use_case=self.use_case.name,
            dag_id=dag_id,
            run_id=run_id,
            finished_at=finished_at,
            simulated=any(manifest["simulated"] for manifest in manifests),
            source=self.ingested,
            synthesis=summarize_synthesis(self.synthesis),
            arms=[arm.as_record() for arm in arms],
            **judged.report_parts(count_contaminated=lambda: self._count_contaminated(evaluation)),
            cost={
                "estimated_usd": estimated["estimated_usd"],
                "actual_usd": total_usd(lines),
                "lines": compare_with_estimate(lines, estimated["lines"]),
            },
            loss_curves={arm.name: self._loss_curve(arm.name, arm.trained) for arm in arms if arm.trained},
            disagreements=self._disagreements(judged, answers),
            labels=labels.as_record(),
            pair_sample=self._pair_sample(),
            data_cards=self._data_cards(),
            rejected_rows=self._rejected_rows(),
            settings=self._settings(),
        )

    def _arm(self, name: str, manifests: Mapping[str, Any]) -> ArmSummary:
        arm, answers = self.use_case.arm(name), mapped_manifests(manifests["answers"])
        if arm.kind == "base":
            return ArmSummary(name, arm.kind, answers)
        provisioned, trained = manifests["provisioned"], manifests.get("trained")
        serving = provisioned["throughput_name"]
        release_records = (read_json(self.store, uri) for uri in self.store.list(self.folder.release_records(name)))
        return ArmSummary(
            name,
            arm.kind,
            answers,
            dataset=manifests.get("dataset"),
            trained=trained,
            serving=provisioned["throughput_arn"],
            released=serving is None or self.hook.find_throughput(serving) is None,
            student=provisioned["student"],
            model_arn=provisioned["model_arn"],
            paid_training=trained is not None and self._paid_for(trained),
            training_tokens=round(self.use_case.epochs * manifests["dataset"]["tokens"]) if trained else 0,
            unit_hours=unit_hours(release_records),
        )

    def _paid_for(self, trained: Mapping[str, Any]) -> bool:
        """Whether this run bought the job, and not an earlier one."""
        return self.hook.tags(trained["job_arn"]).get("run-key") == self.folder.run_key

    def _loss_curve(self, arm: str, trained: TrainingManifest) -> list[LossPoint]:
        job_id = trained["job_arn"].rsplit("/", 1)[-1]
        # The path below the job's folder differs between families and years: look by name.
        for uri in self.store.list(trained["output_uri"]):
            if job_id in uri and uri.endswith("step_wise_training_metrics.csv"):
                return loss_curve(self.store.read(uri))
        self.log.warning("Bedrock wrote no step_wise_training_metrics.csv for %s.", arm)
        return []

    def _disagreements(self, judged: JudgedRun, answers: Mapping[str, Mapping[str, str]]) -> list[ReportDisagreement]:
        questions = {row["row_id"]: row["question"] for row in judged.evaluation}
        verdicts = (verdict for records in judged.compared for verdict in records)
        return disagreement_rows(verdicts, answers, questions, judged.labels)

    def _champion_before(self) -> str | None:
        """The model that was champion when the run began."""
        champion = champion_snapshot(self.store, self.folder)
        return champion.model_arn if champion else None

    def _count_contaminated(self, evaluation: Sequence[Row]) -> int:
        """Count the evaluation questions among the rows and pairs that may be trained on, whichever arm takes them."""
        questions = (row["question"] for row in stream_jsonl(self.store, self.folder.source("train"), Row))
        return count_contaminated_questions(
            (row["question"] for row in evaluation), chain(questions, self._pair_questions())
        )

    def _pair_questions(self) -> Iterator[str]:
        for manifest in self.synthesis:
            pairs = curated_texts(self.store, self.folder, shards=manifest["shards"])
            yield from (pair["question"] for pair in pairs)

    def _answers(self, arm: str) -> dict[str, str]:
        uris = [self.folder.answers(arm, number) for number in range(len(mapped_manifests(self.arms[arm]["answers"])))]
        return {record["row_id"]: record["answer"] for uri in uris for record in read_jsonl(self.store, uri, Answer)}

    def _data_cards(self) -> list[DataCard]:
        """The card of every arm that was trained in this run."""
        trained = [name for name, manifests in self.arms.items() if "dataset" in manifests]
        return [read_json(self.store, self.folder.merged(name, "data_card.json"), DataCard) for name in trained]

    def _pair_sample(self) -> list[PairText]:
        if not self.synthesis:
            return []
        (manifest,) = self.synthesis
        count = manifest["accepted"]
        chosen = set(random.Random(self.use_case.seed).sample(range(count), min(PAIR_SAMPLE_SIZE, count)))
        pairs = curated_texts(self.store, self.folder, shards=manifest["shards"])
        return [pair for number, pair in enumerate(pairs) if number in chosen]

    def _rejected_rows(self) -> list[ReportRejectedRow]:
        """What a person needs to correct the CSV. The text itself stays in ``source/rejected.jsonl``."""
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

    def _settings(self) -> dict[str, object]:
        named = self.use_case.prompts
        shown = (named.synthesis, named.answering, named.judging, *((named.critic,) if self.use_case.critic else ()))
        prompts = {name: self.prompt(name).version for name in shown}
        settings = describe_settings(self.use_case, prompts=prompts)
        settings |= batch_answer_note(self.use_case, self.synthesis, self.judgments)
        if self.use_case.champion_arm is None:
            return settings
        return {**settings, "champion": describe_champion(champion_snapshot(self.store, self.folder))}
