"""Define the value types and the checks that all sections of a use case share."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from include.distill.core.bucket_names import bucket_name_problem, uri_problem
from include.distill.core.shown_values import shown
from include.distill.text.normalization import unsupported_character

Share = Annotated[float, Field(ge=0, lt=1)]
Temperature = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
# The limit of `documents` and `evaluation_rows`, in the file and in the trigger form.
MAX_RECORDS = 1_000_000
# The upper limits keep times within the range that `timedelta` and `datetime` support.
Hours = Annotated[float, Field(gt=0, le=8_760)]  # a year
PollSeconds = Annotated[float, Field(gt=0, le=86_400)]  # a day
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
AccountId = Annotated[str, Field(pattern=r"^[0-9]{12}$")]
NonBlankText = Annotated[str, Field(pattern=r"\S")]
_DECIMAL_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def _check_number(value: object) -> object:
    """
    Check that a value is a finite number or a string that contains one, and return it unchanged.

    Strings are accepted, because YAML reads ``1e-5`` as a string, and values of environment variables are strings.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number and not (isinstance(value, str) and _DECIMAL_NUMBER.fullmatch(value)):
        message = f"found {shown(value)}, expected a number such as 3 or 0.0001"
        raise ValueError(message)
    try:
        is_finite = math.isfinite(float(value))  # type: ignore[arg-type]
    except OverflowError:
        is_finite = False
    if not is_finite:
        message = f"found {shown(value)}, expected a finite number"
        raise ValueError(message)
    return value


def _check_connection(value: object) -> object:
    """
    Check that a value can be the id of a connection. The value is not shown, because it may be a secret.

    A URL often contains a password or a token. The ids are not templated, and no id has blanks.
    """
    if not isinstance(value, str):
        return value
    advice = ""
    if "://" in value:
        found, advice = "a URL", ". Put the URL into an Airflow connection"
    elif "{{" in value or "{%" in value:
        found = "a template"
    elif re.search(r"\s", value):
        found = "a text with blanks or line breaks"
    else:
        return value
    message = (
        f"found {found}, which is not shown here because it may be a secret; expected the id of an Airflow connection,"
        f" such as aws_default{advice}"
    )
    raise ValueError(message)


def _check_bucket(name: str) -> str:
    if problem := bucket_name_problem(name):
        raise ValueError(problem)
    return name


def check_location(location: str) -> str:
    """
    Check the bucket of a location, which is a local path or an ``s3://`` URI.

    :raises ValueError: the URI's bucket has a name that no bucket can have.
    """
    if problem := uri_problem(location):
        raise ValueError(problem)
    return location


# Airflow's limit. Airflow's own tools refuse more characters, but a secrets backend may have such names.
ConnectionId = Annotated[str, BeforeValidator(_check_connection), Field(max_length=250, pattern=r"^[^\x00-\x1f\x7f]*$")]
BucketName = Annotated[str, AfterValidator(_check_bucket)]
Location = Annotated[NonBlankText, AfterValidator(check_location)]
S3Folder = Annotated[str, Field(pattern=r"^s3://[^/]+/(?:[^/]+/)*$"), AfterValidator(check_location)]
Number = Annotated[int | float | str, BeforeValidator(_check_number)]
# Keys that a reader may expect, each with the reason why there is no such key. The statement about batch jobs comes
# from botocore's service model bedrock/2023-04-20. Its pattern for ``ModelId`` matches no ARN of a deployment or of
# provisioned throughput.
KEY_HINTS = {
    "answering.inference": "Bedrock's batch jobs accept neither deployments nor provisioned throughput, so the arms"
    " always answer in single calls. The key inference exists only in synthesis and judging",
}


class Section(BaseModel):
    """An immutable section of a use case. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_booleans_and_odd_characters(cls, value: Any, info: ValidationInfo) -> Any:
        # pydantic would read true as 1, so booleans are refused. So are characters that training files cannot contain.
        annotation = cls.model_fields[str(info.field_name)].annotation
        kinds = (annotation, *get_args(annotation))
        if isinstance(value, bool) and bool not in kinds:
            message = f"found {shown(value)}, expected a value other than true or false"
            raise PydanticCustomError("wrong_type", message)  # use_case_faults.py says which values are accepted
        texts: Iterable[object] = value if isinstance(value, list | tuple) else [value]
        if isinstance(value, Mapping) and dict in [
            get_origin(kind) for kind in kinds
        ]:  # a nested section is skipped, because it checks its own texts
            texts = [*value.keys(), *value.values()]
        if character := unsupported_character("\n".join(text for text in texts if isinstance(text, str))):
            message = f"found the character {character}, which training files cannot contain; expected plain text"
            raise ValueError(message)
        return value

    @field_validator("*", mode="before")
    @classmethod
    def _read_null_as_an_empty_mapping(cls, value: Any, info: ValidationInfo) -> Any:
        # YAML reads a key whose entries are all comments as null.
        is_mapping = cls.model_fields[str(info.field_name)].default_factory is dict
        return {} if value is None and is_mapping else value

    @field_validator("*", mode="after")
    @classmethod
    def _drop_the_sign_of_zero(cls, value: Any) -> Any:
        # -0.0 equals 0, but would make a different request, and its answer would be bought again.
        return 0.0 if isinstance(value, float) and value == 0 else value
