"""
The tags by which the simulated models find their inputs; a contract that replaced prompts must keep.

Whoever renders a prompt escapes these tags inside untrusted text (``<document>`` becomes ``&lt;document>``),
so the first opening and the last closing tag of a name always delimit. The escaping is undone here.
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
    """A prompt lacks the tags that a simulated model needs. The answer is this error, never invented text."""


def section(prompt: str, name: str) -> str | None:
    """Return what stands between ``<name>`` and the last ``</name>``, or None.

    One newline at either end belongs to the delimiters and is dropped.
    """
    opening, closing = f"<{name}>", f"</{name}>"
    start, end = prompt.find(opening), prompt.rfind(closing)
    if start < 0 or end < start + len(opening):
        return None
    content = prompt[start + len(opening) : end]
    return _ESCAPED.sub("<", content.removeprefix("\n").removesuffix("\n"))


def required_section(prompt: str, name: str) -> str:
    """Return the section called ``name``.

    :raises NotUnderstoodError: there is none.
    """
    content = section(prompt, name)
    if content is None:
        raise NotUnderstoodError(f"The prompt has no <{name}> … </{name}>, which this simulated model needs.")
    return content
