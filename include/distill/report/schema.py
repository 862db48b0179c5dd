"""
Check ``report.json`` against its model, and write its JSON Schema (``python -m include.distill.report.schema``).

A count that does not add up means that a row was lost or duplicated. Such a report is refused and not written. Unknown
keys are kept unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self, cast

from pydantic import Field, StrictBool, ValidationError, model_validator

from include.distill.core.errors import ReconciliationError
from include.distill.core.formats import EARLIEST_FORMAT
from include.distill.core.paths import PROJECT_ROOT
from include.distill.report.records import Report
from include.distill.report.schema_arms import ArmSchema
from include.distill.report.schema_base import EARLIER, Section, optional_key
from include.distill.report.schema_data_card import DataCardSchema
from include.distill.report.schema_drift import DriftSchema
from include.distill.report.schema_evaluations import EvaluationsSchema
from include.distill.report.schema_judging import (
    AgreementSchema,
    AnswerEndingsSchema,
    ComparisonSchema,
    DisagreementSchema,
    LabelCountsSchema,
    PromotionSchema,
)
from include.distill.report.schema_prompts import OptimizedPromptSchema, check_prompts
from include.distill.report.schema_published import PublishedSchema
from include.distill.report.schema_run import (
    ApprovalSchema,
    ChampionEndpointSchema,
    CostSchema,
    LossPointSchema,
    PairSchema,
    RejectedRowSchema,
    SourceSchema,
    SynthesisSchema,
)

# For each of these parts of the report, the task whose result contains its figures. The task `report` computes all
# other parts itself.
_WRITERS = {
    "source": "ingest",
    "synthesis": "curate",
    "pair_sample": "curate",
    "comparisons": "the judge's task in the group `judge` or `judge_champion`",
    "noise_control": "the judge's task in the group `judge`",
    "agreement": "the judge's task in the group `judge`",
    "evaluations": "the tasks `collect` in the group `evaluate`",
    "prompt_optimization": "the task `collect` in the group `optimize` of the arm",
}
SCHEMA_PATH = PROJECT_ROOT / "docs" / "reference" / "report.schema.json"


class ReportSchema(Section):
    """
    The report of one run.

    If the schema of a key contains `x-may-be-absent`, a new report can lack the key, and the key's description states
    when. All other keys are in every new report, but reports of earlier versions can lack those that have a default.
    """

    run_key: str = Field(description="Name of the run's folder.")
    use_case: str = Field(description="Name of the use case.")
    simulated: StrictBool = Field(
        description="Whether any answer came from the AWS simulator. If so, the figures do not apply to real models."
    )
    simulated_as_of: str | None = optional_key(
        "The day whose models and operations the AWS simulator had. Clocks and timestamps are real.",
        absent="if the AWS simulator did not answer, or had the models of today",
    )
    published: PublishedSchema | None = optional_key(
        "Published figures of the experiment that the use case repeats.",
        absent="if the use case has no key `published`",
    )
    source: SourceSchema = Field(description="Counts of the rows of the CSV files.")
    synthesis: SynthesisSchema = Field(
        description="Counts of the teacher's pairs, and the calls and tokens that this run paid for."
    )
    arms: list[ArmSchema] = Field(description="The arms of the run.")
    comparisons: list[ComparisonSchema] = Field(
        description="One entry for each judge and each pair of arms. The pair of arms that the verdict is about comes"
        " first."
    )
    noise_control: list[ComparisonSchema] = Field(
        description="An arm compared with its own second answers. The result does not affect the corrected p-values or"
        " the verdict."
    )
    noise_control_note: str = Field(
        default="",
        description="One sentence that describes the noise control, or explains why the run has no noise control.",
    )
    agreement: list[AgreementSchema] = Field(
        default=[], description="How well each pair of raters agrees. Raters are judges and people."
    )
    labels: LabelCountsSchema = Field(
        default=LabelCountsSchema(counted=0, changed=0, unmarked=0), description="Counts of labels from people."
    )
    warnings: list[str] = Field(
        default=[], description="Sentences about problems that a reader of the verdict must know."
    )
    promotion: PromotionSchema | None = Field(default=None, description="The promotion rule and its decisions.")
    cost: CostSchema = Field(description="The bill and its estimate.")
    loss_curves: dict[str, list[LossPointSchema]] = Field(default={}, description="Training losses by arm.")
    disagreements: list[DisagreementSchema] = Field(
        default=[],
        description="Questions on which judges or people disagree. Questions that a person labeled come first.",
    )
    pair_sample: list[PairSchema] = Field(default=[], description="A sample of up to ten accepted pairs.")
    rejected_rows: list[RejectedRowSchema] = Field(default=[], description="The first hundred rejected rows.")
    settings: dict[str, Any] = Field(
        default={}, description="Models, prompt versions, parameters and attribution, formatted for readers."
    )
    data_cards: list[DataCardSchema] = optional_key("The data card of each trained arm.", absent=EARLIER, default=[])
    validation_curves: dict[str, list[LossPointSchema]] = optional_key(
        "Validation losses by arm, for arms with a validation file.", absent=EARLIER, default={}
    )
    answer_endings: dict[str, AnswerEndingsSchema] = optional_key(
        "The answers of each arm by how they ended.", absent=EARLIER, default={}
    )
    approvals: list[ApprovalSchema] = optional_key(
        "People's decisions about the run's spending, and about the champion before the run.",
        absent=EARLIER,
        default=[],
    )
    champion_endpoint: ChampionEndpointSchema | None = optional_key(
        "The endpoint that keeps the champion callable.",
        absent="if the champion has no standing endpoint, and a promotion would not create one",
        default=None,
    )
    evaluations: EvaluationsSchema | None = optional_key(
        "Scores from Bedrock's evaluation jobs. The verdict and the promotion do not use them.",
        absent="if the use case has no evaluation jobs, or if their scores could not be read",
        default=None,
    )
    prompt_optimization: list[OptimizedPromptSchema] = optional_key(
        "The prompts that jobs of Bedrock optimized, one entry for each arm.",
        absent="if no arm has an optimized prompt, or if no optimized prompt could be read",
        default=[],
    )
    judges: list[str] = optional_key("All judges of the use case.", absent=EARLIER, default=[])
    drift: list[DriftSchema] = optional_key(
        "The measures that differ from the nights before by more than chance. Empty if there are none.",
        absent="if the history could not be read, and from reports of earlier versions",
        default=[],
    )
    missing_parts: list[str] = optional_key(
        "One sentence for each part that could not be read or is incomplete. The verdict does not need these parts.",
        absent=EARLIER,
        default=[],
    )
    format: int = optional_key("Format of the report.", absent=EARLIER, default=EARLIEST_FORMAT)
    version: str = optional_key("Version of the pipeline that wrote the report.", absent=EARLIER, default="")
    verdict: str = Field(description="The verdict on the first pair of arms, with its uncertainty, in one sentence.")
    dag_id: str = Field(description="DAG id of the run in Airflow.")
    run_id: str = Field(description="Run id in Airflow.")
    finished_at: str = Field(description="Time when the report was written; ISO 8601, UTC.")

    @model_validator(mode="after")
    def _prompts_belong_to_arms(self) -> Self:
        check_prompts(self.prompt_optimization, self.arms)
        return self


def check_report(report: Mapping[str, object]) -> Report:
    """
    Return ``report`` as plain JSON values after checking it against :class:`ReportSchema`.

    Losses that are not finite become ``None``. Unknown keys are kept.

    :raises ReconciliationError: figures are missing, have the wrong type, or do not add up. The message names each of
        them.
    """
    try:
        return cast(Report, ReportSchema.model_validate(report).model_dump(mode="json"))
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc'])) or 'report'}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        ]
        tasks = _tasks_of(report, error)
        raise ReconciliationError(
            f"The report of run {report.get('run_key')} has wrong or missing figures: {'; '.join(faults)}. They come"
            f" from the results of {tasks}.",
            left="The report was not written.",
            to_do=f"Clear {tasks} with downstream. Stored answers are not paid for again.",
        ) from error


def _tasks_of(report: Mapping[str, object], error: ValidationError) -> str:
    """Return the ids of the tasks whose results contain the wrong figures, such as "ingest or base.answer"."""
    arms = report.get("arms")
    tasks: list[str] = []
    for fault in error.errors():
        part, *rest = fault["loc"] or ("",)
        if part == "arms" and isinstance(arms, list) and rest and isinstance(rest[0], int):
            arm = arms[rest[0]]
            name = arm.get("name", "<arm>") if isinstance(arm, dict) else "<arm>"
            tasks.append(f"{name}.{'upload' if 'records' in rest or 'train_uri' in rest else 'trained'}")
        else:
            tasks.append(_WRITERS.get(str(part), "report"))
    return " or ".join(dict.fromkeys(tasks))


def render_json_schema() -> str:
    """Render the JSON Schema of ``report.json`` as the text of a file."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **ReportSchema.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_PATH.write_text(render_json_schema(), encoding="utf-8")
