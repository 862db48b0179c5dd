"""Name the field that a response of AWS lacks, so that a surprising response never ends in a bare KeyError."""

from __future__ import annotations

from typing import Any, NoReturn

from include.distill.core.errors import FAILED_TASK, ContractError


class Response(dict[str, Any]):
    """A response, or an object inside it. Its ``[...]`` raises a ContractError for a field that AWS left out."""

    what: str = ""

    def __missing__(self, key: str) -> NoReturn:
        raise ContractError(
            f"{self.what}: AWS's response lacks the field {key!r}; it has {', '.join(map(repr, self)) or 'no field'}.",
            to_do="Compare the response with the API reference of the operation. If AWS changed it, install a newer"
            " version of this pipeline, or report the error as a bug.",
            then_clear=FAILED_TASK,
        )


def response_of(value: Any, what: str) -> Any:
    """
    Return a response whose objects, also those in lists, name the fields that they lack.

    :param value: the response, as boto3 returns it. Streams and other values stay as they are.
    :param what: the API call and its resource, for the error message.
    """
    if type(value) is list:
        return [response_of(item, what) for item in value]
    if type(value) is not dict:
        return value
    response = Response((key, response_of(item, what)) for key, item in value.items())
    response.what = what
    return response
