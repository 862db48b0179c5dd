"""
Write a training or validation file. Each record is checked, counted and hashed while it is written.

Records are streamed: a file of 100,000 records takes no more memory than a file of ten.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import IO, Protocol

from include.distill.config.catalog import Family
from include.distill.core.errors import LimitError
from include.distill.training.formats import encode_record
from include.distill.training.limits import check_record
from include.distill.training.records import TrainingRecord

FILE_PROBLEMS_SHOWN = 20


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
    records: int = 0
    size_bytes: int = 0
    characters: int = 0
    problems: list[str] = field(default_factory=list)
    problem_count: int = 0

    def write(self, records: Iterable[TrainingRecord], body: IO[bytes]) -> None:
        """Write ``records``, including faulty ones. Call :meth:`require_no_problem` before you use the file."""
        for record in records:
            self.records += 1
            self.add_problems(map(str, check_record(record, self.family, self.records)))
            line = encode_record(record)
            self.digest.update(line)
            self.size_bytes += len(line)
            self.characters += len(line.decode())
            body.write(line)

    def add_problems(self, problems: Iterable[str]) -> None:
        """Count problems and keep the first 20."""
        for problem in problems:
            self.problem_count += 1
            if len(self.problems) < FILE_PROBLEMS_SHOWN:
                self.problems.append(problem)

    def require_no_problem(self) -> None:
        """Raise an error if the file breaks a limit of the student's family.

        :raises LimitError: the file has problems. The message lists the first 20 problems and counts the rest.
            Nothing was bought.
        """
        if not self.problems:
            return
        listed = "\n".join(f"- {problem}" for problem in self.problems)
        more = self.problem_count - len(self.problems)
        rest = f"\n- and {more} more" if more else ""
        message = (
            f"The {self.name} file violates the limits of the model family {self.family.key}"
            f" ({self.family.source.url}). Nothing was bought.\n{listed}{rest}"
        )
        raise LimitError(message)
