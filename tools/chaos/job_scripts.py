"""Test crashes that happen while a run buys one job and waits for it, for jobs without a throughput."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from tools.chaos.matrix import BOTOCORE_ATTEMPTS
from tools.chaos.trial import Case, Trial, Victim

Script = Callable[[Trial], None]
# Each of the two nets stops a job whose waiting task was marked as failed. The tag disables the other net.
NETS = {"on_kill": "lenient_outcome", "outcome": "silent_wait"}


@dataclass(frozen=True)
class JobScripts:
    """
    The scripts of the cases that every kind of job has.

    :param create: the AWS operation that buys the job.
    :param stalled: the fault that keeps the job from ending.
    :param submit, wait: the task that buys the job, and the task that waits for it.
    :param start: starts the first run of a case.
    """

    create: str
    stalled: str
    submit: str
    wait: str
    start: Script = Trial.start_run

    def scripts(self) -> dict[str, Script]:
        """Return the scripts by the names of their cases."""
        return {
            "response lost / task retry": partial(self.lose, fault="drop_after"),
            "response not recorded / task retry": partial(self._not_recorded, recover=self._kill_task),
            "response not recorded / clear run": partial(self._not_recorded, recover=Trial.clear_run),
            "waiting / clear task and downstream": partial(self._while_waiting, recover=self._clear_task),
            "waiting / clear run": partial(self._while_waiting, recover=Trial.clear_run),
            "waiting / task marked failed": self.task_marked_failed,
            "waiting / run marked failed": partial(self._marked_failed, mark=Trial.mark_run),
            "same request, next run": self._next_run,
        }

    def cases(self, kind: str, changes: Mapping[str, Any], *, buys: str, failed: str) -> list[Case]:
        """
        Return the cases of jobs that Bedrock looks up only by ARN.

        :param kind: the beginning of each case's name, and the tag that selects the DAG.
        :param changes: use-case sections that differ from those of other cases.
        :param buys: an arm. The name of each job contains it, and nothing else that the cases count is bought for it.
        :param failed: the fault with which Bedrock fails the job.
        """
        scripts: dict[str, Script] = {
            "request lost / task retry": partial(self.lose, fault="drop_before"),
            **self.scripts(),
            "response not recorded / two copies": self.killed_with("worker"),
            "job failed / clear submit": partial(self.job_failed, fault=failed),
        }
        nets = {f"net: {net} alone, waiting task marked failed": tag for net, tag in NETS.items()}

        def case(name: str, script: Script, *tags: str) -> Case:
            return Case(f"{kind}: {name}", script, {**changes, "tags": [kind, *tags]}, buys=buys)

        return [
            *(case(name, script) for name, script in scripts.items()),
            *(case(name, self.task_marked_failed, tag) for name, tag in nets.items()),
        ]

    def lose(self, trial: Trial, *, fault: str) -> None:
        """Lose the request or its response so often that the task is retried."""
        trial.fault(self.create, fault, times=BOTOCORE_ATTEMPTS)
        self.start(trial)
        trial.expect(throughputs=0)

    def killed_with(self, victim: Victim) -> Script:
        """Return the script in which the response is not recorded, because a process is killed."""
        return partial(self._not_recorded, recover=lambda trial: trial.kill_task(self.submit, victim))

    def job_failed(self, trial: Trial, *, fault: str) -> None:
        """Let Bedrock fail the job for a reason other than the data. Clearing ``submit`` buys the next attempt."""
        trial.fault(self.create, fault, times=1)
        self.start(trial)
        trial.expect(throughputs=0, state="failed")
        trial.clear(self.submit, downstream=True)
        trial.expect(jobs=2, throughputs=0, name=f"{trial.case.name}, submit cleared")

    def task_marked_failed(self, trial: Trial) -> None:
        """Mark the task that waits for the job as failed."""
        self._marked_failed(trial, mark=lambda trial: trial.mark(self.wait))

    def _kill_task(self, trial: Trial) -> None:
        trial.kill_task(self.submit)

    def _clear_task(self, trial: Trial) -> None:
        trial.clear(self.submit, downstream=True)

    def _not_recorded(self, trial: Trial, *, recover: Script) -> None:
        trial.hold(self.create)
        self.start(trial)
        trial.wait_fired(self.create)
        recover(trial)
        trial.finish()
        trial.wait_for_copies()
        trial.expect(throughputs=0)

    def _while_waiting(self, trial: Trial, *, recover: Script) -> None:
        trial.fault(self.create, self.stalled, times=1)
        self.start(trial)
        trial.wait_watched(self.wait)
        recover(trial)
        trial.end_stalls()
        trial.expect(throughputs=0)

    def _marked_failed(self, trial: Trial, *, mark: Script) -> None:
        """Mark the run or its task as failed. This stops the job before its first result. The next run buys another."""
        trial.fault(self.create, self.stalled, times=1)
        self.start(trial)
        trial.wait_watched(self.wait)
        mark(trial)
        trial.finish()
        trial.wait_job("Stopped")
        trial.expect(throughputs=0, state="failed")
        trial.start_run(2)
        trial.expect(jobs=2, throughputs=0, name=f"{trial.case.name}, next run")

    def _next_run(self, trial: Trial) -> None:
        self.start(trial)
        succeed(trial)
        trial.start_run(2)
        trial.expect(throughputs=0)


def succeed(trial: Trial) -> None:
    """Wait for the end of the run, and check that it succeeded."""
    state = trial.finish()
    trial.ensure(state == "success", f"The run should have succeeded, but its state is {state}.")
