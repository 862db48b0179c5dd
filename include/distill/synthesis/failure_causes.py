"""Group failed rows (rows for which a model gave no answer) by cause, and say what to do about each cause."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from include.distill.synthesis.records import FailedRow

_MAX_CAUSES = 3  # in a message; the file of rejected pairs lists every failed row


@dataclass(frozen=True)
class FailureCause:
    """
    One of the causes of failed rows.

    :param name: AWS's error code, or the class of the error if AWS gave no code.
    :param count: number of failed rows.
    :param message: the message about the first of these rows.
    :param advice: what to do, as sentences for an error message.
    """

    name: str
    count: int
    message: str
    advice: str


def failure_causes(rows: Iterable[FailedRow]) -> list[FailureCause]:
    """Return the causes of the failed rows, the most frequent first."""
    by_name: dict[str, list[FailedRow]] = {}
    for row in rows:
        by_name.setdefault(row.get("code") or row["reason"], []).append(row)
    causes = [
        FailureCause(name, len(group), group[0]["message"], group[0].get("advice", ""))
        for name, group in by_name.items()
    ]
    return sorted(causes, key=lambda cause: -cause.count)


def describe_causes(causes: Sequence[FailureCause]) -> str:
    """Describe the causes, such as "ThrottlingException (12 times), for example: …", as sentences."""
    parts = [
        f"{cause.name} ({_times(cause.count)}), for example: {cause.message.rstrip('.')}."
        for cause in causes[:_MAX_CAUSES]
    ]
    if others := sum(cause.count for cause in causes[_MAX_CAUSES:]):
        parts.append(f"Other errors: {_times(others)}.")
    return " ".join(parts)


def advice_on_causes(causes: Sequence[FailureCause]) -> str:
    """Return what to do about the causes. Advice that several causes share is given once."""
    advice = list(dict.fromkeys(cause.advice for cause in causes[:_MAX_CAUSES] if cause.advice))
    if len(advice) > 1:
        names = {text: ", ".join(cause.name for cause in causes if cause.advice == text) for text in advice}
        advice = [f"For {names[text]}: {text}" for text in advice]
    return " ".join(advice)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
