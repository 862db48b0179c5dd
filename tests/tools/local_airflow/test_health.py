"""Airflow's health is read for every component, and the heartbeat of a process that has ended does not count."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tools.local_airflow.health import REPORTED, Problem, find_problems

BEAT = "2026-11-26T02:33:44.123456+00:00"


def answer(**changes: Any) -> dict[str, Any]:
    components = {key: {"status": "healthy", f"latest_{key}_heartbeat": BEAT} for key in REPORTED.values()}
    return {"metadatabase": {"status": "healthy"}, **components, **changes}


def test_a_healthy_airflow_has_no_problem() -> None:
    assert find_problems(answer()) == []


@pytest.mark.parametrize(("component", "key"), REPORTED.items())
def test_each_component_without_a_recent_heartbeat_is_named_with_its_last_one(component: str, key: str) -> None:
    stalled = {key: {"status": "unhealthy", f"latest_{key}_heartbeat": BEAT}}
    assert find_problems(answer(**stalled)) == [Problem(component, "has sent no heartbeat since 02:33:44 UTC")]


@pytest.mark.parametrize(
    "never", [{"status": None}, {"status": "unhealthy"}, {"status": None, "latest_triggerer_heartbeat": None}, None]
)
def test_a_component_that_has_never_sent_a_heartbeat_is_not_healthy(never: Any) -> None:
    problem = Problem("triggerer", "has not sent a heartbeat since it was started")
    assert find_problems(answer(triggerer=never)) == [problem]


def test_a_heartbeat_of_an_earlier_process_does_not_count() -> None:
    later = datetime(2026, 11, 26, 2, 33, 50, tzinfo=UTC)
    earlier = datetime(2026, 11, 26, 2, 33, 40, tzinfo=UTC)
    problem = Problem("scheduler", "has not sent a heartbeat since it was started")
    assert find_problems(answer(), {"scheduler": later, "triggerer": earlier}) == [problem]


@pytest.mark.parametrize(
    ("health", "text"),
    [
        pytest.param(None, "does not answer", id="no answer"),
        pytest.param(answer(metadatabase={"status": "unhealthy"}), "cannot read the metadata database", id="database"),
        pytest.param({}, "cannot read the metadata database", id="empty answer"),
    ],
)
def test_without_an_answer_or_a_database_the_api_server_is_named(health: Any, text: str) -> None:
    assert find_problems(health) == [Problem("api-server", text)]
