"""
Crash the amazon provider's operators at the same instants as our tasks, and measure what they buy and leave running.

These cases only measure, so none of them can fail. The table shows the counts of the operators next to our counts.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from include.distill.config.catalog import load_catalog
from include.distill.training.formats import encode_record, to_customization_format
from tools.chaos.account import purchases
from tools.chaos.fixtures import TRAINING_ROWS, document
from tools.chaos.runner import say
from tools.chaos.stack import PROVIDER_ROLE, Stack, in_parallel
from tools.chaos.trial import GET_JOB, JOB, REACH_SECONDS, THROUGHPUT, Case, Trial

PROVIDER_ATTEMPTS = 5  # attempts of botocore's legacy retry mode, which the provider's hooks use
MODEL = "nova-micro"


@dataclass(frozen=True)
class ProviderCase:
    """
    A case of the provider's operators.

    :param ours: the name of the corresponding case in our table.
    :param settings: names and sensor settings for the case's DAG; ``{key}`` in a name is replaced with the case's key.
    """

    name: str
    script: Callable[[Trial], None]
    ours: str
    settings: dict[str, Any]
    key: str = ""


@dataclass(frozen=True)
class Measurement:
    """What the operators bought in one case, and what they left running."""

    name: str
    jobs: int
    throughputs: int
    alive_at_end: int
    jobs_running: int
    sensor: str
    state: str
    ours: str


def _plain(trial: Trial) -> None:
    trial.start_run()


def _lost(trial: Trial, operation: str) -> None:
    trial.fault(operation, "drop_after", times=PROVIDER_ATTEMPTS)
    trial.start_run()


def _killed(trial: Trial, operation: str, task_id: str) -> None:
    trial.hold(operation, seconds=60)
    trial.start_run()
    trial.wait_fired(operation)
    trial.kill_task(task_id)


def _stalled(trial: Trial) -> None:
    trial.fault(JOB, "job_stalled", times=1)
    trial.start_run()


def _polling_lost(trial: Trial) -> None:
    trial.fault(JOB, "job_stalled", times=1, seconds=20)
    trial.fault(GET_JOB, "drop_before", times=7)
    trial.start_run()


def _throughput_failed(trial: Trial) -> None:
    trial.fault(THROUGHPUT, "throughput_failed", times=1)
    trial.start_run()


def _cleared(trial: Trial) -> None:
    trial.start_run()
    trial.finish()
    trial.clear("customize", downstream=True)


def _next_run(trial: Trial) -> None:
    trial.start_run(1)
    trial.finish()
    trial.start_run(2)


def provider_cases() -> list[ProviderCase]:
    """Return the cases: one for each kind of instant and recovery."""
    fixed = {"job_name": "{key}-job", "model_name": "{key}-model"}
    each_attempt = {**fixed, "model_name": "{key}-model-{{{{ ti.try_number }}}}"}
    each_run = {"job_name": "{key}-{{{{ run_id[-1:] }}}}", "model_name": "{key}-model-{{{{ run_id[-1:] }}}}"}
    short = {**fixed, "timeout": 6, "max_retries": 3}
    lose_job, kill_job = partial(_lost, operation=JOB), partial(_killed, operation=JOB, task_id="customize")
    kill_served = partial(_killed, operation=THROUGHPUT, task_id="provision")
    lost, unrecorded = "response lost / task retry", "response not recorded / task retry"
    cases = [
        ProviderCase("undisturbed", _plain, "data: unchanged CSV, no second training job", fixed),
        ProviderCase("job: response lost, task retry", lose_job, lost, fixed),
        ProviderCase("job: response lost, task retry, model named by attempt", lose_job, lost, each_attempt),
        ProviderCase("job: task killed after the response, task retry", kill_job, unrecorded, fixed),
        ProviderCase(
            "job: task killed after the response, task retry, model named by attempt",
            kill_job,
            unrecorded,
            each_attempt,
        ),
        ProviderCase(
            "all tasks cleared after success", _cleared, "task ingest cleared after success: nothing is bought", fixed
        ),
        ProviderCase("next run, same data", _next_run, "data: unchanged CSV, no second training job", each_run),
        ProviderCase(
            "sensor times out while the job runs",
            _stalled,
            "wait in the worker times out; clearing the task reuses the job",
            short,
        ),
        ProviderCase("sensor: connections lost while polling", _polling_lost, "polling: connection errors", fixed),
        ProviderCase("throughput: response lost, task retry", partial(_lost, operation=THROUGHPUT), lost, fixed),
        ProviderCase("throughput: task killed after the response, task retry", kill_served, unrecorded, fixed),
        ProviderCase(
            "throughput: creation fails", _throughput_failed, "throughput failed: throughput is released", fixed
        ),
    ]
    if importlib.util.find_spec("aiobotocore"):
        ours = "training wait times out; clearing the task reuses the job"
        deferred = {**short, "deferrable": True}
        cases.append(ProviderCase("deferrable sensor times out while the job runs", _stalled, ours, deferred))
    return cases


def prepare_provider(cases: list[ProviderCase], folder: Path) -> list[ProviderCase]:
    """Assign a key to each case, and write the settings that the DAG file reads."""
    prepared = [replace(case, key=f"p{number:02}") for number, case in enumerate(cases, start=1)]
    settings = []
    for case in prepared:
        named = {name: v.format(key=case.key) if isinstance(v, str) else v for name, v in case.settings.items()}
        training = {"role_arn": PROVIDER_ROLE, "training_uri": f"s3://chaos-provider/{case.key}.jsonl"}
        settings.append({"key": case.key, **training, **named})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "provider.json").write_text(json.dumps(settings), encoding="utf-8")
    return prepared


def measure(stack: Stack, cases: list[ProviderCase], lanes: int) -> list[Measurement]:
    """Run the cases and return their counts."""
    stack.account.create_bucket("chaos-provider")
    return in_parallel(partial(_measure, stack), cases, lanes)


def _measure(stack: Stack, case: ProviderCase) -> Measurement:
    stack.account.write_object(f"s3://chaos-provider/{case.key}.jsonl", _training_file(case.key))
    trial = ProviderTrial(Case(case.name, case.script, key=case.key), stack, None)
    case.script(trial)
    state = trial.finish()
    trial.wait_for_jobs()
    bought = purchases(stack.account.ledger(), trial.match)
    running = _running_jobs(bought)
    counts = (len(bought["jobs"]), len(bought["throughputs"]), bought["alive"])
    measured = Measurement(case.name, *counts, running, trial.task_state("trained") or "", state, case.ours)
    say(f"{measured}")
    return measured


class ProviderTrial(Trial):
    """A trial whose DAG consists of the provider's operators."""

    @property
    def dag_id(self) -> str:
        """The id of the case's DAG."""
        return f"provider_{self.case.key}"

    @property
    def match(self) -> str:
        """The prefix of the names of everything that the case buys."""
        return f"{self.case.key}-"

    def wait_for_jobs(self) -> None:
        """Wait until no job of the case is running any more, except jobs that a fault has stalled."""
        account = self.stack.account

        def have_ended() -> bool:
            stalled = account.fired(self.match, JOB, "job_stalled")
            return _running_jobs(purchases(account.ledger(), self.match)) <= stalled

        self.wait(have_ended, f"the end of the jobs of {self.case.key}", REACH_SECONDS)


def _running_jobs(bought: Mapping[str, Any]) -> int:
    return sum(job["status"] == "InProgress" for job in bought["jobs"])


def _training_file(key: str) -> bytes:
    catalog = load_catalog()
    family = catalog.family_of(catalog.model(MODEL))
    records = [
        to_customization_format(
            user=f"<document>\n{document(key, number)}\n</document>\n\n<question>\nHow many?\n</question>",
            answer=f"{number + 3} items at most.",
            instruction="Answer from the document.",
            family=family,
        )
        for number in range(TRAINING_ROWS)
    ]
    return b"".join(map(encode_record, records))


def as_markdown(measured: list[Measurement], ours: Mapping[str, Mapping[str, Any]]) -> str:
    """
    Return the table for ``docs/explanation/crash_safety.md``.

    :param ours: rows of ``.local/chaos.json``, by name.
    """
    columns = ("what happens", "jobs", "throughputs", "billed at the end", "jobs running", "sensor", "run", "ours")
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for m in measured:
        reference = "not measured"
        if row := ours.get(m.ours):
            reference = f"{row['jobs']} / {row['throughputs']} / {row['alive_at_end']}, {row['state']}"
        cells = (m.name, m.jobs, m.throughputs, m.alive_at_end, m.jobs_running, m.sensor, m.state, reference)
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"
