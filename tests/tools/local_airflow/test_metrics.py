from __future__ import annotations

import pytest

from include.distill.core.errors import InputError
from tests.plugins.run.test_metrics_arrive import EXPECTED, collector, points, run_tasks
from tests.tools.local_airflow.test_environment import build
from tools.local_airflow.metrics import METRICS, metrics_settings


def test_without_the_variable_no_metric_is_sent() -> None:
    assert metrics_settings({}) == {}
    assert not [name for name in build({}) if "METRICS" in name]


def test_metrics_are_sent_to_this_machine_even_if_the_shell_names_another_collector() -> None:
    shell = {METRICS: "otel:4318", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "https://metrics.real.example"}
    settings = build(shell)
    assert settings["AIRFLOW__METRICS__OTEL_ON"] == "True"
    assert settings["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] == "http://127.0.0.1:4318/v1/metrics"
    assert METRICS not in settings


def test_statsd_gets_metrics_with_tags() -> None:
    settings = build({METRICS: " statsd:8125 "})
    assert {name: value for name, value in settings.items() if "METRICS" in name} == {
        "AIRFLOW__METRICS__STATSD_ON": "True",
        "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
        "AIRFLOW__METRICS__STATSD_PORT": "8125",
        "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED": "True",
    }


@pytest.mark.parametrize("text", ["otel", "otel:", "otel:0", "otel:70000", "prometheus:9090", "4318"])
def test_another_value_is_refused_before_anything_starts(text: str) -> None:
    with pytest.raises(InputError, match="Nothing was started"):
        metrics_settings({METRICS: text})


def test_a_collector_gets_metrics_with_these_settings() -> None:
    with collector() as (port, bodies):
        run_tasks(metrics_settings({METRICS: f"otel:{port}"}))
    received = dict(point for body in bodies for point in points(body))
    assert EXPECTED.items() <= received.items()
