"""Describe what every case needs: the model server, a folder for its state, and the sizes to measure with."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tools.benchmarks.processes import Server


@dataclass(frozen=True)
class Sizes:
    """
    The sizes to measure with. The targets hold for the defaults; smaller sizes only try the benchmark itself.

    :param documents: of most cases.
    :param tight_documents: of the case with the tightest quota.
    :param many_documents: of the case that measures memory.
    :param csv_rows: of the steps that call no model; each is also measured with half as many.
    :param latency_seconds: how long the model server takes to answer.
    """

    documents: int = 500
    tight_documents: int = 200
    many_documents: int = 5000
    csv_rows: int = 100_000
    latency_seconds: float = 1.0


@dataclass(frozen=True)
class Bench:
    """The model server, the state folder and the sizes of all cases."""

    model: Server
    state: Path
    sizes: Sizes

    def fresh_folder(self, name: str) -> Path:
        """Empty or create a folder and return it."""
        folder = self.state / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder
