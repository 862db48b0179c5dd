"""The routes under /_admin."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.aws_simulator import AdminError, RunningSimulator


@pytest.mark.parametrize(
    ("method", "path", "body", "complaint"),
    [
        pytest.param("POST", "faults", [{"kind": "explode"}], "kind", id="unknown kind"),
        pytest.param("POST", "faults", {"kind": "throttle", "when": 1}, "when", id="unknown key"),
        pytest.param("PUT", "settings", {"job_seconds": -1}, "job_seconds", id="setting out of range"),
        pytest.param("PUT", "settings", {"speed": 1}, "speed", id="unknown setting"),
        pytest.param("PUT", "settings", [1], "JSON object", id="no object"),
        pytest.param("GET", "nothing", None, "Not Found", id="unknown route"),
    ],
)
def test_a_wrong_admin_request_is_refused_and_changes_nothing(
    simulator: RunningSimulator, method: str, path: str, body: Any, complaint: str
) -> None:
    before = simulator.admin("GET", "settings")
    with pytest.raises(AdminError, match=complaint):
        simulator.admin(method, path, body)
    assert simulator.admin("GET", "settings") == before
    assert simulator.admin("GET", "faults") == []


def test_the_health_route_answers(simulator: RunningSimulator) -> None:
    assert simulator.admin("GET", "health") == {"status": "ok", "simulated": True}
