"""Read the trigger form of a labeling DAG."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from include.distill.config.form_faults import field_name, form_faults
from include.distill.config.run_configuration import refuse_unknown_keys
from include.distill.config.use_case import UseCase
from include.distill.core.bucket_names import uri_problem
from include.distill.core.errors import InputError
from include.distill.core.naming import label_dag_id
from include.distill.labeling.records import LabelMode
from include.distill.stats.agreement import MINIMUM_RATED

MAX_SAMPLE_SIZE = 200  # more examples than one person would label
MAX_NAME_LENGTH = 40
# This choice is offered only if the use case names workers.
ASK_WORKERS: LabelMode = "ask workers through Bedrock"
_NAME_RULE = (
    f"at most {MAX_NAME_LENGTH} characters: lowercase letters a to z, digits, and single hyphens between them, such as"
    " ada-lovelace"
)
# What the fields with a pattern accept, in words.
_RULES = {
    "labeller": f"a name has {_NAME_RULE}",
    "run_key": (
        "a run key has at most 64 characters: lowercase letters a to z, digits and hyphens. The report of the run shows"
        " it in its first line"
    ),
}


class LabelParams(BaseModel):
    """The values of the trigger form. The form shows these titles and descriptions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    run_key: str | None = Field(
        None,
        pattern=r"^[a-z0-9-]{0,64}$",
        title="Run",
        description=(
            "The run key, which the report of the run shows in its first line. If empty, the newest run with a report"
            " is used."
        ),
    )
    candidate: str | None = Field(
        None, title="Candidate", description="An arm. If empty, the candidate in the report's headline is used."
    )
    baseline: str | None = Field(
        None,
        title="Baseline",
        description="The arm that the candidate was compared with. If empty, the baseline in the headline is used.",
    )
    examples: int = Field(
        MINIMUM_RATED,
        ge=1,
        le=MAX_SAMPLE_SIZE,
        title="Examples",
        description=(
            "Number of examples to label. The report shows no kappa (agreement beyond chance) for fewer than"
            f" {MINIMUM_RATED} labels. If a judge agrees with 70 % of the labels, the 95 % interval of this share is"
            " 56 to 81 % with 50 labels, and 60 to 78 % with 100 labels."
        ),
    )
    how: LabelMode = Field(
        "ask in Airflow",
        title="How",
        description=(
            'How people label. With "ask in Airflow", they open the run and press "Required Actions". With'
            f' "{ASK_WORKERS}", the human workers of the use case label the examples for a price per answer. This'
            " choice exists only if the use case names workers (evaluations.human.flow_definition_arn)."
        ),
    )
    # The fields labelled_csv and labeller keep this spelling, because callers of Airflow's API may already send them.
    labelled_csv: str | None = Field(
        None,
        title="Labeled sheet",
        description="The sheet to read: s3://bucket/key or a path below include/. If empty, the run's sheet is read.",
    )
    labeller: str | None = Field(
        None,
        pattern=r"^([a-z0-9]+(-[a-z0-9]+)*)?$",  # the form sends an empty string for an empty field
        max_length=MAX_NAME_LENGTH,
        title="Labeler",
        description=(
            f"Short name of the person who labels: {_NAME_RULE}. Required to read a sheet. For answers in Airflow, an"
            " empty field means the name of the Airflow user who answers. Not used for human workers."
        ),
    )
    hours: float = Field(
        24,
        gt=0,
        le=720,
        title="Hours",
        description=(
            'How long Airflow waits for each answer. After this time, the answer is "No answer". Not used for human'
            " workers, for whom evaluations.human.wait_days applies."
        ),
    )

    @field_validator("labelled_csv")
    @classmethod
    def _bucket_can_exist(cls, uri: str | None) -> str | None:
        if uri and (problem := uri_problem(uri)):
            raise ValueError(problem)
        return uri

    @model_validator(mode="after")
    def _check_required_together(self) -> LabelParams:
        if self.how == "read a labelled sheet" and not self.labeller:
            name = label_field("labeller")
            raise ValueError(f"{name} is required to read a sheet; enter the name of the person who labeled the sheet")
        if (self.candidate is None) != (self.baseline is None):
            raise ValueError(f"enter both {label_field('candidate')} and {label_field('baseline')}, or neither")
        return self


def label_field(key: str) -> str:
    """Return the title and the key of a field of the form, such as "'Run' (run_key)"."""
    return field_name(LabelParams, key)


def require_workers(choice: LabelParams, use_case: UseCase) -> None:
    """
    Raise an error if the form asks for human workers, but the use case names none.

    :param use_case: the use case of the DAG, as its file defines it now.
    """
    if choice.how == ASK_WORKERS and use_case.human_workers is None:
        raise InputError(
            f"{label_field('how')} is {choice.how!r}, but {use_case.name} names no workers:"
            " evaluations.human.flow_definition_arn is not set.",
            left="No person was asked, and no label was stored.",
            billed="Nothing was bought.",
            to_do=(
                f"Set evaluations.human.flow_definition_arn in include/use_cases/{use_case.name}.yaml, and trigger"
                f" {label_dag_id(use_case.name)} again. Or trigger it with another value."
            ),
        )


def parse_label_params(params: Mapping[str, object], use_case: str) -> LabelParams:
    """
    Validate the values of the form. An empty field counts as missing.

    :param use_case: the use case of the DAG.
    :raises InputError: a value is missing or not valid. The message names every field that has a fault.
    """
    # The form has no such field, but a DAG run that is triggered through the API can have any key in its `conf`.
    if params.get("use_case") not in (None, "", use_case):
        raise InputError(
            f"This DAG labels only runs of {use_case}, but `conf` names another use case.",
            left="No label was requested or stored.",
            to_do="Trigger the labeling DAG of that use case, and leave `use_case` out of `conf`.",
        )
    refuse_unknown_keys(
        {name: value for name, value in params.items() if name != "use_case"},
        LabelParams.model_fields,
        dag_id=label_dag_id(use_case),
        state="No label was requested or stored.",
    )
    given = {name: value for name, value in params.items() if name != "use_case" and value not in (None, "")}
    try:
        return LabelParams.model_validate(given)
    except ValidationError as error:
        faults = form_faults(error, LabelParams, _RULES)
        raise InputError(
            f"The trigger form of {label_dag_id(use_case)} has invalid values: {faults}.",
            left="No label was requested or stored.",
            to_do=(
                f"Trigger {label_dag_id(use_case)} again with correct values. Clearing a task keeps the form values of"
                " this run."
            ),
        ) from error
