"""
Read the prompts of a distillation job.

A line that is not a valid prompt does not fail the job: it is left out, and reported with the reason. AWS's guide
describes this report, and AWS's validator counts only the valid prompts. How Bedrock treats a file with invalid lines
otherwise is UNVERIFIED.
https://docs.aws.amazon.com/bedrock/latest/userguide/model-customization-analyze.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tools.aws_simulator.catalog.catalog import TrainingFormat
from tools.aws_simulator.jobs.record_formats import Record
from tools.aws_simulator.jobs.training_data import DataFaultError, file_lines, read_line


@dataclass(frozen=True)
class Prompt:
    """A valid prompt, and the answer that the file has for it, if any. ``line`` counts from 1."""

    line: int
    record: Record

    @property
    def has_answer(self) -> bool:
        """Whether the file has an answer to the last message of the user."""
        return self.record.messages[-1].role == "assistant"


@dataclass(frozen=True)
class RejectedLine:
    """A line that is not a valid prompt, and the reason."""

    line: int
    reason: str


@dataclass(frozen=True)
class PromptFile:
    """
    The lines of a file of prompts.

    :param name: the name of the file.
    :param limits: the smallest and the largest number of valid prompts.
    """

    name: str
    accepted: list[Prompt]
    rejected: list[RejectedLine]
    limits: tuple[int, int]

    def check_number(self) -> None:
        """
        Check the number of valid prompts.

        A public report of March 2026 quotes the message about too few prompts. It says that the job fails in the phase
        of data processing, after the phase of validation has completed. The message about too many prompts is
        UNVERIFIED.

        :raises DataFaultError: there are too few or too many.
        """
        low, high = self.limits
        if len(self.accepted) < low:
            raise DataFaultError(f"Input data must have at minimum {low} valid prompts")
        if len(self.accepted) > high:
            raise DataFaultError(f"Input data must have at maximum {high} valid prompts")


def read_prompts(body: bytes, name: str, rules: TrainingFormat) -> PromptFile:
    """Return the prompts of a file.

    :param name: the file's name, for messages.
    :param rules: the format of prompts, as :meth:`Catalog.prompt_format` returns it.
    :raises DataFaultError: the file is not UTF-8.
    """
    accepted: list[Prompt] = []
    rejected: list[RejectedLine] = []
    for line, text in enumerate(file_lines(body, name), start=1):
        try:
            accepted.append(Prompt(line, read_line(text, name, line, rules)))
        except DataFaultError as fault:
            rejected.append(RejectedLine(line, str(fault)))
    return PromptFile(name, accepted, rejected, rules.training_records)


def write_record(record: Record) -> dict[str, Any]:
    """Return a record in the format of prompts and answers."""
    system = {"system": [{"text": record.system}]} if record.system else {}
    messages = [{"role": message.role, "content": [{"text": message.text}]} for message in record.messages]
    return {"schemaVersion": "bedrock-conversation-2024", **system, "messages": messages}
