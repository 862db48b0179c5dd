from __future__ import annotations

import dataclasses

import pytest

from include.distill.notification import events
from include.distill.notification.links import Place
from include.distill.notification.message import Message

PLACE = Place("https://airflow.example.com", "distill_a", "run", "tuned.trained")
ORIGIN = events.Origin("prod", "a", False, PLACE)
DRIFT: events.Drift = {
    "measure": "half_win_rate",
    "value": 0.35,
    "expected": 0.52,
    "low": 0.41,
    "high": 0.63,
    "runs": 14,
}
BUDGET: events.UsedBudget = {
    "kind": "use_case",
    "month": "2026-11",
    "month_usd": 200.0,
    "spent_usd": 150.0,
    "reserved_usd": 4.0,
    "share": 0.77,
    "expected_usd": 10.0,
    "is_warning": True,
}
MESSAGES = [
    events.failed(ORIGIN, ["What happened: x", "What is billed now: y", "What to do: z"], whole_run=True),
    events.still_billed(ORIGIN, "endpoints", ["What happened: x", "What is billed now: y", "What to do: clear it"]),
    events.waits_for_approval(ORIGIN, "Spend $12?", meanwhile="Nothing.", hours=20, approvers=["Ada", "Bob"]),
    events.verdict(ORIGIN, "tuned is better than base", 12.5),
    events.promoted(ORIGIN, "tuned", "arn:new", before=None, endpoint=""),
    events.drifted(ORIGIN, [DRIFT]),
    events.budget_reached(ORIGIN, BUDGET),
    events.late(ORIGIN, ready_by="06:00", timezone="Europe/Berlin", state="running"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.event)
def test_every_message_says_what_happened_what_is_billed_and_what_to_do(message: Message) -> None:
    assert [line.partition(":")[0] for line in message.lines] == [
        *(events.HAPPENED, events.BILLED, events.TO_DO, events.WHERE)
    ]
    assert message.title.startswith("[prod] a: ")
    labels = [label for label, _ in message.links]
    assert labels[-1] == "Runbook"
    assert {"Task tuned.trained", "Run"} & {*labels}
    assert "Report" in labels
    assert message.lines[-1] == "Where: task tuned.trained of run run of DAG distill_a."


def test_a_message_says_if_a_simulator_answered() -> None:
    simulated = dataclasses.replace(ORIGIN, simulated=True)
    assert events.verdict(simulated, "x", 1).title == "[prod] SIMULATED a: the report is ready"


def test_a_failed_run_and_a_failed_task_have_different_titles() -> None:
    assert MESSAGES[0].title == "[prod] a: the run failed"
    task = events.failed(ORIGIN, [], whole_run=False)
    assert task.title == "[prod] a: tuned.trained failed, the other tasks go on"


def test_an_event_of_all_use_cases_names_none() -> None:
    message = events.still_billed(dataclasses.replace(ORIGIN, use_case=""), "x", [])
    assert message.title == "[prod] x"
    assert [label for label, _ in message.links] == ["Task tuned.trained", "Runbook"]  # such a DAG has no report


def test_a_question_names_who_may_answer() -> None:
    text = MESSAGES[2].text()
    assert "Spend $12?" in text
    assert "answer within 20 h. Only these users may answer: Ada, Bob." in text
    assert "/tasks/tuned.trained/required_actions" in text


def test_a_promotion_names_the_champion_before() -> None:
    assert "The champion is arn:new (before: no champion)." in MESSAGES[4].text()
    served = events.promoted(
        ORIGIN, "tuned", "arn:new", before="arn:old", endpoint="the endpoint costs $24.00 per hour."
    )
    assert "(before: arn:old)" in served.text()
    assert "What is billed now: the endpoint costs $24.00 per hour." in served.text()


def test_drift_states_the_measure_and_its_limits() -> None:
    expected = (
        "The half-win rate is 35.0%. From 14 earlier nights, 52.0% was expected, and chance explains 41.0% to 63.0%."
    )
    assert expected in MESSAGES[5].text()


def test_a_budget_states_what_is_used() -> None:
    assert MESSAGES[6].title == "[prod] a: 82% of the budget of the use case for 2026-11 is used"
    assert "$150.00 were spent, $4.00 are reserved for other runs" in MESSAGES[6].text()


def test_a_late_run_states_its_state_and_the_time_zone() -> None:
    assert MESSAGES[7].title == "[prod] a: not ready by 06:00"
    assert "has not succeeded by 06:00 (Europe/Berlin). Its state was running then." in MESSAGES[7].text()


@pytest.mark.parametrize(
    ("state", "to_do"),
    [
        ("failed", "The error of its task outcome names the tasks to clear."),
        ("queued", "This run starts when they have ended."),
        ("success", "nothing. The run has succeeded, but too late."),
        ("running", "If a task waits for a person, answer in Required Actions."),
        ("unknown", "If a task waits for a person, answer in Required Actions."),
    ],
)
def test_what_to_do_about_a_late_run_depends_on_its_state(state: str, to_do: str) -> None:
    assert to_do in events.late(ORIGIN, ready_by="06:00", timezone="UTC", state=state).lines[2]


def test_without_the_address_of_the_ui_a_message_still_names_the_run() -> None:
    place = Place("", "distill_a", "scheduled__2026-11-28T01:00:00+00:00")
    message = events.late(dataclasses.replace(ORIGIN, place=place), ready_by="06:00", timezone="UTC", state="running")
    assert "Where: run scheduled__2026-11-28T01:00:00+00:00 of DAG distill_a." in message.text()
    assert "<" not in str(message.slack_blocks())
    assert "<a " not in message.as_html()
