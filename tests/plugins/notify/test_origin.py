from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_distill.notify.origin import calls_simulator, origin_of, ui_address


def clients(url: str) -> Any:
    client = SimpleNamespace(meta=SimpleNamespace(endpoint_url=url))
    return SimpleNamespace(client=lambda service: client)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://bedrock.us-east-1.amazonaws.com", False),
        ("https://vpce-1.bedrock.us-east-1.vpce.amazonaws.com", False),
        ("http://127.0.0.1:8090", True),
        ("http://simulator:8090", True),
    ],
)
def test_a_host_that_is_not_of_aws_is_a_simulator(url: str, expected: bool) -> None:
    assert calls_simulator(lambda: clients(url)) is expected


def test_a_connection_that_cannot_be_read_prevents_no_message() -> None:
    def fail() -> Any:
        raise LookupError("no connection")

    assert calls_simulator(fail) is False


def test_the_origin_is_the_task_of_the_context(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com/team/")
    ti = SimpleNamespace(dag_id="distill_a", run_id="run", task_id="judge.nova", map_index=2)
    context: Any = {"ti": ti, "task": SimpleNamespace(hook=clients("http://localhost:1"))}
    origin = origin_of(context, "a")
    assert (origin.use_case, origin.simulated, origin.place.name) == ("a", True, "judge.nova[2]")
    assert origin.place.run == "https://airflow.example.com/team/dags/distill_a/runs/run"
    assert origin_of(context, "a", simulated=False).simulated is False
    assert origin_of({**context, "ti": SimpleNamespace(**{**vars(ti), "map_index": None})}).place.map_index == -1


def test_the_address_of_the_ui_may_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "/")
    assert ui_address() == ""
