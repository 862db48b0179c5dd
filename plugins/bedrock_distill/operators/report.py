"""Write the report of a run as JSON and as an HTML page."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from bedrock_distill.lineage.assets import publish
from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.operators.records import ArmManifests
from bedrock_distill.run.run_history import record_run
from bedrock_distill.run.task_ids import CURATE, INGEST, JUDGE
from bedrock_distill.run.task_results import read_mapped_results, require_result, require_whole_parts
from bedrock_distill.ui.links import REPORT_LINK
from include.distill.config.use_case import repeat_arm_name
from include.distill.core.storage import read_json, read_jsonl, write_json
from include.distill.cost.prices import BillLine, load_prices, total_usd
from include.distill.cost.records import ReportedEstimate
from include.distill.curation.records import CurateManifest
from include.distill.dataset.records import IngestManifest, Row
from include.distill.dataset.splits import shards
from include.distill.evaluation.champion import champion_snapshot, describe_champion
from include.distill.evaluation.records import JudgeManifest, Verdict
from include.distill.inference.lost_calls import lost_call_records
from include.distill.inference.records import LostCallRecord
from include.distill.report.published_records import OriginPart
from include.distill.report.records import (
    JudgedParts,
    Report,
    ReportCost,
    ReportManifest,
    UncertainCost,
)
from include.distill.report.stored_report import BILL
from include.distill.training.metrics_files import TRAINING_METRICS, VALIDATION_METRICS

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bedrock_distill.lineage.artifacts import TaskLineage
    from bedrock_distill.operators.report_reader import ReportReader
    from include.distill.evaluation.records import AnswerEndings
    from include.distill.labeling.records import Label
    from include.distill.report.judged_run import JudgedRun
    from include.distill.report.optional_parts import OptionalParts
    from include.distill.report.run_summary import ArmSummary


class RenderReportOperator(DistillOperator):
    """
    Write the run's ``report.json`` and ``report.html``, and the run's entry in the list of reports.

    The task also compares the results with those of the nights before, and adds them to the history of the use case. It
    reads the results of the other tasks. It sends no request to a model and buys nothing. If a part that the verdict
    does not need cannot be read, the report is written without it and says why. Retrying or clearing the task writes
    the report again.

    :param ingested: manifest of the task ``ingest``. (templated)
    :param synthesis: a list with the manifest of the task ``curate``; empty if the use case has no pairs. (templated)
    :param arms: manifests by arm: ``answers``, ``provisioned`` if the arm is served, ``dataset`` and ``trained`` if it
        is trained, and ``optimized`` if a job optimizes its prompt. (templated)
    :param judgments: manifests of the judges, one list per mapped task. (templated)
    :param scores: results of the evaluation jobs that have one; empty if the use case has no such jobs. (templated)
    :return: ``{"report_json_uri", "report_html_uri", "verdict", "actual_usd", "simulated", "drift"}``; without
        ``drift`` if the history could not be read
    :raises ReconciliationError: the run's counts do not add up.
    """

    template_fields: Sequence[str] = (
        *DistillOperator.template_fields,
        "ingested",
        "synthesis",
        "arms",
        "judgments",
        "scores",
    )
    operator_extra_links = (REPORT_LINK,)
    ui_color = "#fef7e0"
    waits_for = "the results to be read and the report to be written"

    def __init__(
        self,
        *,
        ingested: Any,
        synthesis: Any,
        arms: Mapping[str, Any],
        judgments: Any,
        scores: Any = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ingested: IngestManifest = ingested
        self.synthesis = synthesis
        self.arms: Mapping[str, ArmManifests] = arms
        self.judgments = judgments
        self.scores = scores

    def execute(self, context: Context) -> ReportManifest:
        """Collect the data, and build and write the report; return the verdict and the report's URIs."""
        from bedrock_distill.operators.report_drift import with_drift
        from bedrock_distill.operators.report_reader import ReportReader
        from bedrock_distill.operators.report_record import results_of, write_list_entry
        from include.distill.evaluation.standing_promotion import promotion_summary
        from include.distill.report.html import render_html
        from include.distill.report.optional_parts import OptionalParts
        from include.distill.report.past_runs import message_page

        finished = datetime.datetime.now(datetime.UTC)
        require_result(self.ingested, "rows", "train", "evaluation", task=INGEST, reader=self.task_id)
        require_whole_parts(self.ingested, IngestManifest, task=INGEST, reader=self.task_id)
        optional = OptionalParts(self.log.warning)
        answer_tasks = len(shards(self.ingested["evaluation"], self.use_case.fan_out.evaluation_tasks))
        reader = ReportReader(self.store, self.folder, self.use_case, self.hook, optional, answer_tasks)
        synthesis = read_mapped_results(self.synthesis, CurateManifest, task=CURATE, reader=self.task_id)
        judgments, arms = self._judgments(), [reader.arm(name, manifests) for name, manifests in self.arms.items()]
        report = self._report(
            reader,
            synthesis,
            judgments,
            arms,
            dag_id=context["ti"].dag_id,
            run_id=context["ti"].run_id,
            finished_at=finished.isoformat(timespec="seconds"),
        )
        results = results_of(self, report, synthesis, judgments, arms)
        report, results = with_drift(self, context, report, results, synthesis, optional)
        write_json(self.store, self.folder.report("json"), report)
        without_page = message_page(
            "The page could not be rendered", f"{report['verdict']} The figures are in report.json."
        )
        page = optional.read("its HTML page", lambda: render_html(report), without_page)
        self.store.write(self.folder.report("html"), page.encode())
        optional.read("its entry in the list of past runs", lambda: write_list_entry(self, context, report), None)
        record_run(self, context, results)
        day = report.get("simulated_as_of")
        self.log.info(
            "%s%s %s",
            f"As of {day}, SIMULATED: " if day else "",
            report["verdict"],
            promotion_summary(report["promotion"]),
        )
        return self._manifest(report)

    def _manifest(self, report: Report) -> ReportManifest:
        manifest: ReportManifest = {
            "report_json_uri": self.folder.report("json"),
            "report_html_uri": self.folder.report("html"),
            "verdict": report["verdict"],
            "actual_usd": report["cost"]["actual_usd"],
            "simulated": report["simulated"],
        }
        if "drift" in report:
            manifest["drift"] = report["drift"]
        return manifest

    def lineage(self, result: ReportManifest | None) -> TaskLineage:
        """Return what the task reads and writes."""
        from bedrock_distill.lineage.result_steps import report_lineage

        return report_lineage(self.use_case, self.folder, self.scores or (), result)

    def publish_assets(self, context: Context, result: ReportManifest) -> None:
        """Announce the report."""
        from bedrock_distill.lineage.result_steps import report_event

        publish(self, context, report_event(result, self.folder.run_key))

    def _judgments(self) -> list[JudgeManifest]:
        """Return the manifests of all judges, in the order of the use case's comparisons."""
        pairs = [(pair.candidate, pair.baseline) for pair in self.use_case.judged_pairs]
        manifests = [
            manifest
            for output in self.judgments
            for manifest in read_mapped_results(output, JudgeManifest, task=JUDGE, reader=self.task_id)
        ]
        judged = {(manifest["judge"], manifest["candidate"], manifest["baseline"]) for manifest in manifests}
        champion = self.use_case.champion_arm  # other tasks judge the champion's pairs, and may be skipped
        for pair in self.use_case.pairs:
            for judge in self.use_case.judges:
                if (
                    champion not in (pair.candidate, pair.baseline)
                    and (judge, pair.candidate, pair.baseline) not in judged
                ):
                    require_result(None, "", task=f"{JUDGE}.{judge}", reader=self.task_id)
        return sorted(manifests, key=lambda manifest: pairs.index((manifest["candidate"], manifest["baseline"])))

    def _report(
        self,
        reader: ReportReader,
        synthesis: Sequence[CurateManifest],
        judgments: Sequence[JudgeManifest],
        arms: Sequence[ArmSummary],
        *,
        dag_id: str,
        run_id: str,
        finished_at: str,
    ) -> Report:
        from include.distill.evaluation.answer_counts import count_endings
        from include.distill.report.build import build_report
        from include.distill.report.run_summary import arm_records, summarize_synthesis

        evaluation = read_jsonl(self.store, self.folder.source("evaluation"), Row)
        records = {arm.name: read for arm in arms if (read := reader.answers(arm)) is not None}
        answers = {arm: {answer["row_id"]: answer["answer"] for answer in of_arm} for arm, of_arm in records.items()}
        labels = reader.labels(answers)
        cards, prompts = reader.data_cards(arms), reader.optimized_prompts()
        endings = {arm: count_endings(of_arm) for arm, of_arm in records.items()}
        judged = self._judged_run(reader, judgments, evaluation, labels.counted, endings)
        return build_report(
            run_key=self.folder.run_key,
            use_case=self.use_case.name,
            dag_id=dag_id,
            run_id=run_id,
            finished_at=finished_at,
            **self._origin(reader.optional, synthesis, judgments, arms),
            source=self.ingested,
            synthesis=summarize_synthesis(synthesis),
            arms=arm_records(arms, self.use_case, cards, prompts.get("prompt_optimization", ())),
            **self._judged_parts(judged, lambda: reader.contaminated(evaluation, synthesis)),
            cost=self._cost(reader.optional, synthesis, judgments, arms),
            loss_curves=reader.losses(arms, TRAINING_METRICS),
            validation_curves=reader.losses(arms, VALIDATION_METRICS),
            disagreements=reader.disagreements(judged, answers),
            labels=labels.as_record(),
            pair_sample=reader.pair_sample(synthesis),
            data_cards=cards,
            rejected_rows=reader.rejected_rows(),
            answer_endings=endings,
            approvals=reader.approvals(),
            **reader.champion_endpoint(),
            **reader.evaluations(self.scores, evaluation, answers),
            **prompts,
            settings=reader.optional.read("the settings", lambda: self._settings(synthesis, judgments), fallback={}),
            # The list itself, not a copy: `build_report` may add a note to it when it searches for leaked questions.
            missing_parts=reader.optional.notes,
        )

    def _origin(
        self,
        optional: OptionalParts,
        synthesis: Sequence[CurateManifest],
        judgments: Sequence[JudgeManifest],
        arms: Sequence[ArmSummary],
    ) -> OriginPart:
        """Return whether and as of which day the models are simulated, and the published figures of the experiment."""
        from bedrock_distill.operators.report_record import usages_of
        from include.distill.report.published import published_record

        usages = usages_of(synthesis, judgments, arms)
        part: OriginPart = {"simulated": any(usage["simulated"] for usage in usages)}
        if published := optional.read("the published figures", lambda: published_record(self.use_case), None):
            part["published"] = published
        if part["simulated"]:
            student = self.model(self.use_case.student).foundation_id
            day = optional.read("the day of the simulated account", lambda: self.hook.simulated_day(student), None)
            if day:
                part["simulated_as_of"] = day
        return part

    def _judged_run(
        self,
        reader: ReportReader,
        judgments: Sequence[JudgeManifest],
        evaluation: Sequence[Row],
        labels: Sequence[Label],
        endings: Mapping[str, AnswerEndings],
    ) -> JudgedRun:
        from include.distill.report.judged_run import JudgedRun

        verdicts = self._verdicts(judgments, evaluation, reader.optional)
        return JudgedRun(self.use_case, evaluation, verdicts, labels, reader.champion_before(), endings)

    def _verdicts(
        self, judgments: Sequence[JudgeManifest], evaluation: Sequence[Row], optional: OptionalParts
    ) -> list[Sequence[Verdict]]:
        """
        Return the verdicts of each judge on each pair of arms.

        If the verdicts of the noise control cannot be read, they are left out.
        """
        from include.distill.report.run_summary import document_group_by_row

        groups = document_group_by_row(evaluation)
        verdicts: list[Sequence[Verdict]] = []
        for manifest in judgments:
            if manifest["baseline"] == repeat_arm_name(manifest["candidate"]):
                part = f"the noise control of {manifest['judge']}"
                verdicts += optional.read(part, partial(self._noise_control, manifest, groups), fallback=[])
            else:
                verdicts.append(read_jsonl(self.store, manifest["verdicts_uri"], Verdict))
        return verdicts

    def _noise_control(self, manifest: JudgeManifest, groups: Mapping[str, str]) -> list[Sequence[Verdict]]:
        from include.distill.evaluation.comparisons import compare

        records = read_jsonl(self.store, manifest["verdicts_uri"], Verdict)
        compare(records, groups)  # an error here leaves out only the noise control; later, it would fail the task
        return [records]

    def _judged_parts(self, judged: JudgedRun, count_contaminated: Callable[[], int | None]) -> JudgedParts:
        from include.distill.dataset.split_notes import split_notes

        parts = judged.report_parts(count_contaminated=count_contaminated)
        return {**parts, "warnings": [*parts["warnings"], *split_notes(self.use_case.source, self.ingested)]}

    def _cost(
        self,
        optional: OptionalParts,
        synthesis: Sequence[CurateManifest],
        judgments: Sequence[JudgeManifest],
        arms: Sequence[ArmSummary],
    ) -> ReportCost:
        from include.distill.report.bill import bill, compare_with_estimate, uncertain_cost

        nothing: list[BillLine] = []
        no_calls: list[LostCallRecord] = []
        no_more: UncertainCost = {}
        lost_calls = optional.read(
            "the calls whose answer did not arrive, so the bill may be too low",
            lambda: list(lost_call_records(self.store, self.folder.lost_calls)),
            fallback=no_calls,
        )
        lines = optional.read(
            BILL,
            lambda: bill(
                self.use_case,
                synthesis=synthesis,
                arms=arms,
                judgments=judgments,
                scores=self.scores or (),
                other_jobs=self._other_jobs(optional, arms),
                lost_calls=lost_calls,
                prices=load_prices(),
            ),
            fallback=nothing,
        )
        without_estimate: ReportCost = {
            "estimated_usd": 0.0,
            "actual_usd": total_usd(lines),
            "lines": compare_with_estimate(lines, []),
        }
        compared = optional.read(
            "the estimate, so the estimated cost is shown as 0",
            lambda: self._compared_with_estimate(lines),
            fallback=without_estimate,
        )
        return {
            **compared,
            "lost_calls": len(lost_calls),
            **optional.read(
                "the cost of endpoints that failed or still exist",
                lambda: uncertain_cost(self.use_case, arms, load_prices()),
                fallback=no_more,
            ),
        }

    def _other_jobs(self, optional: OptionalParts, arms: Sequence[ArmSummary]) -> list[BillLine]:
        """Return the bill lines of the jobs that the run bought and that neither an arm nor a score names."""
        from bedrock_distill.lifecycle.bought_jobs import other_job_lines

        nothing: list[BillLine] = []
        trained = {arm.trained["job_name"] for arm in arms if arm.trained}
        scored = {job.get("job_name", "") for job in self.scores or ()}
        optimized = {arm.optimized["job_name"] for arm in arms if arm.optimized}
        return optional.read(
            "the jobs that were stopped or failed, so the bill may be too low",
            lambda: other_job_lines(self.hook, self.store, self.folder, trained | scored | optimized),
            fallback=nothing,
        )

    def _compared_with_estimate(self, lines: Sequence[BillLine]) -> ReportCost:
        from include.distill.report.bill import compare_with_estimate
        from include.distill.report.schema_run import CostSchema

        estimated = read_json(self.store, self.folder.estimate, ReportedEstimate)
        compared: ReportCost = {
            "estimated_usd": estimated["estimated_usd"],
            "actual_usd": total_usd(lines),
            "lines": compare_with_estimate(lines, estimated["lines"]),
        }
        if "serving" in estimated:
            compared["serving"] = estimated["serving"]
        CostSchema.model_validate(compared)
        return compared

    def _settings(self, synthesis: Sequence[CurateManifest], judgments: Sequence[JudgeManifest]) -> dict[str, object]:
        from include.distill.report.batch_notes import batch_answer_note
        from include.distill.report.run_summary import describe_settings

        names = self.use_case.prompts
        used = (names.synthesis, names.answering, names.judging, *((names.critic,) if self.use_case.critic else ()))
        settings = describe_settings(self.use_case, prompts={name: self.prompt(name).version for name in used})
        settings |= batch_answer_note(self.use_case, synthesis, judgments)
        if self.use_case.champion_arm is None:
            return settings
        return {**settings, "champion": describe_champion(champion_snapshot(self.store, self.folder))}
