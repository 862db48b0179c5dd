"""Local commands approve what costs nothing in the simulated account, and otherwise say where to answer."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.api_fastapi.auth.tokens import JWTValidator
from starlette.requests import Request

from tools.local_airflow import questions as module
from tools.local_airflow.environment import load_keys
from tools.local_airflow.ports import Ports
from tools.local_airflow.questions import Questions, describe, local_user, sign_token
from tools.local_airflow.settings import Layout

NOW = datetime(2026, 11, 27, 2, 0, 10, tzinfo=UTC)
BODY = (
    r"**Full price: \$60.50**"
    "\n\n- the endpoint of tuned&lt;1&gt;: \\$60.50 per hour\n- approval\\.before\\_spending\n| a\\: b | 1 |"
)


class FakeStack:
    """A stack whose API lists prepared questions and records the answers and who gave them."""

    ports = Ports(api=8080, simulator=2)

    def __init__(self, state: Path) -> None:
        self.layout = Layout(state=state)
        self.api: Any = self
        self.is_signed_in = False
        self.open: list[dict[str, Any]] = []
        self.answers: list[tuple[str, ...]] = []
        self.tokens: list[str] = []

    def questions(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return self.open

    def as_user(self, token: str) -> FakeStack:
        self.tokens.append(token)
        return self

    def answer(self, *arguments: str) -> None:
        self.answers.append(arguments)
        for question in self.open:
            question["response_received"] = True


@pytest.fixture
def stack(tmp_path: Path) -> FakeStack:
    return FakeStack(tmp_path)


def question(task_id: str = "approve_spending", *, age: float = 10, state: str = "awaiting_input") -> dict[str, Any]:
    return {
        "subject": "May this run spend?",
        "body": BODY,
        "created_at": (NOW - timedelta(seconds=age)).isoformat(),
        "response_received": False,
        "task_instance": {"task_id": task_id, "state": state},
    }


def look(stack: FakeStack, *asked: dict[str, Any], asks_person: bool = False, times: int = 1) -> list[str]:
    stack.open = list(asked)
    watched = Questions(stack, "d 1", "r/1", asks_person=asks_person, now=lambda: NOW)
    instances = [one["task_instance"] for one in asked]
    return [note for _ in range(times) for note in watched.look(instances)]


def test_the_prices_are_printed_and_approved_by_a_named_user(stack: FakeStack) -> None:
    prices, note = look(stack, question(), times=3)
    assert "Full price: $60.50" in prices
    assert "- the endpoint of tuned<1>: $60.50 per hour" in prices
    assert "- approval.before_spending\n| a: b | 1 |" in prices
    assert note.startswith("Approved, because nobody is billed")
    assert stack.answers == [("d 1", "r/1", "approve_spending", "Approve")]
    assert len(stack.tokens) == 1


def test_a_rollback_is_approved_like_the_prices(stack: FakeStack) -> None:
    note = look(stack, question("approve_rollback"), times=3)[-1]
    assert note.startswith("Approved, because no application is served from the simulated account.")
    assert stack.answers == [("d 1", "r/1", "approve_rollback", "Approve")]


def test_a_client_that_is_signed_in_answers_as_its_own_user(stack: FakeStack) -> None:
    stack.is_signed_in = True
    look(stack, question())
    assert (len(stack.answers), stack.tokens) == (1, [])


def test_a_question_is_answered_only_when_airflow_can_take_the_answer(stack: FakeStack) -> None:
    """Airflow fails a task whose question is answered within about a second."""
    assert len(look(stack, question(age=4.9))) == 1
    assert stack.answers == []
    look(stack, question(age=5))
    assert len(stack.answers) == 1


@pytest.mark.parametrize("state", ["running", "success", "skipped"])
def test_a_question_of_a_task_that_does_not_wait_is_left_alone(stack: FakeStack, state: str) -> None:
    waiting = question("other")
    assert look(stack, question(state=state), waiting)[0].count("May this run spend?") == 1
    assert stack.answers == []


def test_a_question_that_is_answered_is_left_alone(stack: FakeStack) -> None:
    assert look(stack, {**question(), "response_received": True}) == []


@pytest.mark.parametrize(
    ("task_id", "asks_person"), [("approve_spending", True), ("approve", False), ("approve", True)]
)
def test_a_person_reads_once_where_to_answer(stack: FakeStack, task_id: str, asks_person: bool) -> None:
    notes = look(stack, question(task_id), asks_person=asks_person, times=3)
    assert len(notes) == 2
    where = f"http://127.0.0.1:8080/dags/d%201/runs/r%2F1/tasks/{task_id}/required_actions"
    assert notes[1] == f"Answer it at {where}\nThe run waits for your answer."
    assert stack.answers == []


def test_a_question_that_is_asked_again_is_shown_again(stack: FakeStack) -> None:
    first, second = question(age=60), question(age=7)
    assert len(look(stack, first, second, asks_person=True)) == 4


@pytest.mark.parametrize(
    ("task_id", "state", "asks_person", "waits"),
    [
        ("approve_spending", "awaiting_input", True, True),
        ("approve_spending", "awaiting_input", False, False),
        ("approve_rollback", "awaiting_input", True, True),
        ("approve_rollback", "awaiting_input", False, False),
        ("approve", "awaiting_input", False, True),
        ("approve_spending", "running", True, False),
    ],
)
def test_a_run_waits_for_a_person_only_if_a_person_has_to_answer(
    stack: FakeStack, task_id: str, state: str, asks_person: bool, waits: bool
) -> None:
    watched = Questions(stack, "d", "r", asks_person=asks_person)
    assert watched.is_waiting([{"task_id": task_id, "state": state}]) is waits


def test_nothing_is_asked_of_airflow_while_no_task_waits(stack: FakeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "questions", None)
    assert Questions(stack, "d", "r", asks_person=False).look([{"task_id": "a", "state": "running"}]) == []


def test_the_token_is_valid_for_this_checkouts_airflow_and_names_the_user(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.json"
    token = sign_token(secrets, "ada (local command)")
    validator = JWTValidator(secret_key=load_keys(secrets)["jwt_secret"], audience="apache-airflow", issuer=None)
    claims = asyncio.run(validator.avalidated_claims(token))
    assert (claims["sub"], claims["role"], claims["teams"]) == ("ada (local command)", "ADMIN", [])


def test_airflow_reads_our_token_and_not_the_one_that_it_adds_itself() -> None:
    """The middleware of a local Airflow without login appends a second header."""
    scope = {"type": "http", "headers": [(b"authorization", b"Bearer ours"), (b"authorization", b"Bearer anonymous")]}
    assert Request(scope).headers["Authorization"] == "Bearer ours"


def test_a_user_without_a_name_can_answer_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(module.getpass, "getuser", lambda: "ada")
    assert local_user() == "ada (local command)"
    monkeypatch.setattr(module.getpass, "getuser", fail)
    assert local_user() == "local command"


def test_a_question_without_text_is_described() -> None:
    assert describe({"subject": "s", "body": None}) == "\ns\n\n\n"
