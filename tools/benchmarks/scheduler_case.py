"""Measure the synthesis step through Airflow's scheduler: our step and the provider's operator in the same Airflow."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import httpx

from include.distill.core.paths import PROJECT_ROOT
from include.distill.inference.pools import required_pools
from tools.benchmarks.bench import Bench
from tools.benchmarks.figures import Figure
from tools.benchmarks.fixtures import bench_use_case, prepare_run
from tools.benchmarks.folder_store import FolderStore
from tools.benchmarks.processes import MeasurementError, Server, server
from tools.local_airflow.airflow_api import FINISHED_RUN_STATES, AirflowApi
from tools.local_airflow.environment import PARALLELISM, build_environment, load_keys
from tools.local_airflow.ports import Ports, free_ports
from tools.local_airflow.processes import Component, ProcessGroup, wait_until
from tools.local_airflow.settings import Layout
from tools.local_airflow.stack import airflow, airflow_component, airflow_version, copy_database

DAGS = PROJECT_ROOT / "tests" / "tools" / "benchmarks" / "dags"
SERVICES = ("api-server", "dag-processor", "scheduler")
DAG_IDS = ("bench_ours", "bench_provider")
READY_SECONDS = 240.0
RUN_SECONDS = 1800.0
CONCURRENCY = 50
TASKS = 5


def through_the_scheduler(bench: Bench) -> Sequence[Figure]:
    """Measure a step through Airflow: the time from the end of the task before it to the end of its last task."""
    documents = bench.sizes.documents
    ideal = documents * bench.sizes.latency_seconds / CONCURRENCY
    with server("object_server") as objects, _airflow(bench, objects) as api:
        bench.model.reset(latency_seconds=bench.sizes.latency_seconds)
        ours = _step_seconds(api, DAG_IDS[0])
        span, paid = (bench.model.counts()[key] for key in ("span_seconds", "billed"))
        _require(paid == documents, f"our step paid for {paid} calls instead of {documents}, one per document")
        bench.model.reset(latency_seconds=bench.sizes.latency_seconds)
        provider = _step_seconds(api, DAG_IDS[1])
        paid = bench.model.counts()["billed"]
        _require(
            paid == documents, f"the provider's step paid for {paid} calls instead of {documents}, one per document"
        )
    where = f"{TASKS} tasks with {CONCURRENCY // TASKS} calls each at a time; LocalExecutor, parallelism {PARALLELISM}"
    return [
        Figure(
            name="through the scheduler: speedup over the provider's operator",
            ours=provider / ours,
            ideal=provider / ideal,
            other=1.0,
            unit="×",
            target=12,
            at_least=True,
            note=f"ours {ours:.1f} s, provider's {provider:.1f} s; objects in tools.benchmarks.object_server",
        ),
        Figure(
            name="through the scheduler: whole synthesis step",
            ours=ours / ideal,
            ideal=1.0,
            other=provider / ideal,
            unit="× ideal",
            target=1.8,
            note=f"{ours:.1f} s, ideally {ideal:.1f} s; the model calls took {span:.1f} s; {where}",
        ),
    ]


@contextmanager
def _airflow(bench: Bench, objects: Server) -> Iterator[AirflowApi]:
    """Run Airflow with both DAGs unpaused until the end of the ``with`` block."""
    layout = Layout(dags=DAGS, state=bench.state / "scheduler")
    if layout.state.exists():
        shutil.rmtree(layout.state / "airflow" / "logs", ignore_errors=True)
    _put_run(bench, objects)
    ports = Ports(api=free_ports().api, simulator=int(urlsplit(objects.url).port or 0))
    group = ProcessGroup(layout, _environment(bench, layout, ports))
    try:
        _create_database(group, layout)
        for name in SERVICES:
            group.start(airflow_component(name))
        api = AirflowApi(ports.ui_url)
        wait_until(api.is_up, f"Airflow's API (logs: {layout.logs})", READY_SECONDS, check=group.check)
        for name, settings in required_pools([bench_use_case()]).items():
            api.ensure_pool(name, settings)
        for dag_id in DAG_IDS:
            is_loaded = partial(_is_loaded, api, dag_id)
            wait_until(is_loaded, f"the DAG {dag_id} (logs: {layout.logs})", READY_SECONDS, check=group.check)
            api.unpause(dag_id)
        yield api
    finally:
        group.close()


def _is_loaded(api: AirflowApi, dag_id: str) -> bool:
    return api.find_dag(dag_id) is not None


def _create_database(group: ProcessGroup, layout: Layout) -> None:
    database = layout.database
    template = database.with_name(f"template-{airflow_version()}.db")
    for suffix in (".db", ".db-wal", ".db-shm"):
        database.with_suffix(suffix).unlink(missing_ok=True)
    if template.exists():
        copy_database(template, database)
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    group.start(Component("migrate", airflow("db", "migrate"), 1.0))
    group.finish("migrate", READY_SECONDS)
    copy_database(database, template)


def _environment(bench: Bench, layout: Layout, ports: Ports) -> dict[str, str]:
    base = build_environment(os.environ, layout=layout, ports=ports, keys=load_keys(layout.secrets), schedules="off")
    return {
        **base,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": bench.model.url,
        "PYTHONPATH": os.pathsep.join([str(PROJECT_ROOT), str(PROJECT_ROOT / "plugins")]),
        "BENCH_DOCUMENTS": str(bench.sizes.documents),
        "BENCH_TASKS": str(TASKS),
    }


def _put_run(bench: Bench, objects: Server) -> None:
    folder = bench.fresh_folder("scheduler-objects")
    use_case = bench_use_case(fan_out={"max_tasks": TASKS, "concurrency": CONCURRENCY // TASKS})
    prepare_run(FolderStore(folder), use_case, documents=bench.sizes.documents, tasks=0)
    with httpx.Client(base_url=objects.url, timeout=30, trust_env=False) as client:
        for path in (path for path in folder.rglob("*") if path.is_file()):
            url = f"/{path.relative_to(folder).as_posix()}"
            client.put(url, content=path.read_bytes()).raise_for_status()


def _step_seconds(api: AirflowApi, dag_id: str) -> float:
    """Run a DAG and return the duration of its step, from the times that Airflow recorded."""
    now = datetime.now(UTC)
    run_id = f"bench__{now:%H%M%S}"
    api.trigger(dag_id, run_id, logical_date=now.isoformat(), conf={})
    deadline = time.monotonic() + RUN_SECONDS
    while (state := api.run_state(dag_id, run_id)) not in FINISHED_RUN_STATES:
        _require(time.monotonic() < deadline, f"the run of {dag_id} was still {state} after {RUN_SECONDS:.0f} s")
        time.sleep(2)
    instances = api.task_instances(dag_id, run_id)
    _require(state == "success", f"the run of {dag_id} ended with the state {state}")
    return step_seconds(instances)


def step_seconds(instances: Sequence[Mapping[str, Any]]) -> float:
    """Return the seconds from the end of the task named ``before`` to the end of the last mapped ``synthesize``."""

    def ends(task_id: str) -> list[datetime]:
        return [datetime.fromisoformat(row["end_date"]) for row in instances if row["task_id"] == task_id]

    return (max(ends("synthesize")) - max(ends("before"))).total_seconds()


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise MeasurementError(f"The benchmark through the scheduler has no valid result: {message}.")
