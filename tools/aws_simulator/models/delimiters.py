"""
Find the inputs of the simulated models in a prompt by the tags around them.

The prompts of every use case must keep these tags. The pipeline escapes tags inside untrusted text (``<document>``
becomes ``&lt;document>``). So the first opening tag and the last closing tag with a name are always the real ones. This
module undoes the escaping.
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
_ESCAPED = re.compile(rf"&lt;(?=[\s/]*+(?:{'|'.join(NAMES)})(?![\w.:-]))", re.IGNORECASE)


class NotUnderstoodError(ValueError):
    """A simulated model cannot answer a prompt, for example because the prompt lacks tags that the model needs."""


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


def without_section(prompt: str, name: str) -> str:
    """Return the prompt without the section called ``name``; the prompt itself if it does not have the section."""
    opening, closing = f"<{name}>", f"</{name}>"
    start, end = prompt.find(opening), prompt.rfind(closing)
    return prompt if start < 0 or end < start + len(opening) else prompt[:start] + prompt[end + len(closing) :]


def required_section(prompt: str, name: str) -> str:
    """Return the section called ``name``.

    :raises NotUnderstoodError: the prompt does not have it.
    """
    content = section(prompt, name)
    if content is None:
        raise NotUnderstoodError(f"The prompt has no section <{name}> … </{name}>, which this simulated model needs.")
    return content
