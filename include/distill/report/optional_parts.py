"""
Read the parts of a report that the verdict does not need, without losing the report if a part cannot be read.

When a report is written, the run has already paid for its models and judges. So one rule applies to every part except
the verdicts and the counts: if a part cannot be read or computed, the report is written without the part, and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from include.distill.core.errors import ContractError, MissingObjectError, ServiceError, StoredRecordError

PartT = TypeVar("PartT")
MAX_REASON_CHARACTERS = 300


@dataclass
class OptionalParts:
    """
    Reads parts of a report, and collects one sentence for each part that is missing or incomplete.

    :param warn: is called with one sentence for each missing part. The sentence contains the part's name and the type
        of the error, but no text of the dataset. If the error came from AWS, the sentence also contains AWS's message.
        The report does not contain this message.
    """

    warn: Callable[[str], Any]
    notes: list[str] = field(default_factory=list)

    def read(self, part: str, build: Callable[[], PartT], fallback: PartT) -> PartT:
        """
        Return the result of ``build``; if ``build`` fails, add a note and return ``fallback``.

        :param part: name of the part, as it appears in a sentence: "the loss curve of tuned".
        """
        try:
            return build()
        except Exception as error:  # any error: no optional part is worth losing the report
            reason = _reason(error)
            details = f": {error}" if _is_aws_message(error) else ""
            self.warn(f"The report is written without {part} ({type(error).__name__}{details}).")
            self.notes.append(
                f"{_absence(part)} {reason} The verdict does not depend on it. Correct the cause and"
                " clear the task `report` to write the report again; nothing is paid for again."
            )
            return fallback

    def note(self, sentence: str) -> None:
        """Add a note about a part that is incomplete."""
        if sentence not in self.notes:
            self.notes.append(sentence)


def is_missing(part: str, notes: Iterable[str]) -> bool:
    """Return whether one of the ``notes`` of a report says that a part could not be read."""
    return any(note.startswith(_absence(part)) for note in notes)


def _absence(part: str) -> str:
    return f"The report does not contain {part}:"


def _is_aws_message(error: Exception) -> bool:
    # A ContractError without a code describes a stored file, in this pipeline's own words.
    if isinstance(error, MissingObjectError):
        return False
    return isinstance(error, ServiceError) and bool(error.code or not isinstance(error, ContractError))


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):  # its text would contain the invalid values
        text = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
    elif _is_aws_message(error):  # its text may name the role and the account, and everybody who sees the DAG reads it
        code = getattr(error, "code", "") or type(error).__name__
        text = f"AWS did not carry out a request ({code}); the log of the task `report` has the message."
    elif isinstance(error, KeyError):
        text = f"the key {error} is missing"
    else:
        text = str(error) or type(error).__name__
    # A message about a missing object or a stored record is not shortened: its end names the task to clear, and no
    # part of it quotes text of the dataset.
    is_whole = isinstance(error, MissingObjectError | StoredRecordError) or len(text) <= MAX_REASON_CHARACTERS
    shortened = text if is_whole else f"{text[:MAX_REASON_CHARACTERS]}…"
    return shortened if shortened.endswith((".", "…")) else f"{shortened}."
