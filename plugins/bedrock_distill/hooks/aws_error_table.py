"""Look up what an error of AWS or botocore means in ``include/aws_errors.yaml``."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import yaml

from bedrock_distill.hooks.template_policies import policy_with, with_environment
from include.distill.core.errors import FAILED_TASK
from include.distill.core.paths import INCLUDE

TABLE_PATH = INCLUDE / "aws_errors.yaml"
_SUFFIXES = ("Exception", "Error", "Fault")
_NOT_STATED = "any resource"  # AWS's refusals name the action, but no resource if the action has none
_KEYS = {"kind", "codes", "exceptions", "message", "service", "advice", "then_clear"}


@dataclass(frozen=True)
class ErrorMeaning:
    """
    One row of the table in ``include/aws_errors.yaml``.

    :param kind: the kind of the error, which determines whether the call is repeated.
    :param advice: what the error means and what to do, as sentences for an error message. ``{connection}`` is where
        the credentials come from. ``{action}`` and ``{resource}`` are groups of ``message``, and ``{policy}`` is the
        policy of the CloudFormation template that has the action.
    :param then_clear: the task to clear after following ``advice``; empty if ``advice`` says all that has to be done.
    :param message: the row applies only if this pattern matches AWS's message; ``None`` matches every message.
    """

    kind: str
    advice: str
    then_clear: str = FAILED_TASK
    message: re.Pattern[str] | None = None

    def advice_for(self, connection: str, message: str = "") -> str:
        """Return the advice for a call with the credentials of ``connection`` that AWS refused with ``message``."""
        found = self.message.search(message) if self.message else None
        groups = found.groupdict() if found else {}
        values = {"connection": connection, **{name: text or _NOT_STATED for name, text in groups.items()}}
        values["policy"] = policy_with(values.get("action", ""))
        return with_environment(re.sub(r"\{(\w+)\}", lambda name: values[name[1]], self.advice))

    def applies_to(self, message: str) -> bool:
        """Return whether the row applies to an error with this message."""
        return self.message is None or self.message.search(message) is not None


@dataclass(frozen=True)
class ErrorTable:
    """The rows of the table by error code and by the name of an exception class, in the order of the YAML file."""

    by_code: Mapping[str, Sequence[ErrorMeaning]]
    by_exception: Mapping[str, Sequence[ErrorMeaning]]

    def for_code(self, code: str, message: str) -> ErrorMeaning | None:
        """Return the meaning of an error response; ``None`` if the code is unknown."""
        name = _normalized(code)
        # S3 adds the prefix "KMS." to the codes of KMS. If such a code has no row of its own, it means the same as the
        # code without the prefix.
        rows = self.by_code.get(name) or self.by_code.get(name.removeprefix("kms."), ())
        return next((row for row in rows if row.applies_to(message)), None)

    def for_exception(self, error: Exception) -> ErrorMeaning | None:
        """Return the meaning of an exception or of its nearest base class; ``None`` if the table has neither."""
        # Some of botocore's exceptions do not name their cause in the message, but store it under ``error``.
        text = f"{error} {getattr(error, 'kwargs', {}).get('error', '')}"
        for base in type(error).__mro__:
            for row in self.by_exception.get(base.__name__, ()):
                if row.applies_to(text):
                    return row
        return None


@functools.cache
def load_error_table() -> ErrorTable:
    """Read ``include/aws_errors.yaml``. The result is cached."""
    by_code: dict[str, list[ErrorMeaning]] = {}
    by_exception: dict[str, list[ErrorMeaning]] = {}
    for row in yaml.safe_load(TABLE_PATH.read_text(encoding="utf-8")):
        if unknown := row.keys() - _KEYS:
            message = (
                f"include/aws_errors.yaml has the unknown keys {sorted(unknown)} in the row of kind {row.get('kind')}."
                " No call was made. Correct the file."
            )
            raise ValueError(message)
        pattern = re.compile(row["message"], re.IGNORECASE) if "message" in row else None
        meaning = ErrorMeaning(row["kind"], row["advice"], row.get("then_clear", FAILED_TASK), pattern)
        for code in _spellings(row):
            by_code.setdefault(_normalized(code), []).append(meaning)
        for name in row.get("exceptions", ()):
            by_exception.setdefault(name, []).append(meaning)
    return ErrorTable(by_code, by_exception)


def _spellings(row: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for code in row.get("codes", ()):
        yield code
        if row.get("service") == "kms":
            yield f"KMS.{code}"


def _normalized(code: str) -> str:
    """Return an error code in lower case, without its namespace and without a suffix such as ``Exception``."""
    name = code.rpartition("#")[2].partition(":")[0].strip()
    for suffix in _SUFFIXES:
        if name.endswith(suffix) and name != suffix:
            name = name.removesuffix(suffix)
            break
    return name.lower()
