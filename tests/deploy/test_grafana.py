"""The dashboard and the mapping for statsd_exporter use the documented metrics. Neither Grafana nor Prometheus runs."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from include.distill.core.metrics import METRICS, Metric
from include.distill.core.paths import PROJECT_ROOT
from tests.docs.pages import page

FOLDER = PROJECT_ROOT / "deploy" / "grafana"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "distill.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
CHARTS = [panel for panel in PANELS if panel["type"] != "row"]
WIDTH = 24  # columns of a dashboard


def prometheus_name(metric: Metric) -> str:
    name = f"airflow.{metric.name}".replace(".", "_")
    return f"{name}_total" if metric.kind == "counter" else name


IN_PROMETHEUS = {prometheus_name(metric): metric for metric in METRICS}


def _queries() -> Iterator[str]:
    for chart in CHARTS:
        for target in chart["targets"]:
            yield target["expr"]
    yield from re.findall(r"\| `([^`]*airflow_distill[^`]*\([^`]*)` \|", page("how-to/monitor.md"))


QUERIES = list(_queries())


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_uses_documented_metrics_with_their_own_tags(query: str) -> None:
    used = re.findall(r"\bairflow_\w+", query)
    assert used
    assert set(used) <= set(IN_PROMETHEUS)
    tags = set.intersection(*(set(IN_PROMETHEUS[name].tags) for name in used))
    matched = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", query)
    grouped = [name.strip() for names in re.findall(r"\bby \(([^)]*)\)", query) for name in names.split(",")]
    assert {*matched, *grouped} <= tags


@pytest.mark.parametrize("query", QUERIES)
def test_only_counters_are_increased(query: str) -> None:
    increased = set(re.findall(r"increase\((\w+)", query))
    used = set(re.findall(r"\bairflow_\w+", query))
    assert increased == {name for name in used if IN_PROMETHEUS[name].kind == "counter"}


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart["title"])
def test_the_legend_of_a_query_names_labels_that_its_result_has(chart: dict[str, Any]) -> None:
    for target in chart["targets"]:
        grouped = re.search(r"\bby \(([^)]*)\)", target["expr"])
        (name,) = re.findall(r"\bairflow_\w+", target["expr"])
        labels = {one.strip() for one in grouped[1].split(",")} if grouped else set(IN_PROMETHEUS[name].tags)
        named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        assert named
        assert named <= labels


def test_every_metric_is_on_the_dashboard() -> None:
    shown = {name for query in QUERIES for name in re.findall(r"\bairflow_\w+", query)}
    assert shown == set(IN_PROMETHEUS)


def test_the_dashboard_has_the_parts_that_an_import_needs() -> None:
    assert {"title": str, "uid": str, "schemaVersion": int, "version": int}.items() <= {
        key: type(value) for key, value in DASHBOARD.items()
    }.items()
    assert "id" not in DASHBOARD  # Grafana gives the dashboard an id of its own
    source, use_case = DASHBOARD["templating"]["list"]
    assert (source["name"], source["type"], source["query"]) == ("datasource", "datasource", "prometheus")
    assert use_case["definition"] == "label_values(airflow_distill_estimated_usd, use_case)"
    assert "use_case" in IN_PROMETHEUS["airflow_distill_estimated_usd"].tags


def test_panels_have_ids_of_their_own_and_queries_of_the_chosen_data_source() -> None:
    ids = [panel["id"] for panel in PANELS]
    assert len(set(ids)) == len(ids)
    for chart in CHARTS:
        letters = [target["refId"] for target in chart["targets"]]
        assert letters
        assert len(set(letters)) == len(letters)
        assert {chart["datasource"]["uid"], *(target["datasource"]["uid"] for target in chart["targets"])} == {
            "${datasource}"
        }
        assert chart["title"]
        assert chart["description"]


def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
    place = panel["gridPos"]
    rows = range(place["y"], place["y"] + place["h"])
    return set(itertools.product(range(place["x"], place["x"] + place["w"]), rows))


def test_no_panel_covers_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        assert not cells(panel) & taken, panel["title"]
        taken |= cells(panel)
    assert max(column for column, _ in taken) < WIDTH


def test_the_mapping_names_every_counter_as_opentelemetry_does() -> None:
    rules = yaml.safe_load((FOLDER / "statsd_mapping.yaml").read_text(encoding="utf-8"))["mappings"]
    assert rules == [
        {"match": f"airflow.{metric.name}", "match_metric_type": "counter", "name": prometheus_name(metric)}
        for metric in METRICS
        if metric.kind == "counter"
    ]
