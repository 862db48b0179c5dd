"""Remember how evaluation jobs ended, so that a job that was deleted in Bedrock is not bought again."""

from __future__ import annotations

from dataclasses import dataclass

from include.distill.config.layout import RunFolder
from include.distill.core.ended_jobs import EndedJobs


@dataclass(frozen=True)
class EndedEvaluationJobs(EndedJobs):
    """The records in ``ended_evaluations``."""

    folder: RunFolder

    def ended_uri(self, name: str) -> str:
        """Return where the record of how a job ended is stored."""
        return self.folder.ended_evaluation(name)

    def missing_uri(self, name: str) -> str:
        """Return where the record of a missing job is stored."""
        return self.folder.missing_evaluation(name)

    def results_of(self, *, output_uri: str, name: str, arn: str) -> str:
        """Return the prefix of everything that a job wrote, which contains the name of the job."""
        return f"{output_uri.rstrip('/')}/{name}/"
