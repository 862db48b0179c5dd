"""Summarize the results of a run's tasks as parts of the report: arms, pairs, usage and settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from include.distill.config.arms import Arm, ArmKind
from include.distill.config.catalog import load_catalog
from include.distill.config.use_case import UseCase
from include.distill.core.naming import digest
from include.distill.cost.prices import BillLine, total_usd
from include.distill.curation.critic import sum_critic_counts
from include.distill.curation.records import CurateManifest, SynthesisCountName, SynthesisTotals
from include.distill.dataset.records import Row
from include.distill.evaluation.judge_families import describe_judge
from include.distill.evaluation.records import AnswerManifest
from include.distill.inference.records import UsageRecord
from include.distill.prompt_optimization.records import OptimizedPrompt, OptimizedPromptManifest
from include.distill.prompt_optimization.results import prompt_version
from include.distill.report.records import ReportArm, ReportSynthesis, TrainingPrice
from include.distill.training.data_card import licence_note
from include.distill.training.records import DataCard, DatasetManifest, TrainingManifest, TrainingSetCounts

UsageName = Literal[
    "calls",
    "input_tokens",
    "output_tokens",
    "batch_calls",
    "batch_input_tokens",
    "batch_output_tokens",
    "deployed_input_tokens",
    "deployed_output_tokens",
]
# Manifests have these counts only if a deployment answered.
_OF_DEPLOYMENTS: tuple[UsageName, ...] = ("deployed_input_tokens", "deployed_output_tokens")
SYNTHESIS_COUNTS: tuple[SynthesisCountName, ...] = get_args(SynthesisCountName)


@dataclass(frozen=True)
class ArmSummary:
    """
    The results and costs of one arm in this run.

    :param dataset: result of the task ``upload``; ``None`` if the run trains no model for the arm.
    :param trained: result of the task ``trained``; ``None`` if the run trains no model for the arm.
    :param serving: ARN of the endpoint that served the arm: provisioned throughput or a deployment.
    :param released: whether this endpoint no longer exists; also true if no endpoint served the arm.
    :param student: the base model that answers, or from which the answering model was trained.
    :param model_arn: the custom model that answers; ``None`` for the base student, which is billed by the token.
    :param paid_training: whether this run bought the customization job.
    :param job_lines: the bill lines of the customization job, as if this run had bought it.
    :param teacher: key of the model that Bedrock asked during a distillation job; ``None`` for other jobs.
    :param golden_answers: whether our answers were sent to a distillation job.
    :param pairs_usd: the price of the teacher's pairs that the arm is trained on; ``None`` if it is not known.
    :param unit_hours: hours of throughput that this run paid for, times model units.
    :param failed_unit_hours: hours of throughput that failed, times model units. It is not known whether Bedrock bills
        these hours.
    :param hourly_usd: price of the arm's throughput per hour; ``None`` if it is not known.
    :param optimized: result of the task ``optimize.collect``; ``None`` if no job optimizes the arm's prompt.
    """

    name: str
    kind: ArmKind
    answers: Sequence[AnswerManifest]
    dataset: DatasetManifest | None = None
    trained: TrainingManifest | None = None
    serving: str | None = None
    released: bool = True
    student: str = ""
    model_arn: str | None = None
    paid_training: bool = False
    job_lines: Sequence[BillLine] = ()
    teacher: str | None = None
    golden_answers: bool = False
    pairs_usd: float | None = None
    unit_hours: float = 0.0
    failed_unit_hours: float = 0.0
    hourly_usd: float | None = None
    optimized: OptimizedPromptManifest | None = None

    @property
    def on_demand(self) -> bool:
        """
        Whether the base student gives the answers of this arm. The base student is always called on demand.

        This is true for every base arm, and for a champion arm if the use case has no champion yet.
        """
        return self.kind in ("base", "champion") and self.model_arn is None

    def as_record(self) -> ReportArm:
        """Return the arm in the form of ``report.json``."""
        dataset, trained = self.dataset, self.trained
        record: ReportArm = {
            "name": self.name,
            "kind": self.kind,
            "records": dataset["records"] if dataset else None,
            "train_uri": dataset["train_uri"] if dataset else None,
            "job_arn": trained["job_arn"] if trained else None,
            "job_status": trained["status"] if trained else None,
            "training_loss": trained["training_loss"] if trained else None,
            "serving": self.serving,
            "released": self.released,
        }
        if self.kind == "champion":
            record["base_student_answers"] = self.on_demand
        if self.teacher:
            record |= {"teacher": self.teacher, "golden_answers": self.golden_answers}
        if self.job_lines:
            record["price"] = self._price()
        return record

    def _price(self) -> TrainingPrice:
        *teacher, training = self.job_lines
        return {"pairs_usd": self.pairs_usd, "teacher_usd": total_usd(teacher), "training_usd": training.usd}


def arm_records(
    arms: Sequence[ArmSummary], use_case: UseCase, cards: Sequence[DataCard], prompts: Sequence[OptimizedPrompt] = ()
) -> list[ReportArm]:
    """
    Return the arms in the form of ``report.json``, with the number of records that the use case requests for each.

    :param cards: the data cards of the trained arms.
    :param prompts: the optimized prompts that could be read.
    """
    versions = {prompt["arm"]: prompt_version(prompt["optimized"]) for prompt in prompts}
    counts = {card["arm"]: card["counts"] for card in cards}
    records = [arm.as_record() for arm in arms]
    for record in records:
        if record["name"] in use_case.optimized_arms:
            record["prompt"] = "optimized"
        if version := versions.get(record["name"]):
            record["prompt_version"] = version
        trained_on = record["records"]
        record["designed"] = (
            None
            if trained_on is None
            else _designed(use_case.arm(record["name"]), counts.get(record["name"]), trained_on)
        )
    return records


def _designed(arm: Arm, counts: TrainingSetCounts | None, trained_on: int) -> int:
    if arm.originals != "all" and arm.synthetic != "all":
        return arm.originals + arm.synthetic
    if counts is None:  # the data card could not be read
        return trained_on
    originals = counts["originals"] if arm.originals == "all" else arm.originals
    return originals + (counts["synthetic"] if arm.synthetic == "all" else arm.synthetic)


def sum_synthesis(manifests: Iterable[SynthesisTotals]) -> dict[SynthesisCountName, int]:
    """Sum each count over the results of the teacher's tasks."""
    totals = dict.fromkeys(SYNTHESIS_COUNTS, 0)
    for manifest in manifests:
        for name in SYNTHESIS_COUNTS:
            totals[name] += manifest[name]
    return totals


def sum_usage(manifests: Iterable[UsageRecord], names: Sequence[UsageName]) -> dict[UsageName, int]:
    """Sum each named usage count over the results of tasks."""
    totals = dict.fromkeys(names, 0)
    for manifest in manifests:
        for name in names:
            totals[name] += manifest.get(name, 0) if name in _OF_DEPLOYMENTS else manifest[name]
    return totals


def summarize_synthesis(manifests: Sequence[CurateManifest]) -> ReportSynthesis:
    """
    Build the ``synthesis`` part of ``report.json``.

    :param manifests: the result of the task ``curate``; empty if no pairs were requested.
    """
    totals = sum_synthesis(manifests)
    return {
        "documents": totals["documents"],
        "requested": totals["requested"],
        "accepted": totals["accepted"],
        "rejected": totals["rejected"],
        "missing": totals["missing"],
        "surplus": totals["surplus"],
        "undecided": sum(manifest.get("undecided", 0) for manifest in manifests),
        "calls": totals["calls"],
        "cache_hits": totals["cache_hits"],
        "input_tokens": totals["input_tokens"],
        "output_tokens": totals["output_tokens"],
        "batch_calls": totals["batch_calls"],
        "batch_input_tokens": totals["batch_input_tokens"],
        "batch_output_tokens": totals["batch_output_tokens"],
        "dropped": {name: count for manifest in manifests for name, count in manifest["dropped"].items()},
        "critic": sum_critic_counts(manifests),
    }


def document_group_by_row(rows: Iterable[Row]) -> dict[str, str]:
    """Return the document group of each row id. Rows of one group are not independent."""
    # Rows that an earlier version stored have no group. For these rows, each document is a group of its own.
    return {row["row_id"]: str(row.get("group") or digest(row["document"])[:16]) for row in rows}


def describe_settings(use_case: UseCase, *, prompts: Mapping[str, str]) -> dict[str, object]:
    """
    Return the settings that a reader needs to repeat the run: models, Region, prompts and parameters.

    They also include the attribution and the licence of the source data.

    :param prompts: version of each prompt, by name.
    """
    catalog, critic = load_catalog(), use_case.critic
    note = licence_note(catalog.model(use_case.teacher), catalog.model(use_case.student))
    settings: dict[str, object] = {"teacher": use_case.teacher, "student": use_case.student}
    for arm in use_case.arms:
        if job_teacher := use_case.job_teacher(arm.name):
            settings[f"teacher of {arm.name}, which Bedrock asks"] = job_teacher
    for name in use_case.optimized_arms:
        settings[f"judge of the job that optimized the prompt of {name}"] = use_case.prompt_optimization.judge_model
    if critic:
        settings["critic"] = f"{critic.model}, for at most ${critic.max_spend_usd:,.2f}"
    settings |= {
        "judges": ", ".join(describe_judge(judge, use_case) for judge in use_case.judges),
        "region": use_case.aws.region,
        "prompts": ", ".join(f"{name} {version}" for name, version in prompts.items()),
        "pairs per document": use_case.synthesis.pairs_per_document,
        "hyperparameters": ", ".join(f"{k} {v}" for k, v in use_case.training.hyperparameters.items()) or "defaults",
        "attribution": f"{use_case.source.attribution} Licence: {use_case.source.licence}",
    }
    return {**settings, "licence of the answers": note} if note else settings
