"""Define the base class and the shared types for the schema of ``report.json``."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    SerializerFunctionWrapHandler,
    model_serializer,
)

_MAY_BE_ABSENT = "x-may-be-absent"
EARLIER = "from reports of earlier versions"


def _none_if_not_finite(value: object) -> object:
    # A training job that diverges logs NaN as its loss, and JSON cannot contain NaN. The report is written without
    # these losses instead of being refused, and its chart has a gap at these steps.
    return None if isinstance(value, float) and not math.isfinite(value) else value


Loss = Annotated[FiniteFloat | None, BeforeValidator(_none_if_not_finite)]
Share = Annotated[float, Field(ge=0, le=1)]
Interval = tuple[FiniteFloat, FiniteFloat]


def optional_key(description: str, *, absent: str, default: Any = None) -> Any:
    """
    Define a key that may be absent. An absent key stays absent when a report is checked and rewritten.

    :param absent: the case in which the key is absent, as the end of a sentence: "from reports of earlier versions".
    """
    return Field(
        default=default, description=f"{description} Absent {absent}.", json_schema_extra={_MAY_BE_ABSENT: True}
    )


def require(condition: bool, message: str) -> None:
    """Fail the validation of a model with ``message`` if ``condition`` is false."""
    if not condition:
        raise ValueError(message)


class Section(BaseModel):
    """A part of the report. Unknown keys are kept unchanged."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    @model_serializer(mode="wrap")
    def _keep_absent_keys_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        return {
            key: value
            for key, value in handler(self).items()
            if key in self.model_fields_set or not _may_be_absent(fields[key].json_schema_extra)
        }


def _may_be_absent(extra: object) -> bool:
    return isinstance(extra, dict) and _MAY_BE_ABSENT in extra
