"""Define what a person can choose in the trigger form of a clean-up."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from include.distill.cleanup.plan import ResourceKind
from include.distill.config.form_faults import form_faults
from include.distill.config.run_configuration import refuse_unknown_keys
from include.distill.core.errors import InputError

ALL_USE_CASES = "all"
CLEAN_UP_DAG_ID = "distill_clean_up"

# The form field that selects resources of each kind. Resources of other kinds are never deleted on their own.
_FIELDS = {
    ResourceKind.THROUGHPUT: "throughput",
    ResourceKind.DEPLOYMENT: "deployments",
    ResourceKind.CUSTOM_MODEL: "custom_models",
    ResourceKind.EVALUATION_JOB: "evaluation_jobs",
    ResourceKind.OPTIMIZATION_JOB: "optimization_jobs",
    ResourceKind.RUN: "run_objects",
    ResourceKind.DATASETS: "datasets",
    ResourceKind.PAID_ANSWERS: "paid_answers",
    ResourceKind.BATCH_FILES: "paid_answers",
    ResourceKind.EVALUATION_FILES: "paid_answers",
    ResourceKind.OPTIMIZATION_FILES: "paid_answers",
}


class CleanUpChoice(BaseModel):
    """The values of the trigger form. The form shows the ``title`` and ``description`` of each field."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    use_case: str = Field(
        ALL_USE_CASES,
        title="Use case",
        description='The use case to clean up. "all" means every use case of this project.',
    )
    dry_run: bool = Field(
        True, title="Dry run", description="Only list what would be deleted, what would be kept, and why."
    )
    throughput: bool = Field(
        True,
        title="Throughput",
        description="Delete provisioned throughput. It is billed by the hour until it is deleted.",
    )
    deployments: bool = Field(
        True,
        title="Deployments",
        description="Delete the deployments of runs. A deployment is not billed while it is idle, but counts against"
        " the account's quota. The standing endpoint of a champion is kept.",
    )
    delete_standing_endpoints: bool = Field(
        False,
        title="Standing endpoints",
        description="Also delete the standing endpoints of champions: deployments and provisioned throughput."
        " Applications that call these endpoints will fail. A later promotion creates a new endpoint with a different"
        " ARN.",
    )
    custom_models: bool = Field(
        True, title="Custom models", description="Delete trained models. The next run pays to train them again."
    )
    run_objects: bool = Field(
        True, title="Run objects", description="Delete the runs' folders in S3: rows, answers, verdicts and reports."
    )
    datasets: bool = Field(
        False,
        title="Data sets",
        description="Delete uploaded training files, which all runs share. Creating them again costs nothing.",
    )
    paid_answers: bool = Field(
        False,
        title="Paid answers",
        description="Delete the stored answers of all models, and the files of batch jobs, evaluation jobs and prompt"
        " optimization jobs. The next run pays for the answers, the scores and the optimized prompts again.",
    )
    evaluation_jobs: bool = Field(
        False,
        title="Evaluation jobs",
        description="Delete evaluation jobs that have ended. They cost nothing. Their results in S3 are kept.",
    )
    optimization_jobs: bool = Field(
        False,
        title="Prompt optimization jobs",
        description="Delete prompt optimization jobs that have ended. They cost nothing. Their results in S3 are kept.",
    )
    older_than_days: int = Field(
        0,
        ge=0,
        le=3650,
        title="Older than (days)",
        description="Keep resources that are less than this many days old. With 0, the age does not matter.",
    )
    include_unexpired: bool = Field(
        False,
        title="Include unexpired",
        description="Also delete resources that have not expired, although a run may still need them."
        " Tick this only when no run is active.",
    )
    newest_reports: bool = Field(
        False,
        title="Newest reports",
        description="Also delete the folder of each use case's newest run with a report, and the folder of the run that"
        " promoted the champion. If a bucket is deleted, these folders in it are deleted even if this is not ticked.",
    )
    confirm_buckets: str = Field(
        "",
        title="Buckets to delete",
        description="Names of buckets to delete, separated by commas. If empty, no bucket is deleted.",
    )

    @property
    def named_buckets(self) -> frozenset[str]:
        """The names of buckets that were entered in the form."""
        return frozenset(name.strip() for name in self.confirm_buckets.split(",")) - {""}

    def wants(self, use_case: str | None) -> bool:
        """Return whether the form selects the resources of ``use_case``."""
        return self.use_case in (ALL_USE_CASES, use_case)

    def refusal(self, kind: ResourceKind) -> str | None:
        """Return why resources of a kind must not be deleted; ``None`` if the kind was ticked in the form."""
        field = _FIELDS[kind]
        return None if getattr(self, field) else f"{CleanUpChoice.model_fields[field].title!r} was not ticked"


def parse_clean_up_choice(raw: Mapping[str, object]) -> CleanUpChoice:
    """Validate the values of the trigger form, and refuse other keys of the run's configuration.

    :raises InputError: a key is unknown or a value is out of range. Nothing was deleted.
    """
    refuse_unknown_keys(raw, CleanUpChoice.model_fields, dag_id=CLEAN_UP_DAG_ID, state="Nothing was deleted.")
    try:
        # The form sends null for a text field that was emptied.
        given = {key: value for key, value in raw.items() if not (key == "confirm_buckets" and value is None)}
        return CleanUpChoice.model_validate(given)
    except ValidationError as error:
        raise InputError(
            f"The trigger form has invalid values: {form_faults(error, CleanUpChoice)}.",
            left="Nothing was deleted.",
            to_do=(
                f"Trigger {CLEAN_UP_DAG_ID} again with correct values. Clearing a task keeps the form values of this"
                " run."
            ),
        ) from error
