"""Define the value types and the checks that all sections of a use case share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from include.distill.text.normalization import unsupported_character

Share = Annotated[float, Field(ge=0, lt=1)]
Temperature = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
# The limit of `documents` and `evaluation_rows`, in the file and in the trigger form.
MAX_RECORDS = 1_000_000
# The upper limits keep times inside Python's range, where `timedelta` and `datetime` can still be computed.
Hours = Annotated[float, Field(gt=0, le=8_760)]  # a year
PollSeconds = Annotated[float, Field(gt=0, le=86_400)]  # a day
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
BucketName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
AccountId = Annotated[str, Field(pattern=r"^[0-9]{12}$")]
S3Folder = Annotated[str, Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/(?:[^/]+/)*$")]
NonBlankText = Annotated[str, Field(pattern=r"\S")]


class Section(BaseModel):
    """An immutable section of a use case. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_booleans_and_odd_characters(cls, value: Any, info: ValidationInfo) -> Any:
        # pydantic would read true as the number 1, and a training file cannot contain unsupported characters.
        annotation = cls.model_fields[str(info.field_name)].annotation
        kinds = (annotation, *get_args(annotation))
        if isinstance(value, bool) and bool not in kinds:
            message = f"found {str(value).lower()}, expected a value other than true or false"
            raise ValueError(message)
        texts: Iterable[object] = value if isinstance(value, list | tuple) else [value]
        if isinstance(value, Mapping) and dict in [
            get_origin(kind) for kind in kinds
        ]:  # not a section, which checks its own texts
            texts = [*value.keys(), *value.values()]
        if character := unsupported_character("\n".join(text for text in texts if isinstance(text, str))):
            message = f"found the character {character}, which training files cannot contain; expected plain text"
            raise ValueError(message)
        return value
