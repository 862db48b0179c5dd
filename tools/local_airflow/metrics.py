"""Send the metrics of a local Airflow to a program on this machine, if a person asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.distill.core.errors import InputError
from tools.local_airflow.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping

METRICS = "DISTILL_METRICS"
_KINDS = ("otel", "statsd")


def metrics_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """
    Return the variables that switch on Airflow's metrics as ``DISTILL_METRICS`` says; none if it is not set.

    The metrics of simulated runs are sent only to this machine, so that they do not reach the metrics of real runs.

    :raises InputError: the value is not ``otel:<port>`` or ``statsd:<port>``.
    """
    text = environ.get(METRICS, "").strip()
    if not text:
        return {}
    kind, _, port = text.partition(":")
    if kind not in _KINDS or not (port.isascii() and port.isdigit()) or not 0 < int(port) <= 65535:
        raise InputError(
            f"{METRICS}={text!r} must be otel:<port> or statsd:<port>, such as otel:4318. Nothing was started. "
            "Correct the value or do not set the variable."
        )
    if kind == "statsd":
        return {
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": LOOPBACK,
            "AIRFLOW__METRICS__STATSD_PORT": port,
            "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED": "True",  # without tags, values of use cases are mixed up
        }
    return {
        "AIRFLOW__METRICS__OTEL_ON": "True",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"http://{LOOPBACK}:{port}/v1/metrics",
        "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/protobuf",
        # Each task is a process with counters of its own, so a counter is sent as what was added.
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
    }
