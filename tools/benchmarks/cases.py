"""List every case with its targets and the function that measures it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from tools.benchmarks.bench import Bench
from tools.benchmarks.dag_cases import dag_imports, xcom
from tools.benchmarks.doubling_cases import doubling
from tools.benchmarks.figures import Figure
from tools.benchmarks.rows_cases import many_rows
from tools.benchmarks.scheduler_case import through_the_scheduler
from tools.benchmarks.synthesis_cases import Pacing, killed, memory, not_stated, shared, stated, unlimited


@dataclass(frozen=True)
class Case:
    """A measurement that yields one or more figures."""

    name: str
    measure: Callable[[Bench], Sequence[Figure]]


def stated_rpm(bench: Bench, rpm: float, target: float, *, tight: bool = False) -> Sequence[Figure]:
    """Measure a task whose use case states a quota of requests per minute."""
    documents = bench.sizes.tight_documents if tight else bench.sizes.documents
    return stated(bench, f"{rpm:.0f} RPM", Pacing(requests_per_minute=rpm), documents, target)


def stated_tpm(bench: Bench, tpm: float, target: float) -> Sequence[Figure]:
    """Measure a task whose use case states a quota of tokens per minute. This quota is the bottleneck."""
    return stated(bench, f"{tpm:,.0f} TPM", Pacing(tokens_per_minute=tpm), bench.sizes.documents, target)


CASES = (
    Case("concurrency 50", partial(unlimited, concurrency=50, target=1.05)),
    Case("concurrency 200", partial(unlimited, concurrency=200, target=1.35)),
    Case("600 RPM stated", partial(stated_rpm, rpm=600, target=1.02)),
    Case("120 RPM stated", partial(stated_rpm, rpm=120, target=1.02, tight=True)),
    Case("TPM stated", partial(stated_tpm, tpm=600_000, target=1.05)),
    Case("600 RPM not stated", not_stated),
    Case("four tasks", shared),
    Case("SIGKILL", killed),
    Case("memory", memory),
    Case("scheduler", through_the_scheduler),
    Case("DAG imports", dag_imports),
    Case("XCom", xcom),
    Case("100,000 rows", many_rows),
    Case("doubling", doubling),
)
