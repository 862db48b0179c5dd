"""Read the trigger form of ``distill_rollback``."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from include.distill.config.form_faults import form_faults
from include.distill.config.run_configuration import refuse_unknown_keys
from include.distill.core.errors import InputError

ROLLBACK_DAG_ID = "distill_rollback"
PREVIOUS, CURRENT = "previous", "current"
NOTHING_CHANGED = "The champion and its endpoint are unchanged."


class RollbackForm(BaseModel):
    """The values of the trigger form. The form shows the ``title`` and ``description`` of each field."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    use_case: str = Field(title="Use case", description="The use case whose champion is replaced.")
    to: str = Field(
        PREVIOUS,
        min_length=1,
        max_length=2048,
        title="Back to",
        description=(
            'Enter "previous" to go back to the champion before the present one. Enter "current" to put the present'
            " champion behind its endpoint again, or to create this endpoint if it does not exist. Enter the run key or"
            " the model ARN of an earlier champion to go back to that champion. If there is no such champion, the error"
            " lists all choices. A person must approve the choice, and the rule does not promote the replaced model"
            " again."
        ),
    )


def parse_rollback_form(params: Mapping[str, object]) -> RollbackForm:
    """
    Validate the values of the form. An empty value counts as missing.

    :raises InputError: a value is missing or not valid. The message names every field that has a fault.
    """
    refuse_unknown_keys(params, RollbackForm.model_fields, dag_id=ROLLBACK_DAG_ID, state=NOTHING_CHANGED)
    given = {name: value.strip() if isinstance(value, str) else value for name, value in params.items()}
    try:
        return RollbackForm.model_validate({name: value for name, value in given.items() if value not in (None, "")})
    except ValidationError as error:
        raise InputError(
            f"The trigger form of {ROLLBACK_DAG_ID} has invalid values: {form_faults(error, RollbackForm)}.",
            left=NOTHING_CHANGED,
            to_do=(
                f"Trigger {ROLLBACK_DAG_ID} again with correct values. Clearing a task keeps the form values of this"
                " run."
            ),
        ) from error
