"""Define what the settings of the paid jobs have in common, other than training and batch jobs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import Field

from include.distill.config.section import PollSeconds, Section

_VARIABLE = re.compile(r"{{\s*(.*?)\s*}}", re.DOTALL)


class JobSettings(Section):
    """The settings that evaluation jobs and prompt optimization jobs have in common."""

    max_attempts: int = Field(3, ge=1, le=9)
    stop_when_marked_failed: bool = True
    poll_interval_seconds: PollSeconds = 60


def check_metric_name(name: str) -> str:
    """Check the name of a metric of the use case; return it unchanged.

    :raises ValueError: the name looks like that of one of Bedrock's metrics.
    """
    if name.casefold().startswith("builtin."):
        message = f"found {name!r}, which begins like the name of a built-in metric; expected another name"
        raise ValueError(message)
    return name


def check_variables(text: str, *, needed: Sequence[str], known: Sequence[str]) -> str:
    """Check the ``{{variables}}`` of a request that Bedrock fills in during a job; return the text unchanged.

    :param needed: variables that the text must contain.
    :param known: all variables that Bedrock fills in.
    :raises ValueError: a needed variable is missing, a variable is unknown, or a ``{{`` has no ``}}``.
    """
    found = _VARIABLE.findall(text)
    if missing := [name for name in needed if name not in found]:
        message = f"found no {_listed(missing, ' and no ')}; expected a text that contains {_listed(needed, ' and ')}"
        raise ValueError(message)
    if unknown := [name for name in found if name not in known]:
        wrong = _listed([name[:40] for name in unknown[:3]], ", ")
        message = f"found {wrong}, which Bedrock does not fill in; expected only {_listed(known, ', ')}"
        raise ValueError(message)
    if "{{" in _VARIABLE.sub("", text):
        message = f"found {{{{ without }}}}; expected only {_listed(known, ', ')}, each with both pairs of braces"
        raise ValueError(message)
    return text


def _listed(names: Sequence[str], separator: str) -> str:
    return separator.join(f"{{{{{name}}}}}" for name in names)
