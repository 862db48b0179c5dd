"""Measure the synthesis step in separate processes: its speed and memory, its use of quotas, and the cost of a kill.

The model server records the times of the calls.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from include.distill.config.catalog import load_catalog
from include.distill.config.use_case import UseCase
from include.distill.inference.pools import pool_arguments
from tools.benchmarks.bench import Bench
from tools.benchmarks.figures import Figure
from tools.benchmarks.fixtures import bench_use_case, prepare_run
from tools.benchmarks.folder_store import FolderStore
from tools.benchmarks.processes import MeasurementError, finish, run, start
from tools.benchmarks.quota import Quota, Work, ideal_seconds

SCRIPT = "synthesis_process.py"
BOTO3_SCRIPT = "boto3_process.py"
BURST_SHARE = 0.1  # share of the requests per minute that may come at once: 60 of 600 RPM, 12 of 120 RPM
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Pacing:
    """The quota that the server applies, and whether the use case states it."""

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    stated: bool = True

    def at_the_server(self, use_case: UseCase) -> Quota:
        """Return the quota that the server applies."""
        burst = None if self.requests_per_minute is None else self.requests_per_minute * BURST_SHARE
        return Quota(
            requests_per_minute=self.requests_per_minute,
            burst=burst,
            tokens_per_minute=self.tokens_per_minute,
            burndown=load_catalog().model(use_case.teacher).output_burndown,
        )

    def in_the_use_case(self) -> dict[str, Any]:
        """Return the sections of the use case that state the quota."""
        limits = {"requests_per_minute": self.requests_per_minute, "tokens_per_minute": self.tokens_per_minute}
        quota = {name: value for name, value in limits.items() if value is not None}
        return {"quotas": {bench_use_case().teacher: quota}} if quota and self.stated else {}


@dataclass
class Run:
    """A run of the synthesis step in one or more tasks, and the model server's counts of its calls."""

    bench: Bench
    concurrency: int
    documents: int
    pacing: Pacing = Pacing()
    tasks: int = 1
    latency_seconds: float | None = None
    counts: dict[str, Any] = field(default_factory=dict)
    measured: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.use_case = bench_use_case(fan_out={"concurrency": self.concurrency}, **self.pacing.in_the_use_case())
        self.quota = self.pacing.at_the_server(self.use_case)
        self.folder: Path = self.bench.fresh_folder("objects")
        prepare_run(FolderStore(self.folder), self.use_case, documents=self.documents, tasks=self.tasks)
        if self.latency_seconds is None:
            self.latency_seconds = self.bench.sizes.latency_seconds
        self.reset()

    def reset(self) -> None:
        """Set the latency and the quota of the server, and reset its counts."""
        self.bench.model.reset(latency_seconds=self.latency_seconds or 0.0, **vars(self.quota))

    def start(self) -> list[Any]:
        """Start all tasks."""
        slots = pool_arguments(self.use_case, self.use_case.teacher, tasks=self.tasks)["pool_slots"]
        arguments = [[self.folder, "--shard", task, "--slots", slots] for task in range(self.tasks)]
        return [start(SCRIPT, *given, endpoint=self.bench.model.url, state=self.bench.state) for given in arguments]

    def go(self) -> Run:
        """
        Run all tasks, wait until they have ended, and keep their results and the server's counts.

        :raises MeasurementError: a document has no answer, so the figures would be meaningless.
        """
        self.measured = [finish(process) for process in self.start()]
        self.counts = self.bench.model.counts()
        answered = sum(task["manifest"]["documents"] - task["manifest"]["failed"] for task in self.measured)
        if answered != self.documents:
            raise MeasurementError(
                f"Only {answered} of {self.documents} documents have an answer, so nothing was measured."
                f" The tasks returned {self.measured}."
            )
        return self

    @property
    def span_seconds(self) -> float:
        """The time from the first request to the last answer, measured at the server."""
        return float(self.counts["span_seconds"])

    @property
    def ideal_seconds(self) -> float:
        """The shortest possible time: each request is sent as soon as the quota allows it."""
        manifests = [task["manifest"] for task in self.measured]
        used = {key: sum(manifest[key] for manifest in manifests) for key in ("calls", "input_tokens", "output_tokens")}
        calls = max(1, used["calls"])
        work = Work(
            calls=self.documents,
            concurrency=self.concurrency * self.tasks,
            seconds=self.latency_seconds or 0.0,
            input_tokens=used["input_tokens"] // calls,
            max_tokens=self.use_case.synthesis.max_tokens,
            output_tokens=used["output_tokens"] // calls,
        )
        return ideal_seconds(work, self.quota)

    def plain_boto3(self, *, retries: str = "standard") -> dict[str, Any]:
        """Make the same number of calls with plain boto3, and return the server's counts."""
        self.reset()
        arguments = ["--documents", self.documents, "--concurrency", self.concurrency, "--retries", retries]
        run(BOTO3_SCRIPT, *arguments, endpoint=self.bench.model.url, state=self.bench.state)
        return self.bench.model.counts()

    def span(self, name: str, target: float, *, other: float | None = None, ideal: float | None = None) -> Figure:
        """Return a figure: the time from the first request to the last answer, as a multiple of the ideal time."""
        ideal_span = ideal or self.ideal_seconds
        return Figure(
            name=f"{name}: span",
            ours=self.span_seconds / ideal_span,
            ideal=1.0,
            unit="× ideal",
            target=target,
            other=None if other is None else other / ideal_span,
            note=f"{self.span_seconds:.2f} s, ideally {ideal_span:.2f} s; {self.counts['requests']} requests",
        )

    def rejected(self, name: str) -> Figure:
        """Return the figure for the number of rejected calls; the target is 0."""
        return Figure(f"{name}: rejected calls", self.counts["rejected"], 0, "calls", 0)


def unlimited(bench: Bench, concurrency: int, target: float) -> Sequence[Figure]:
    """Measure one task without a quota, to see how much time our code adds to the time of the calls."""
    measured = Run(bench, concurrency, bench.sizes.documents).go()
    ideal = bench.sizes.documents * bench.sizes.latency_seconds / concurrency
    other = measured.plain_boto3()["span_seconds"]
    return [measured.span(f"one process, concurrency {concurrency}, no quota", target, other=other, ideal=ideal)]


def stated(bench: Bench, name: str, pacing: Pacing, documents: int, target: float) -> Sequence[Figure]:
    """Measure one task whose use case states the quota."""
    measured = Run(bench, 50, documents, pacing).go()
    return [measured.span(f"one process, {name}, stated", target), measured.rejected(f"one process, {name}, stated")]


def not_stated(bench: Bench) -> Sequence[Figure]:
    """Measure one task whose use case does not state the quota. Compare it with plain boto3 with adaptive retries."""
    measured = Run(bench, 50, bench.sizes.documents, Pacing(requests_per_minute=600, stated=False)).go()
    other = measured.plain_boto3(retries="adaptive")
    name = "one process, 600 RPM, not stated"
    share, theirs = (100 * counts["rejected"] / counts["requests"] for counts in (measured.counts, other))
    rejected = Figure(f"{name}: rejected calls", share, 0, "% of calls", 5, other=theirs)
    return [measured.span(name, 1.10, other=other["span_seconds"]), rejected]


def shared(bench: Bench) -> Sequence[Figure]:
    """Measure four tasks, each in its own process, that share a quota."""
    measured = Run(bench, 13, bench.sizes.documents, Pacing(requests_per_minute=600), tasks=4).go()
    name = "four mapped tasks sharing 600 RPM, stated"
    return [measured.span(name, 1.15), measured.rejected(name)]


def killed(bench: Bench) -> Sequence[Figure]:
    """Kill the task halfway through the documents, run it again, and count the documents that are paid for twice."""
    measured = Run(bench, 50, bench.sizes.documents)
    (process,) = measured.start()
    while (counts := bench.model.counts())["billed"] - counts["in_flight"] < bench.sizes.documents // 2:
        if process.poll() is not None:
            raise MeasurementError(
                f"The task ended before it was killed, so nothing was measured. It returned {finish(process)}."
            )
        time.sleep(POLL_SECONDS)
    process.kill()
    in_flight = bench.model.counts()["peak_in_flight"]  # an answer on its way back to the task counts as in flight
    process.communicate()
    measured.go()
    return [
        Figure(
            name="SIGKILL halfway, then run again: documents paid for twice",
            ours=measured.counts["paid_again"],
            ideal=0,
            unit="documents",
            target=in_flight,
            note=f"at most {in_flight} calls in flight; {measured.counts['billed']} calls paid for in the two runs",
        )
    ]


def memory(bench: Bench) -> Sequence[Figure]:
    """Measure the memory of a task with many documents, not counting the imports of Airflow and its amazon provider."""
    many, few = (
        Run(bench, 200, documents, latency_seconds=bench.sizes.latency_seconds / 5).go().measured[0]
        for documents in (bench.sizes.many_documents, bench.sizes.many_documents // 10)
    )
    milliseconds = 1000 * many["cpu_seconds"] / bench.sizes.many_documents
    return [
        Figure(
            name=f"peak memory beyond Airflow's imports, {bench.sizes.many_documents:,} documents, concurrency 200",
            ours=many["peak_mb"] - many["airflow_mb"],
            ideal=None,
            unit="MB",
            target=150,
            note=f"{few['peak_mb'] - few['airflow_mb']:.0f} MB with a tenth of the documents; Airflow's imports"
            f" {many['airflow_mb']:.0f} MB; {milliseconds:.1f} ms of CPU per document",
        )
    ]
