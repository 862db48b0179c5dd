"""Every event is written as in a run, and sent through every channel to a receiver on loopback."""

from __future__ import annotations

import asyncio
import html
import json
import re
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from airflow.sdk.bases.notifier import BaseNotifier

from bedrock_distill.notify import results
from bedrock_distill.notify.channels import notifier_for
from bedrock_distill.notify.failures import failure_messages
from bedrock_distill.operators.human_approval import Question
from include.distill.config.notifications import EVENTS, Event, Notify
from include.distill.config.promotion_rule import Approver
from include.distill.config.use_case import UseCase
from include.distill.core.errors import JobFailedError
from include.distill.notification.events import Origin, late
from include.distill.notification.links import RUNBOOK_VARIABLE, Place
from include.distill.notification.message import Message
from tests.distill.conftest import make_use_case
from tests.fakes.receivers import LOOPBACK, AwsRequest, Mailbox, WebHook, aws_server

UI, WIKI = "https://airflow.example.com", "https://wiki.example.com/distill"
RUN_ID = "scheduled__2026-11-28T02:00:00+00:00"
RUN = f"{UI}/dags/distill_tiny/runs/{RUN_ID}"
TOPIC, QUEUE = "arn:aws:sns:eu-west-1:123456789012:distill", "https://sqs.us-east-1.amazonaws.com/123456789012/distill"
OUTCOME_ERROR = """What happened: outcome of run r failed in attempt 1 of 1: The run is incomplete.
What is left: all answers and models that were paid for are stored.
What is billed now: nothing by the hour. The run has cost $4.31 so far.
What to do: clear synthesize with downstream."""
RELEASE_ERROR = """What happened: tuned.release of run r failed in attempt 3 of 3: AWS refused to delete the endpoint.
What is left: the endpoint tuned-1.
What is billed now: the endpoint tuned-1, by the hour.
What to do: delete it in the console. Then clear tuned.release with downstream."""
DRIFT = {"measure": "half_win_rate", "value": 0.35, "expected": 0.52, "low": 0.41, "high": 0.63, "runs": 14}
BUDGET = {
    **{"kind": "use_case", "month": "2026-11", "month_usd": 200.0, "spent_usd": 150.0, "reserved_usd": 4.0},
    **{"share": 0.77, "expected_usd": 10.0, "is_warning": True},
}
QUESTION = Question(
    "Spend about $12.00?", "body", "hash", [Approver(id="1", name="Ada")], 20, "Nothing is billed meanwhile."
)
REPORT = {"report_json_uri": "s3://b/r", "verdict": "tuned is better than base.", "actual_usd": 12.5, "drift": [DRIFT]}
PROMOTION = {"arm": "tuned", "model_arn": "arn:new", "previous_model_arn": None}
NOTE = {"to_do": "x", "billed": "y", "happened": "The teacher answered no request."}


def context(task_id: str, result: Any = None, *, error: str = "", task: Any = None) -> Any:
    ti = SimpleNamespace(
        **{"dag_id": "distill_tiny", "run_id": RUN_ID, "task_id": task_id, "map_index": -1},
        get_task_states=lambda **_: {RUN_ID: {"synthesize": "failed", task_id: "failed"}},
        xcom_pull=lambda task_ids, key="", **_: NOTE if key else {"simulated": False, **(result or {})},
    )
    dag = SimpleNamespace(tasks=[SimpleNamespace(task_id=name, is_mapped=False) for name in ("synthesize", task_id)])
    return {"ti": ti, "task": task or SimpleNamespace(), "dag": dag, "exception": JobFailedError(error)}


def late_message(use_case: UseCase) -> Message:
    origin = Origin("test", use_case.name, False, Place(UI, use_case.dag_id, RUN_ID))
    return late(origin, ready_by="06:00", timezone="Europe/Berlin", state="running")


def messages() -> dict[Event, Message]:
    """Return a message about each event, as the functions for the tasks of a run write it."""
    use_case = make_use_case()
    asked = context("approve_spending", task=SimpleNamespace(current_question=QUESTION))
    written = [
        *failure_messages(use_case, context("outcome", error=OUTCOME_ERROR)),
        *failure_messages(use_case, context("tuned.release", error=RELEASE_ERROR)),
        *results.question_messages(use_case, asked),
        *results.report_messages(use_case, context("report", REPORT)),
        *results.promotion_messages(use_case, context("promote", PROMOTION)),
        *results.estimate_messages(use_case, context("estimate", {"budget": [BUDGET]})),
        late_message(use_case),
    ]
    return {message.event: message for message in written}


class Expected(NamedTuple):
    """What a person must be able to read."""

    title: str
    happened: str
    billed: str
    to_do: str
    links: tuple[str, ...]
    section: str


REPORT_PAGE = f"{RUN}/plugin/distill-report"
EXPECTED: dict[Event, Expected] = {
    "failed": Expected(
        "the run failed",
        "The teacher answered no request.",
        "The run has cost $4.31 so far.",
        "clear synthesize with downstream.",
        (f"{RUN}/tasks/synthesize", f"{RUN}/tasks/outcome", REPORT_PAGE),
        "failures-task-by-task",
    ),
    "still_billed": Expected(
        "tuned.release failed, so what it should stop may still be billed",
        "AWS refused to delete the endpoint.",
        "the endpoint tuned-1, by the hour.",
        "clear tuned.release with downstream.",
        (f"{RUN}/tasks/tuned.release", REPORT_PAGE),
        "1-is-anything-being-billed-right-now",
    ),
    "waits_for_approval": Expected(
        "approve_spending waits for an answer",
        "Spend about $12.00?",
        "Nothing is billed meanwhile.",
        "clear approve_spending with downstream.",
        (f"{RUN}/tasks/approve_spending/required_actions", f"{RUN}/tasks/approve_spending", REPORT_PAGE),
        "a-run-waited-for-an-approval-at-night-and-nobody-answered",
    ),
    "verdict": Expected(
        "the report is ready",
        "tuned is better than base.",
        "The run has cost $12.50 so far.",
        "read the report.",
        (f"{RUN}/tasks/report", REPORT_PAGE),
        "you-want-to-check-whether-the-judges-can-be-trusted",
    ),
    "promoted": Expected(
        "tuned was promoted",
        "The champion is arn:new",
        "AWS bills the storage of the model.",
        "trigger distill_rollback.",
        (f"{RUN}/tasks/promote", REPORT_PAGE),
        "you-want-to-return-to-an-earlier-champion",
    ),
    "drift": Expected(
        "the results have drifted",
        "The half-win rate is 35.0%.",
        "this check costs nothing.",
        "trigger a new run.",
        (f"{RUN}/tasks/report", REPORT_PAGE),
        "notifications",
    ),
    "budget": Expected(
        "82% of the budget of the use case for 2026-11 is used",
        "$150.00",
        "the task estimate costs nothing.",
        "clear estimate with downstream",
        (f"{RUN}/tasks/estimate", REPORT_PAGE),
        "notifications",
    ),
    "late": Expected(
        "not ready by 06:00",
        "(Europe/Berlin)",
        "open the report page of the run",
        "names the task to clear.",
        (RUN, REPORT_PAGE),
        "notifications",
    ),
}


class Pager(BaseNotifier):
    """A notifier of a user."""

    sent: list[str] = []  # noqa: RUF012

    def __init__(self, summary: str, details: str) -> None:
        super().__init__()
        self.text = f"{summary}\n{details}"

    def notify(self, context: Any) -> None:
        self.sent.append(self.text)


@pytest.fixture(autouse=True)
def addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", UI)
    monkeypatch.setenv(RUNBOOK_VARIABLE, WIKI)


Send = Callable[[Message], str]


def notify(message: Message, channel: dict[str, Any]) -> None:
    """Send a message as a task does, or, if it is about a late run, as the triggerer does."""
    notifier = notifier_for(Notify.model_validate({"on": "all", **channel}), message, aws_conn_id="aws_default")
    if message.event == "late" and channel.keys() & {"smtp", "slack"}:
        asyncio.run(notifier.async_notify({}))
    else:
        notifier.notify({})


def sent_by_mail(mailbox: Mailbox, form: str) -> Send:
    def send(message: Message) -> str:
        notify(message, {"smtp": {"conn_id": "mail", "to": ["ops@example.com"]}})
        (mail,) = mailbox.mails
        body = mail.get_body((form,))
        assert body is not None
        content = body.get_content()
        shown = (
            html.unescape(re.sub(r'<a href="([^"]*)">([^<]*)</a>', r"\2: \1", content)) if form == "html" else content
        )
        return f"{mail['Subject']}\n{re.sub('</?strong>', '', shown)}"

    return send


def sent_to_slack(hook: WebHook) -> Send:
    def send(message: Message) -> str:
        notify(message, {"slack": {"conn_id": "slack"}})
        (body,) = hook.bodies
        return html.unescape("\n".join(block["text"]["text"] for block in body["blocks"])).replace("|", " ")

    return send


def sent_to_aws(requests: list[AwsRequest], channel: dict[str, Any], scope: str, text: str) -> Send:
    def send(message: Message) -> str:
        notify(message, channel)
        (request,) = requests
        assert request.scope == scope
        assert {message.event, "tiny"} <= {str(value) for value in flat(request.parameters)}  # subscribers filter by it
        found = str(request.parameters[text])
        # To SNS, Airflow sends one text for all protocols.
        return str(json.loads(found)["default"]) if text == "Message" else found

    return send


def flat(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for one in value.values():
            yield from flat(one)
    else:
        yield value


def sent_to_pager(message: Message) -> str:
    arguments = {"summary": "{title}", "details": "{text}"}
    notify(message, {"notifier": {"import_path": "my_company.Pager", "arguments": arguments}})
    return Pager.sent[-1]


@pytest.fixture(params=["mail as text", "mail as HTML", "slack", "sns", "sqs", "notifier"])
def send(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Send]:
    """Send a message through a channel, and return what its receiver can read."""
    monkeypatch.setitem(sys.modules, "my_company", SimpleNamespace(Pager=Pager))  # type: ignore[arg-type]
    received: list[AwsRequest] = []
    if request.param.startswith("mail"):
        form = "html" if request.param.endswith("HTML") else "plain"
        yield sent_by_mail(request.getfixturevalue("mailbox"), form)
    elif request.param == "slack":
        yield sent_to_slack(request.getfixturevalue("slack"))
    elif request.param == "notifier":
        yield sent_to_pager
    else:
        with aws_server(received) as port:
            endpoint = quote(f"http://{LOOPBACK}:{port}", safe="")
            monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", f"aws://key:secret@/?endpoint_url={endpoint}")
            if request.param == "sns":
                yield sent_to_aws(received, {"sns": {"topic_arn": TOPIC}}, "eu-west-1/sns", "Message")
            else:
                yield sent_to_aws(received, {"sqs": {"queue_url": QUEUE}}, "us-east-1/sqs", "MessageBody")


@pytest.mark.parametrize("event", EVENTS)
def test_a_person_on_call_gets_all_that_is_needed(event: Event, send: Send) -> None:
    read, expected = send(messages()[event]), EXPECTED[event]
    assert read.splitlines()[0] == f"[test] tiny: {expected.title}"
    facts = {label: fact for label, _, fact in (line.partition(": ") for line in lines_of(read))}
    assert expected.happened in f"{facts['What happened']} {facts.get('Why synthesize failed', '')}"
    assert expected.billed in facts["What is billed now"]
    assert expected.to_do in facts["What to do"]
    assert f"run {RUN_ID} of DAG distill_tiny" in facts["Where"]
    urls = set(re.findall(r"https://[^\s|<>]+", read))
    assert urls == {*expected.links, f"{WIKI}#{expected.section}"}


def lines_of(text: str) -> list[str]:
    """Return the lines without the markup of paragraphs and items."""
    return [re.sub(r"</?(p|li|ul|div)[^>]*>", "", line) for line in text.splitlines()]
