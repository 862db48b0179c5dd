"""Records of the run's configuration: frozen prompts and the result of the preflight check."""

from __future__ import annotations

from typing import TypedDict


class PromptExample(TypedDict):
    """One example pair that the teacher's prompt shows. Stored in ``constants`` of ``prompts.json``."""

    question: str
    answer: str


class PromptConstants(TypedDict, total=False):
    """Values that every rendering of a prompt gets. Stored in ``prompts.json``; empty for a prompt without examples."""

    examples: list[PromptExample]


class FrozenPrompt(TypedDict):
    """
    One prompt as the run uses it.

    ``prompts.json`` in the run's folder is a mapping from the prompt's name in the use case to this record.
    """

    template: str  # Jinja source
    constants: PromptConstants
    version: str  # first 12 hex digits of the sha256 of template and constants


class PreflightManifest(TypedDict):
    """Result of ``preflight``. Passed by XCom only."""

    use_case_uri: str  # S3 URI of the frozen use case, ``use_case.yaml``
    warnings: list[str]  # licence note and judge families; the run goes on
