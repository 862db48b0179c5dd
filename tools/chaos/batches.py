"""
Test crashes that happen while a run buys a batch job or waits for it.

The job must be bought exactly once, later tasks must wait for it, and each of its answers must be stored exactly once.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from tools.chaos.fixtures import write_rows
from tools.chaos.job_scripts import NETS, JobScripts, Script, succeed
from tools.chaos.trial import BATCH, Case, Trial

QUESTIONS = 100  # Bedrock's minimum for one batch job
SUBMIT, WAIT = "synthesize_batch.submit", "synthesize_batch.wait"
CHANGES: dict[str, Any] = {
    "teacher": "claude-sonnet-4-6",  # the default teacher does not support batch jobs
    # The rows are similar to each other, and the quality of the pairs does not matter here.
    "source": {"same_document_similarity": 1, "shared_documents": "keep"},
    "synthesis": {"inference": "batch", "min_accepted_share": 0},
    "batch": {"poll_interval_seconds": 2},
    "arms": [{"name": "base", "kind": "base"}, {"name": "tuned"}],
    "fan_out": {"max_tasks": 1, "evaluation_tasks": 1, "concurrency": 4},
}


def _start(trial: Trial) -> None:
    """Write the minimum number of rows for a batch job, and start the first run of the case."""
    folder = trial.stack.layout.use_cases
    trial.case.documents = write_rows(folder / f"{trial.case.key}-train.csv", trial.case.key, 0, QUESTIONS)
    trial.start_run()


JOBS = JobScripts(BATCH, "batch_stalled", SUBMIT, WAIT, _start)


def _incomplete(trial: Trial, *, kind: str) -> None:
    """End the job with answers missing. Check that only the missing answers are then requested on demand."""
    trial.fault(BATCH, kind, times=1)
    _start(trial)
    succeed(trial)
    trial.clear_run()
    trial.expect(throughputs=0)


def batches() -> list[Case]:
    """Return the cases that test batch jobs."""
    scripts: dict[str, Script] = {
        **JOBS.scripts(),
        "response not recorded / worker SIGKILL": JOBS.killed_with("both"),
        "job ends halfway through its records / clear run": partial(_incomplete, kind="batch_partial"),
        "job expires before its first record / clear run": partial(_incomplete, kind="batch_expired"),
        "every tenth record of the job fails / clear run": partial(_incomplete, kind="batch_record_errors"),
    }
    return [
        *(_case(name, script) for name, script in scripts.items()),
        *(
            _case(f"net: {net} alone, waiting task marked failed", JOBS.task_marked_failed, tag)
            for net, tag in NETS.items()
        ),
    ]


def _case(name: str, script: Script, *tags: str) -> Case:
    return Case(f"batch: {name}", script, {**CHANGES, "tags": ["batch", *tags]}, buys="synthesize")
