"""Receivers on loopback get the metrics of real tasks through Airflow's own StatsD and OpenTelemetry clients."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from include.distill.core.paths import PROJECT_ROOT

ANSWER = "use_case=aws_docs_qa,step=answer,model=nova-micro"
PAIR_OF_ARMS = "use_case=aws_docs_qa,judge=nova-pro,candidate=tuned,baseline=base"
# What `tests.fakes.metrics_process` does, as names, tags and values.
EXPECTED = {
    ("distill.calls", ANSWER): 1,
    ("distill.calls_rejected", f"{ANSWER},reason=throttled"): 1,
    ("distill.cost_usd", "use_case=aws_docs_qa,kind=training"): 1.25,
    ("distill.cost_usd", "use_case=aws_docs_qa,kind=judges"): 0,
    ("distill.half_win_rate", PAIR_OF_ARMS): 0.625,
    ("distill.half_win_low", PAIR_OF_ARMS): 0.5,
    ("distill.half_win_high", PAIR_OF_ARMS): 0.75,
    ("distill.runs", "use_case=aws_docs_qa,state=succeeded"): 1,
}


def run_tasks(settings: dict[str, str]) -> None:
    """Run the tasks in a process with these environment variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW__METRICS__", "OTEL_"))}
    path = [str(PROJECT_ROOT), str(PROJECT_ROOT / "plugins"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **kept,
        **settings,
        "PYTHONPATH": os.pathsep.join(path),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.fakes.metrics_process"],
        cwd=PROJECT_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "were not sent" not in done.stdout + done.stderr
    assert "Invalid stat name" not in done.stdout + done.stderr


@pytest.fixture
def statsd() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        yield receiver


def statsd_settings(receiver: socket.socket) -> dict[str, str]:
    return {
        "AIRFLOW__METRICS__STATSD_ON": "True",
        "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
        "AIRFLOW__METRICS__STATSD_PORT": str(receiver.getsockname()[1]),
    }


def packets(receiver: socket.socket) -> list[str]:
    found: list[str] = []
    while True:
        try:
            found += receiver.recv(65536).decode().splitlines()
        except BlockingIOError:
            return found


def test_a_statsd_server_gets_the_metrics_with_tags(statsd: socket.socket) -> None:
    run_tasks({**statsd_settings(statsd), "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED": "True"})
    sent = [line for line in packets(statsd) if line.startswith("airflow.distill.")]
    lines = [re.fullmatch(r"airflow\.(distill\.\w+),(\S+):([0-9.]+)\|([cg])", line) for line in sent]
    received = {(line[1], line[2]): float(line[3]) for line in lines if line}
    assert None not in lines
    counters = [line for line in sent if line.endswith("|c")]
    assert len(set(counters)) == len(counters)  # none was sent twice
    assert EXPECTED.items() <= received.items()
    assert received["distill.run_seconds", "use_case=aws_docs_qa,state=succeeded"] > 0


def test_without_tags_statsd_cannot_tell_two_use_cases_apart(statsd: socket.socket) -> None:
    """The how-to says so. If Airflow changes this, the advice there can become shorter."""
    run_tasks(statsd_settings(statsd))
    assert "airflow.distill.calls:1|c" in packets(statsd)


@contextmanager
def collector() -> Iterator[tuple[int, list[bytes]]]:
    """Run a collector for OpenTelemetry on loopback; yield its port and the bodies that it got."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/metrics"
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, bodies
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def points(body: bytes) -> Iterator[tuple[tuple[str, str], float]]:
    """Yield the name, the tags and the value of each point in a request to a collector."""
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    request = ExportMetricsServiceRequest.FromString(body)
    for resource in request.resource_metrics:
        for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
            for point in (*metric.sum.data_points, *metric.gauge.data_points):
                tags = ",".join(f"{tag.key}={tag.value.string_value}" for tag in point.attributes)
                value = point.as_int if point.WhichOneof("value") == "as_int" else point.as_double
                yield (metric.name.removeprefix("airflow."), tags), value


def test_a_collector_of_opentelemetry_gets_the_metrics_with_tags() -> None:
    with collector() as (port, bodies):
        run_tasks(
            {
                "AIRFLOW__METRICS__OTEL_ON": "True",
                "AIRFLOW__METRICS__OTEL_HOST": "127.0.0.1",
                "AIRFLOW__METRICS__OTEL_PORT": str(port),
            }
        )
    received = dict(point for body in bodies for point in points(body))
    assert EXPECTED.items() <= received.items()


def test_without_metrics_nothing_is_sent_and_the_tasks_succeed(statsd: socket.socket) -> None:
    run_tasks({**statsd_settings(statsd), "AIRFLOW__METRICS__STATSD_ON": "False"})
    assert packets(statsd) == []
