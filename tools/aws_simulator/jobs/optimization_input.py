"""
Read the input file of a prompt optimization job.

Format: https://docs.aws.amazon.com/bedrock/latest/userguide/advanced-prompt-optimization-input.html. AWS's page about
troubleshooting has "Input file is empty" and "File is not valid JSONL", and names the other errors without their texts.
The other messages are UNVERIFIED.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.aws_simulator.protocol.json_values import read_json

LARGEST_FILE = 50 * 1024 * 1024
MOST_TEMPLATES, MOST_SAMPLES, MOST_VARIABLES, MOST_CRITERIA = 10, 100, 20, 5
JUDGES = (
    "anthropic.claude-opus-4-6-v1",
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "anthropic.claude-sonnet-4-6",
)
_PLACEHOLDER = re.compile(r"\{\{([a-zA-Z_][a-zA-Z0-9_]*)\}\}")
_Text = Annotated[str, Field(min_length=1, pattern=r"\S")]


class InputError(ValueError):
    """The input file breaks a rule."""


class _Strict(BaseModel):
    # That unknown keys are refused is UNVERIFIED.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Sample(_Strict):
    """The values of a template's variables, and the response that is expected."""

    inputVariables: list[dict[str, str]]
    referenceResponse: str | None = None

    @property
    def values(self) -> dict[str, str]:
        """
        The values that are filled in.

        AWS's page about troubleshooting calls several keys in one object a silent failure. What Bedrock does with them
        is UNVERIFIED. Here, only the first key of an object is filled in.
        """
        return dict(next(iter(variables.items())) for variables in self.inputVariables if variables)


class JudgeConfig(_Strict):
    """The judge prompt of the caller, and the model that judges."""

    customLLMJPrompt: _Text
    customLLMJModelId: str


class Template(_Strict):
    """One line of the file: a prompt template with its samples and its evaluation method."""

    version: Literal["bedrock-2026-05-14"]
    templateId: _Text
    promptTemplate: _Text
    steeringCriteria: Annotated[list[_Text], Field(max_length=MOST_CRITERIA)] = []
    customEvaluationMetricLabel: _Text | None = None
    customLLMJConfig: JudgeConfig | None = None
    evaluationMetricLambdaArn: str | None = None
    evaluationSamples: Annotated[list[Sample], Field(min_length=1, max_length=MOST_SAMPLES)]

    @property
    def placeholders(self) -> frozenset[str]:
        """The names of the variables in the template."""
        return frozenset(_PLACEHOLDER.findall(self.promptTemplate))


def read_templates(body: bytes) -> list[Template]:
    """Return the templates in an input file.

    :raises InputError: the file breaks a rule.
    """
    if len(body) > LARGEST_FILE:
        raise InputError(f"The input file has {len(body)} bytes. The limit is {LARGEST_FILE}.")
    if not body.strip():
        raise InputError("Input file is empty")
    try:
        lines = [line for line in body.decode().split("\n") if line.strip()]
    except UnicodeDecodeError as error:
        raise InputError("File is not valid JSONL") from error
    templates = [_read_line(line, number) for number, line in enumerate(lines, start=1)]
    if len(templates) > MOST_TEMPLATES:
        raise InputError(f"The input file has {len(templates)} prompt templates. The limit is {MOST_TEMPLATES}.")
    identifiers = {template.templateId for template in templates}
    if len(identifiers) < len(templates):
        raise InputError("Each prompt template needs a templateId of its own.")
    return templates


def fill(template: str, values: Mapping[str, str]) -> str:
    """Replace the placeholders of a template with values. A placeholder without a value stays."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), template)


def _read_line(text: str, number: int) -> Template:
    try:
        value = read_json(text)
    except ValueError as error:
        raise InputError("File is not valid JSONL") from error
    if not isinstance(value, dict):
        raise InputError("File is not valid JSONL")
    _check_support(value, number)
    try:
        template = Template.model_validate(value)
    except ValidationError as error:
        raise InputError(f"Line {number}: {_first_fault(error)}") from error
    for fault in _faults(template):
        raise InputError(f"Line {number}: {fault}")
    return template


def _check_support(line: Mapping[str, object], number: int) -> None:
    """Refuse what Bedrock can do and the simulator cannot."""
    samples = line.get("evaluationSamples")
    with_files = isinstance(samples, Sequence) and any(
        isinstance(sample, Mapping) and "inputVariablesMultimodal" in sample for sample in samples
    )
    if with_files or line.get("evaluationMetricLambdaArn") is not None:
        what = "inputVariablesMultimodal" if with_files else "evaluationMetricLambdaArn"
        raise InputError(f"Line {number}: the AWS simulator does not support {what}. Nothing was created.")


def _faults(template: Template) -> Iterator[str]:
    if template.customLLMJConfig:
        yield from _method_faults(template, template.customLLMJConfig)
    names = template.placeholders
    if not 1 <= len(names) <= MOST_VARIABLES:
        yield f"promptTemplate has {len(names)} variables. It must have 1 to {MOST_VARIABLES}."
    for sample in template.evaluationSamples:
        given = [name for variables in sample.inputVariables for name in variables]
        if single := [name for name in given if name not in names and f"{{{name}}}" in template.promptTemplate]:
            yield f"wrong bracket syntax. Write {{{{{single[0]}}}}} instead of {{{single[0]}}} in promptTemplate."
        if set(given) != names or len(given) > len(names):
            yield (
                f"placeholder mismatch. The names in inputVariables are {sorted(given)}, but promptTemplate has the"
                f" placeholders {sorted(names)}."
            )


def _method_faults(template: Template, judge: JudgeConfig) -> Iterator[str]:
    if template.steeringCriteria:
        yield "multiple evaluation methods. Use either steeringCriteria or customLLMJConfig."
    if template.customEvaluationMetricLabel is None:
        yield "missing label. customLLMJConfig needs customEvaluationMetricLabel."
    if judge.customLLMJModelId not in JUDGES:
        yield f"customLLMJModelId must be one of {', '.join(JUDGES)}."
    if "{{response}}" not in judge.customLLMJPrompt:
        yield "customLLMJPrompt lacks the variable {{response}}."


def _first_fault(error: ValidationError) -> str:
    fault = error.errors()[0]
    return f"{'.'.join(str(step) for step in fault['loc'])}: {fault['msg']}."
