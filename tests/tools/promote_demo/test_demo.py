"""The demonstration shows what the rule decided, calls the endpoint, and rolls back to what the record names."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tools.local_airflow.ports import Ports
from tools.local_airflow.runs import FollowedRun
from tools.local_airflow.settings import Layout
from tools.promote_demo import demo as module
from tools.promote_demo.demo import ALL, FEW, Demo, DemoError, record_uris

URIS = record_uris(Layout())
ENDPOINT = {"arn": "arn:deployment/champion", "region": "us-east-1"}
PROMPT = {"system": "Be brief.", "user": "<document>D</document>\n<question>\nWhat?\n</question>", "max_tokens": 9}
REPORT = {
    "verdict": "No difference.",
    "promotion": {"decisions": [{"candidate": "tuned", "promoted": False, "reasons": ["judge: lower bound 0.49"]}]},
}


class FakeStack:
    ports = Ports(api=1, simulator=2)

    def __init__(self) -> None:
        self.layout = Layout()
        self.api: Any = self
        self.triggered: list[tuple[str, dict[str, Any]]] = []

    def trigger(self, dag_id: str, run_id: str, *, logical_date: str, conf: dict[str, Any]) -> None:
        self.triggered.append((dag_id, conf))


class World:
    """The objects in the simulated account, the state in which runs end, and the calls of the application."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self.state = "success"
        self.asked: list[tuple[str, str]] = []

    def read(self, uri: str) -> str:
        if uri not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": uri}}, "GetObject")
        return json.dumps(self.objects[uri])

    def ask(self, arn: str, *, instruction: str, prompt: str, region: str) -> str:
        self.asked.append((arn, prompt))
        return f"{instruction} An answer from {region}."


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(module, "read_object", world.read)
    monkeypatch.setattr(module, "ask", world.ask)
    monkeypatch.setattr(module, "trigger_run", lambda stack, request: f"run of {request.documents}")
    monkeypatch.setattr(
        module, "follow_run", lambda stack, dag_id, run_id, **_: FollowedRun(dag_id, run_id, world.state, 1.0)
    )
    monkeypatch.setattr(module, "explain_failure", lambda stack, run: "smoke: blank answer")
    monkeypatch.setattr(module, "fetch_report", lambda stack, run: REPORT)
    monkeypatch.setattr(module, "fetch_promotion", lambda stack, run: None)
    return world


@pytest.fixture
def demo(world: World) -> Demo:
    stack: Any = FakeStack()
    return Demo(stack, {}, 60, URIS)


def test_the_records_are_those_of_the_use_case() -> None:
    assert URIS.champion == "s3://bedrock-distill-training/distill/champions/promote_demo.json"
    assert URIS.prompts == "s3://bedrock-distill-training/distill/endpoints/promote_demo/smoke.json"


def test_the_runs_have_the_same_questions_and_other_documents() -> None:
    assert (FEW.conf, ALL.conf) == ({"documents": 40}, {})


def test_a_run_that_promotes_nothing_shows_the_reasons(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    demo.run("1. A run", FEW)
    printed = capsys.readouterr().out
    assert "Verdict (SIMULATED): No difference." in printed
    assert "No arm is promoted: tuned: judge: lower bound 0.49" in printed


def test_a_failed_run_ends_the_demonstration_with_the_reason(demo: Demo, world: World) -> None:
    world.state = "failed"
    with pytest.raises(DemoError, match=r"run of 40 of distill_promote_demo failed:\nsmoke: blank answer"):
        demo.run("1. A run", FEW)


def test_without_a_champion_there_is_nothing_to_call_or_to_roll_back(
    demo: Demo, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    demo.call("2. A call")
    demo.roll_back("5. A rollback")
    printed = capsys.readouterr().out
    assert "There is no endpoint to call" in printed
    assert "nothing to roll back" in printed
    assert (world.asked, demo.stack.api.triggered) == ([], [])


def test_all_calls_send_the_prompt_of_the_first_one(
    demo: Demo, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.objects = {URIS.champion: {"endpoint": ENDPOINT}, URIS.prompts: {"prompts": [PROMPT]}}
    demo.call("2. A call")
    world.objects[URIS.prompts] = {"prompts": [{**PROMPT, "user": "other"}]}
    demo.call("4. The same call")
    assert world.asked == [(ENDPOINT["arn"], PROMPT["user"])] * 2
    printed = capsys.readouterr().out
    assert "Question: What?" in printed
    assert "Answer (SIMULATED): Be brief. An answer from us-east-1." in printed


@pytest.mark.parametrize(("previous", "to"), [({"model_arn": "old"}, "previous"), (None, "current")])
def test_the_rollback_goes_to_the_champion_before_if_there_is_one(
    demo: Demo, world: World, previous: Any, to: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world.objects = {URIS.champion: {"model_arn": "new", "previous": previous}}
    demo.roll_back("5. A rollback")
    assert demo.stack.api.triggered == [("distill_rollback", {"use_case": "promote_demo", "to": to})]
    assert ("There is only one champion" in capsys.readouterr().out) is (previous is None)
