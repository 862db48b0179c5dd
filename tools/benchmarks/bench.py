"""What every case is given: the model server, a folder for its state, and how much there is to do."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tools.benchmarks.processes import Server


@dataclass(frozen=True)
class Sizes:
    """
    How much is measured. The defaults are those of the stated targets; smaller ones try out the benchmark itself.

    :param tight_documents: documents under the tightest quota.
    :param many_documents: documents with which memory is measured.
    :param csv_rows: rows of the steps without a model; each is measured with half as many too.
    """

    documents: int = 500
    tight_documents: int = 200
    many_documents: int = 5000
    csv_rows: int = 100_000
    latency_seconds: float = 1.0


@dataclass(frozen=True)
class Bench:
    """The surroundings of all cases."""

    model: Server
    state: Path
    sizes: Sizes

    def fresh_folder(self, name: str) -> Path:
        """Return an empty folder."""
        folder = self.state / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder
