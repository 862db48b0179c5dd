"""
Answer the questions that a local run asks people, or say where a person can answer them.

A run asks before it buys something expensive, and a rollback asks before it changes the champion. In the simulated
account nobody is billed and no application is served, so local commands print these questions and approve them under
the name of the person who typed the command. With ``APPROVE=ask``, they wait for that person. All other questions, such
as the approval of a promotion, always wait for a person.
"""

from __future__ import annotations

import getpass
import html
import re
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from tools.local_airflow.environment import load_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from tools.local_airflow.airflow_api import AirflowApi
    from tools.local_airflow.ports import Ports
    from tools.local_airflow.settings import Layout

# The tasks whose questions local commands approve, and the reason why this is harmless.
APPROVED = {
    "approve_spending": "nobody is billed in the simulated account",
    "approve_rollback": "no application is served from the simulated account",
}
APPROVE = "Approve"
WAITS = "awaiting_input"  # Airflow's state of a task that waits for an answer
# Airflow fails a task if its question is answered within about a second. So this module waits before it answers.
MINIMUM_AGE_SECONDS = 5.0
TOKEN_SECONDS = 600
AUDIENCE = "apache-airflow"  # Airflow's default for tokens
_ESCAPED = re.compile(r"\\([^\w\s]|_)")
_INVISIBLE = re.compile("[\u2060]")


class AskingStack(Protocol):
    """The part of a stack that is needed to answer questions."""

    @property
    def layout(self) -> Layout:
        """The paths of the stack's state."""

    @property
    def ports(self) -> Ports:
        """The ports on which the stack listens."""

    @property
    def api(self) -> AirflowApi:
        """Airflow's REST API."""


class Questions:
    """
    The questions of one run. Call :meth:`look` about once a second.

    :param asks_person: whether the person also answers the questions in ``APPROVED``. If False, :meth:`look` does.
    """

    def __init__(
        self,
        stack: AskingStack,
        dag_id: str,
        run_id: str,
        *,
        asks_person: bool,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._stack = stack
        self._dag_id = dag_id
        self._run_id = run_id
        self._asks_person = asks_person
        self._now = now
        self._shown: set[str] = set()

    def look(self, instances: Iterable[Mapping[str, Any]]) -> list[str]:
        """
        Answer the open questions that need no person. Return the new texts for the terminal.

        :param instances: the task instances of the run.
        """
        if not any(instance["state"] == WAITS for instance in instances):
            return []
        notes = []
        for question in self._stack.api.questions(self._dag_id, self._run_id):
            if not question["response_received"] and question["task_instance"]["state"] == WAITS:
                notes += self._handle(question)
        return notes

    def is_waiting(self, instances: Iterable[Mapping[str, Any]]) -> bool:
        """Return whether the run waits for a person. The waiting time does not count towards the timeout."""
        waiting = {str(instance["task_id"]) for instance in instances if instance["state"] == WAITS}
        return bool(waiting if self._asks_person else waiting - APPROVED.keys())

    def _handle(self, question: Mapping[str, Any]) -> list[str]:
        task_id, asked = str(question["task_instance"]["task_id"]), str(question["created_at"])
        answers = task_id in APPROVED and not self._asks_person
        notes = []
        if asked not in self._shown:
            self._shown.add(asked)
            notes = [describe(question)]
            if not answers:
                url = question_address(self._stack.ports, self._dag_id, self._run_id, task_id)
                notes.append(f"Answer it at {url}\nThe run waits for your answer.")
        age = (self._now() - datetime.fromisoformat(asked)).total_seconds()
        if not answers or age < MINIMUM_AGE_SECONDS:
            return notes
        self._client().answer(self._dag_id, self._run_id, task_id, APPROVE)
        return [*notes, f"Approved, because {APPROVED[task_id]}. With APPROVE=ask, you decide."]

    def _client(self) -> AirflowApi:
        """Return a client that answers as a named user."""
        api = self._stack.api
        return api if api.is_signed_in else api.as_user(sign_token(self._stack.layout.secrets, local_user()))


def question_address(ports: Ports, dag_id: str, run_id: str, task_id: str) -> str:
    """Return the URL of the page in Airflow's UI on which a person answers the question of a task."""
    run = f"/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"
    return f"{ports.ui_url}{run}/tasks/{quote(task_id, safe='')}/required_actions"


def describe(question: Mapping[str, Any]) -> str:
    """Return a question as plain text for the terminal."""
    body = _ESCAPED.sub(r"\1", str(question["body"] or "")).replace("**", "")
    return _INVISIBLE.sub("", f"\n{question['subject']}\n\n{html.unescape(body)}\n")


def local_user() -> str:
    """Return the name under which local commands answer: the user who typed the command."""
    try:
        return f"{getpass.getuser()} (local command)"
    except (KeyError, OSError):  # a container may run as a user that has no name
        return "local command"


def sign_token(secrets: Path, user: str) -> str:
    """
    Create a token for Airflow's API. Airflow treats a request with this token as one from an administrator.

    The local Airflow has no users. It treats a request without a token as one from a user named "Anonymous".

    :param secrets: the file with this checkout's secrets, which include the key that signs tokens.
    :param user: the name of the administrator.
    """
    import jwt

    now = int(time.time())
    claims = {
        "sub": user,
        "role": "ADMIN",
        "teams": [],
        "jti": uuid.uuid4().hex,
        "aud": AUDIENCE,
        "iat": now,
        "nbf": now,
        "exp": now + TOKEN_SECONDS,
    }
    return jwt.encode(claims, load_keys(secrets)["jwt_secret"], algorithm="HS512")
