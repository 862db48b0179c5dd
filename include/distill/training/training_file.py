"""
Write a training or validation file. Each record is checked, counted and hashed while it is written.

Records are streamed: a file of 100,000 records takes no more memory than a file of ten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import IO, Protocol

from include.distill.config.catalog import Family
from include.distill.config.sections import ReservedInAnswers
from include.distill.core.errors import LimitError
from include.distill.text.token_count import central_token_count
from include.distill.training.formats import encode_record, record_texts
from include.distill.training.limits import check_record
from include.distill.training.records import TrainingRecord

FILE_PROBLEMS_SHOWN = 20

Locate = Callable[[set[str]], Mapping[str | None, str]]


class Digest(Protocol):
    """A hash object of ``hashlib``, shared by the files of a training set."""

    def update(self, data: bytes, /) -> None:
        """Add ``data`` to the hash."""


@dataclass
class TrainingFile:
    """
    A training or validation file that is being written, with its counts and problems.

    :param name: ``training`` or ``validation``, for error messages.
    """

    name: str
    family: Family
    digest: Digest
    reserved_in_answers: ReservedInAnswers = "reject"
    records: int = 0
    size_bytes: int = 0
    tokens: int = 0
    problems: list[tuple[str | None, str]] = field(default_factory=list)
    problem_count: int = 0

    def write(self, records: Iterable[tuple[str, TrainingRecord]], body: IO[bytes]) -> None:
        """
        Write records, including faulty ones. Call :meth:`require_no_problem` before you use the file.

        :param records: each record with the id of its row.
        """
        for row_id, record in records:
            self.records += 1
            problems = check_record(record, self.family, self.records, reserved_in_answers=self.reserved_in_answers)
            self.add_problems(map(str, problems), row_id)
            if not problems:
                self.tokens += central_token_count("\n".join(record_texts(record, self.family).values()))
            line = encode_record(record)
            self.digest.update(line)
            self.size_bytes += len(line)
            body.write(line)

    def add_problems(self, problems: Iterable[str], row_id: str | None = None) -> None:
        """Count problems and keep the first 20. ``row_id`` is the id of the row with the problem, if there is one."""
        for problem in problems:
            self.problem_count += 1
            if len(self.problems) < FILE_PROBLEMS_SHOWN:
                self.problems.append((row_id, problem))

    def require_no_problem(self, locate: Locate) -> None:
        """Raise an error if the file breaks a limit of the student's family.

        :param locate: returns the places of rows in the input files, by row id; called only if there is a problem.
        :raises LimitError: the file has problems. The message lists the first 20 problems and counts the rest.
            The training job was not bought.
        """
        if not self.problems:
            return
        places = locate({row_id for row_id, _ in self.problems if row_id})
        listed = "\n".join(
            f"- {places[row_id]}, {problem}" if row_id in places else f"- {problem}"
            for row_id, problem in self.problems
        )
        more = self.problem_count - len(self.problems)
        rest = f"\n- and {more} more" if more else ""
        raise LimitError(
            f"The {self.name} file violates the limits of the model family {self.family.key}"
            f" ({self.family.source.url}):\n{listed}{rest}",
            left="The answers of the teacher are stored.",
            billed="The training job was not bought.",
            to_do="Correct or remove these rows.",
            then_clear="ingest with downstream",
        )
