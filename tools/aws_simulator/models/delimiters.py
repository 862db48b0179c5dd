"""
Find the inputs of the simulated models in a prompt by their tags.

Every prompt of a use case must have these tags. The pipeline escapes them inside untrusted text (``<document>`` becomes
``&lt;document>``), so the first opening and the last closing tag of a name are always the real ones. The escaping is
undone here.
"""

from __future__ import annotations

import re

NAMES = (
    "document",
    "question",
    "answer",
    "number_of_pairs",
    "asked_before",
    "reference",
    "answer_a",
    "answer_b",
    "answer_to_check",
    "example_pairs",
)
_ESCAPED = re.compile(rf"&lt;(?=/?(?:{'|'.join(NAMES)})>)", re.IGNORECASE)


class NotUnderstoodError(ValueError):
    """A prompt lacks the tags that a simulated model needs, so the model gives no answer."""


def section(prompt: str, name: str) -> str | None:
    """Return the text between the first ``<name>`` and the last ``</name>``; None if a tag is missing.

    One newline at each end belongs to the tags and is removed.
    """
    opening, closing = f"<{name}>", f"</{name}>"
    start, end = prompt.find(opening), prompt.rfind(closing)
    if start < 0 or end < start + len(opening):
        return None
    content = prompt[start + len(opening) : end]
    return _ESCAPED.sub("<", content.removeprefix("\n").removesuffix("\n"))


def required_section(prompt: str, name: str) -> str:
    """Return the section called ``name``.

    :raises NotUnderstoodError: the prompt does not have it.
    """
    content = section(prompt, name)
    if content is None:
        raise NotUnderstoodError(f"The prompt has no <{name}> … </{name}>, which this simulated model needs.")
    return content
