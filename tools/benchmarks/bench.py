"""Define what all cases share: the model server, a folder for the state, and the sizes of the measured inputs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tools.benchmarks.processes import Server


@dataclass(frozen=True)
class Sizes:
    """
    The sizes of the measured inputs. A benchmark's target applies only to the default sizes. Smaller sizes only
    check that the code works.

    :param documents: number of documents in most cases.
    :param tight_documents: number of documents in the case with the tightest quota.
    :param many_documents: number of documents in the case that measures memory.
    :param csv_rows: number of rows for the steps that call no model. Each step is also measured with half as many rows.
    :param characters: length of the hostile texts. Each text is also measured with half the length.
    :param latency_seconds: time that the model server takes to answer.
    """

    documents: int = 500
    tight_documents: int = 200
    many_documents: int = 5000
    csv_rows: int = 100_000
    characters: int = 128_000
    latency_seconds: float = 1.0


@dataclass(frozen=True)
class Bench:
    """The model server, the state folder and the sizes of all cases."""

    model: Server
    state: Path
    sizes: Sizes

    def fresh_folder(self, name: str) -> Path:
        """Create a folder, or empty an existing one, and return it."""
        folder = self.state / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder
