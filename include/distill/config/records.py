"""Define the records of a run's configuration: the frozen prompts and the result of ``preflight``."""

from __future__ import annotations

from typing import TypedDict


class PromptExample(TypedDict):
    """One example pair in the teacher's prompt. Stored in ``constants`` of ``prompts.json``."""

    question: str
    answer: str


class PromptConstants(TypedDict, total=False):
    """Values passed to every rendering of a prompt. Stored in ``prompts.json``; empty for a prompt without examples."""

    examples: list[PromptExample]


class FrozenPrompt(TypedDict):
    """
    One prompt as the run uses it.

    ``prompts.json`` in the run's folder maps the prompt's name in the use case to this record.
    """

    template: str  # Jinja source
    constants: PromptConstants
    version: str  # first 12 hex digits of the sha256 of template and constants


class PreflightManifest(TypedDict):
    """Result of ``preflight``. Passed by XCom only."""

    use_case_uri: str  # S3 URI of the frozen use case, ``use_case.yaml``
    warnings: list[str]  # licence note and judge families; the run continues
