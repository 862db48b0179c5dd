"""
A training or validation file as it is written: each record checked, counted and hashed on its way, then forgotten.

A file of a hundred thousand records takes as little memory as one of ten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Protocol

from include.distill.config.catalog import Family
from include.distill.core.errors import LimitError
from include.distill.training.formats import check_record, encode_record

FILE_PROBLEMS_SHOWN = 20


class Digest(Protocol):
    """What ``hashlib`` gives; shared by the files of a set."""

    def update(self, data: bytes, /) -> None:
        """Take in ``data``."""


@dataclass
class TrainingFile:
    """
    Counts of a file under way, and what is wrong with it.

    :param name: how messages call it: ``training`` or ``validation``.
    """

    name: str
    family: Family
    digest: Digest
    records: int = 0
    size_bytes: int = 0
    characters: int = 0
    problems: list[str] = field(default_factory=list)
    problem_count: int = 0

    def write(self, records: Iterable[Mapping[str, Any]], body: IO[bytes]) -> None:
        """Write ``records``; call :meth:`require_no_problem` before the file is believed."""
        for record in records:
            self.records += 1
            self.add_problems(map(str, check_record(record, self.family, self.records)))
            line = encode_record(record)
            self.digest.update(line)
            self.size_bytes += len(line)
            self.characters += len(line.decode())
            body.write(line)

    def add_problems(self, problems: Iterable[str]) -> None:
        """Add problems; the first 20 are kept in full."""
        for problem in problems:
            self.problem_count += 1
            if len(self.problems) < FILE_PROBLEMS_SHOWN:
                self.problems.append(problem)

    def require_no_problem(self) -> None:
        """Refuse a file that breaks a limit of its family.

        :raises LimitError: names every problem, the first 20 in full. Nothing was bought.
        """
        if not self.problems:
            return
        listed = "\n".join(f"- {problem}" for problem in self.problems)
        more = self.problem_count - len(self.problems)
        rest = f"\n- and {more} more" if more else ""
        message = f"The {self.name} file breaks limits of {self.family.key} ({self.family.source.url}):\n{listed}{rest}"
        raise LimitError(message)
