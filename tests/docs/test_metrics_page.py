"""The page of metrics lists the metrics that the code sends."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from include.distill.core.metrics import METRICS, Metric
from include.distill.core.paths import PROJECT_ROOT
from include.distill.core.records import BudgetKind
from include.distill.history.records import Measure, SpendingKind
from include.distill.inference.model_calls import REJECTION_REASONS
from tests.docs.pages import names, page, rows, section

PAGE = page("reference/metrics.md")
HEADINGS = {"counter": "## Counters", "gauge": "## Gauges"}
TAGS = {tag: row for row in rows(section(PAGE, "## Tags")) for tag in names(row[0])}


def documented(kind: str) -> dict[str, list[str]]:
    return {names(row[0])[0]: row for row in rows(section(PAGE, HEADINGS[kind]))}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_has_a_row_with_its_unit_tags_and_meaning(metric: Metric) -> None:
    row = documented(metric.kind)[metric.name]
    assert row[1:4] == [metric.unit, ", ".join(f"`{tag}`" for tag in metric.tags), metric.meaning]
    assert row[4]


@pytest.mark.parametrize("kind", HEADINGS)
def test_every_row_is_a_metric(kind: str) -> None:
    assert list(documented(kind)) == [metric.name for metric in METRICS if metric.kind == kind]


def test_every_tag_is_explained() -> None:
    assert set(TAGS) == {tag for metric in METRICS for tag in metric.tags}


@pytest.mark.parametrize(
    ("row", "values"),
    [
        ("`reason` of rejected calls", REJECTION_REASONS),
        ("`kind` of a cost", get_args(SpendingKind)),
        ("`measure`", get_args(Measure)),
        ("`kind` of a budget", get_args(BudgetKind)),
    ],
)
def test_the_values_of_a_tag_are_those_of_the_code(row: str, values: Any) -> None:
    cells = {cells[0]: cells[1] for cells in rows(section(PAGE, "## Tags"))}
    assert names(cells[row]) == list(values)


def test_compose_passes_on_the_variables_that_the_how_to_names() -> None:
    guide = page("how-to/monitor.md")
    named = {
        line.partition("=")[0]
        for heading in ("## OpenTelemetry", "## StatsD")
        for line in section(guide, heading).splitlines()
        if line.startswith(("AIRFLOW__METRICS__", "OTEL_"))
    }
    compose = (PROJECT_ROOT / "docker-compose.yaml").read_text(encoding="utf-8")
    example = (PROJECT_ROOT / ".env.example").read_text(encoding="utf-8")
    assert len(named) == 8
    assert {name for name in named if f"  {name}:\n" in compose} == named
    assert {name for name in named if f"#{name}=" in example} == named
