"""Collect what the check of the account found, and show it as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypedDict

from include.distill.core.counted import counted

# Stands for the name of the environment, until `filled` puts the name there.
ENVIRONMENT = "<environment>"
# How the name of the check of a connection begins.
CONNECTION = "connection "


class Result(StrEnum):
    """What one check found. A run would fail on what is missing. The order is that of the table."""

    MISSING = "missing"
    WARNING = "warning"
    NOT_PERMITTED = "not permitted to check"
    NOT_CHECKED = "not checked"
    OK = "ok"


class CheckManifest(TypedDict):
    """What the task of the check returns: the number of checks with each result."""

    use_cases: int
    ok: int
    missing: int
    warning: int
    not_permitted: int
    not_checked: int


@dataclass(frozen=True)
class Finding:
    """
    The result of one check.

    :param check: what was checked, such as ``bucket my-training: encryption``.
    :param detail: what was found, as a sentence.
    :param line: the exact line to add: a command, an IAM statement or a setting. It is empty if nothing is to be added.
    :param use_cases: the names of the use cases that need it.
    """

    check: str
    result: Result
    detail: str = ""
    line: str = ""
    use_cases: tuple[str, ...] = ()


def ok(check: str, detail: str = "") -> Finding:
    """Return the finding that a check found nothing wrong."""
    return Finding(check, Result.OK, detail)


def missing(check: str, detail: str, line: str = "") -> Finding:
    """Return the finding that a run would fail, because something is missing."""
    return Finding(check, Result.MISSING, detail, line)


def warning(check: str, detail: str, line: str = "") -> Finding:
    """Return the finding that a run would not fail, but that a person should look at something."""
    return Finding(check, Result.WARNING, detail, line)


def not_checked(check: str, detail: str, line: str = "") -> Finding:
    """Return the finding that something could not be checked here."""
    return Finding(check, Result.NOT_CHECKED, detail, line)


def unreached(findings: Sequence[Finding]) -> list[str]:
    """Return the connections with which AWS could not be asked. Nothing is known about their account."""
    of_connections = (one for one in findings if one.check.startswith(CONNECTION))
    return [one.check for one in of_connections if one.result is Result.NOT_CHECKED]


def filled(finding: Finding, environment: str) -> Finding:
    """
    Return a finding with the name of the environment in the names of the template's policies.

    Only some of the texts come from code that knows the environment. Errors of AWS, for example, do not.
    """

    def fill(text: str) -> str:
        return text.replace(ENVIRONMENT, environment)

    return replace(finding, detail=fill(finding.detail), line=fill(finding.line))


def merged(findings: Iterable[tuple[str, Finding]]) -> list[Finding]:
    """
    Return each finding once, with all use cases that have it, the worst first.

    :param findings: pairs of the name of a use case and one of its findings. An empty name belongs to no use case.
    """
    names: dict[Finding, list[str]] = {}
    for name, finding in findings:
        names.setdefault(finding, []).append(name)
    order = list(Result)
    found = [replace(one, use_cases=tuple(name for name in dict.fromkeys(of) if name)) for one, of in names.items()]
    return sorted(found, key=lambda one: order.index(one.result))


def table(findings: Sequence[Finding]) -> list[str]:
    """
    Return the lines of the table. The last columns say what to add, and which use cases need it.

    What is ok has no line of its own in the table, because nothing has to be added for it. It is listed below it.
    """
    rows = [one for one in findings if one.result is not Result.OK]
    lines = ["| check | result | what was found | exact line to add | use cases |", "|---|---|---|---|---|"]
    lines += [f"| {' | '.join(map(_cell, _cells(one)))} |" for one in rows]
    if not rows:
        lines = ["Nothing is missing."]
    fine = [one for one in findings if one.result is Result.OK]
    return [*lines, *(f"ok: {one.check}{f': {one.detail}' if one.detail else ''}{_users(one)}" for one in fine)]


def _users(finding: Finding) -> str:
    return f" ({', '.join(finding.use_cases)})" if finding.use_cases else ""


def _cells(finding: Finding) -> tuple[str, ...]:
    result = finding.result.upper() if finding.result is Result.MISSING else finding.result
    return finding.check, result, finding.detail, finding.line, ", ".join(finding.use_cases) or "all"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def counts(findings: Sequence[Finding], *, use_cases: int) -> CheckManifest:
    """Return the number of checks with each result."""
    number = Counter(one.result for one in findings)
    return {
        "use_cases": use_cases,
        "ok": number[Result.OK],
        "missing": number[Result.MISSING],
        "warning": number[Result.WARNING],
        "not_permitted": number[Result.NOT_PERMITTED],
        "not_checked": number[Result.NOT_CHECKED],
    }


def summary(manifest: CheckManifest) -> str:
    """Return the numbers of the check as one sentence."""
    return (
        f"Checked {counted(manifest['use_cases'], 'use case')}: {manifest['missing']} missing,"
        f" {counted(manifest['warning'], 'warning')},"
        f" {manifest['not_permitted']} not permitted to check, {manifest['not_checked']} not checked,"
        f" {manifest['ok']} ok. Nothing was bought or changed."
    )
