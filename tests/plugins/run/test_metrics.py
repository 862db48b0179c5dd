from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from airflow.sdk._shared.observability.metrics.statsd_logger import SafeStatsdLogger

from bedrock_distill.run import metrics
from bedrock_distill.run.metrics import MAX_TAG_LENGTH, counted_calls, counted_run, emit
from include.distill.core.metrics import COST_USD, METRICS, PROMOTIONS, PURCHASES, Sample
from tests.fakes.recorded_stats import RecordedStats

LONG = "a" * 300


class Packets:
    """Takes the place of a StatsD client: keeps the names, which contain the tags."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def incr(self, stat: str, count: int, rate: float) -> None:
        self.sent.append(stat)

    def gauge(self, stat: str, value: float, rate: float, delta: bool) -> None:
        self.sent.append(stat)


@pytest.fixture
def packets(monkeypatch: pytest.MonkeyPatch) -> Packets:
    """What Airflow's own class for StatsD passes on, after it has checked names and tags."""
    client: Any = Packets()
    checked = SafeStatsdLogger(client, influxdb_tags_enabled=True, statsd_influxdb_enabled=True)
    monkeypatch.setattr(metrics, "Stats", checked)
    packets: Packets = client
    return packets


def sample(kind: str = "training", value: float = 1.5, use_case: str = "faq") -> Sample:
    return Sample(COST_USD, value, {"kind": kind, "use_case": use_case})


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
@pytest.mark.parametrize("value", [LONG, "nova pro:v1,0=x", "Ünïcode", ""], ids=["long", "characters", "letters", "no"])
def test_airflow_sends_every_metric_whatever_its_tags_contain(packets: Packets, metric: Any, value: str) -> None:
    emit([Sample(metric, 1, dict.fromkeys(metric.tags, value))])
    [sent] = packets.sent
    name, *tags = sent.split(",")
    assert name == metric.name
    assert [tag.split("=")[0] for tag in tags] == list(metric.tags)
    assert all(0 < len(tag.split("=")[1]) <= MAX_TAG_LENGTH for tag in tags)


def test_two_long_values_stay_different(packets: Packets) -> None:
    emit([sample(f"{LONG}-1"), sample(f"{LONG}-2")])
    assert len(set(packets.sent)) == 2


def test_short_values_are_not_changed(sent_metrics: RecordedStats) -> None:
    emit([sample("nova-pro_v1.0")])
    assert sent_metrics.values == {"distill.cost_usd": {"nova-pro_v1.0": 1.5}}


def test_counters_add_up_and_gauges_are_replaced(sent_metrics: RecordedStats) -> None:
    bought = Sample(PURCHASES, 2, {"use_case": "faq", "kind": "training job"})
    emit([bought, bought, sample(value=1.0), sample(value=2.0)])
    assert sent_metrics.values == {"distill.purchases": {"training_job": 4}, "distill.cost_usd": {"training": 2.0}}


def test_a_counter_that_did_not_grow_is_not_sent_but_a_gauge_of_zero_is(sent_metrics: RecordedStats) -> None:
    emit([Sample(PROMOTIONS, 0, {"use_case": "faq"}), sample(value=0.0)])
    assert sent_metrics.values == {"distill.cost_usd": {"training": 0.0}}


def test_a_metric_that_cannot_be_sent_is_only_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def gauge(self, *_: Any, **__: Any) -> None:
            raise OSError("no route to host")

    monkeypatch.setattr(metrics, "Stats", Broken())
    with caplog.at_level(logging.WARNING):
        emit([sample()])
    assert "no route to host" in caplog.text


def test_figures_that_cannot_be_computed_are_only_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    def samples() -> Iterator[Sample]:
        yield sample()
        raise KeyError("candidate")

    with caplog.at_level(logging.WARNING):
        emit(samples())
    assert "candidate" in caplog.text


class TestDecorators:
    def test_the_error_of_the_task_is_kept_if_its_metrics_fail_too(self, caplog: pytest.LogCaptureFixture) -> None:
        class Task:
            @counted_calls("answer")
            def execute(self, context: Any) -> None:
                raise ValueError("the task's own error")

        with caplog.at_level(logging.WARNING), pytest.raises(ValueError, match="the task's own error"):
            Task().execute({})  # the task has neither `asked` nor a use case
        assert "Metrics were not sent" in caplog.text

    def test_the_result_of_the_last_task_is_kept(self, caplog: pytest.LogCaptureFixture) -> None:
        class Task:
            @counted_run
            def execute(self, context: Any) -> str:
                return "result"

        with caplog.at_level(logging.WARNING):
            assert Task().execute({}) == "result"
        assert "Metrics were not sent" in caplog.text
