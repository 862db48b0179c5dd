"""Define what a person can choose in the trigger form of the check of the account."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from include.distill.config.form_faults import form_faults
from include.distill.config.run_configuration import refuse_unknown_keys
from include.distill.core.errors import InputError

ALL_USE_CASES = "all"
CHECK_DAG_ID = "distill_check_account"
_NOTHING = "Nothing was checked, bought or changed."


class CheckChoice(BaseModel):
    """The values of the trigger form. The form shows the ``title`` and ``description`` of each field."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    use_case: str = Field(
        ALL_USE_CASES,
        title="Use case",
        description='The use case to check the account for. "all" means every use case of this project.',
    )

    @property
    def name(self) -> str | None:
        """The chosen use case; ``None`` if all are chosen."""
        return None if self.use_case == ALL_USE_CASES else self.use_case


def parse_check_choice(raw: Mapping[str, object]) -> CheckChoice:
    """Validate the values of the trigger form, and refuse other keys of the run's configuration.

    :raises InputError: a key is unknown or a value is no text.
    """
    refuse_unknown_keys(raw, CheckChoice.model_fields, dag_id=CHECK_DAG_ID, state=_NOTHING)
    try:
        return CheckChoice.model_validate(raw)
    except ValidationError as error:
        raise InputError(
            f"The trigger form has invalid values: {form_faults(error, CheckChoice)}.",
            left=_NOTHING,
            to_do=f"Trigger {CHECK_DAG_ID} again with correct values. Clearing a task keeps the form values.",
        ) from error
