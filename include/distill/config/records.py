"""Define the records of a run's configuration: the frozen prompts and the result of ``preflight``."""

from __future__ import annotations

from typing import TypedDict


class PromptExample(TypedDict):
    """One example pair in the teacher's prompt. It is stored in ``prompts.json``, in the prompt's ``constants``."""

    question: str
    answer: str


class PromptConstants(TypedDict, total=False):
    """The values in ``prompts.json`` that are the same each time a prompt is rendered: its examples, if it has any."""

    examples: list[PromptExample]


class FrozenPrompt(TypedDict):
    """One prompt of a run, in ``prompts.json`` in the run's folder."""

    template: str  # Jinja source
    constants: PromptConstants
    version: str  # first 12 hex digits of the sha256 of the template and the constants


class FrozenPrompts(TypedDict):
    """The prompts of a run, stored in ``prompts.json`` in the run's folder."""

    prompts: dict[str, FrozenPrompt]  # by the prompt's name in the use case


class PreflightManifest(TypedDict):
    """The result of ``preflight``. It is passed through XCom and not stored in S3."""

    use_case_uri: str  # S3 URI of the frozen use case, ``use_case.yaml``
    warnings: list[str]  # notes on the licence and the judges' families; they do not stop the run
