"""
Show a promotion, calls to the champion's endpoint, and a rollback, in the AWS simulator and a real Airflow.

The first run trains on a few documents, and the second one on all of them, so the two runs train different models.
Nothing here forces a run to promote its model: the use case's rule decides. If it promotes nothing, its reasons are
printed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from include.distill.config.layout import Layout as UseCaseLayout
from include.distill.config.loader import load_use_case
from include.distill.core.errors import DistillError
from include.distill.evaluation.rollback_form import CURRENT, PREVIOUS, ROLLBACK_DAG_ID
from tools.local_airflow.account import give_back_endpoints, read_object
from tools.local_airflow.commands import SIMULATED, read_timeout, where_the_ui_is
from tools.local_airflow.outcome import describe_promotion, fetch_promotion, fetch_report
from tools.local_airflow.runs import explain_failure, follow_run, trigger_run, wait_for_dag
from tools.local_airflow.session import open_session
from tools.local_airflow.settings import DEFAULT_DOCUMENTS, LOCAL_INSTALLATION, RunRequest
from tools.promote_demo.application import ask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tools.local_airflow.runs import RunningStack
    from tools.local_airflow.settings import Layout

COMMAND = "make promote-demo"
USE_CASE = "promote_demo"
SHOWN_CHARACTERS = 400
FEW = RunRequest(use_case=USE_CASE, documents=DEFAULT_DOCUMENTS, evaluation_rows=None)
ALL = RunRequest(use_case=USE_CASE, documents=None, evaluation_rows=None)


class DemoError(DistillError):
    """A DAG run of the demonstration failed, so the later steps make no sense."""


def show(layout: Layout, environ: Mapping[str, str]) -> None:
    """
    Carry out all steps, and print what each one does and its result.

    :raises DemoError: a DAG run failed.
    """
    timeout_seconds = read_timeout(environ)
    with open_session(layout, environ, input_roots=[], command=COMMAND, schedules="off") as session:
        print(SIMULATED)
        print("The demonstration runs the use case promote_demo twice, calls its champion, and rolls it back.")
        print(f"Starting the AWS simulator and Airflow (logs: {layout.logs}) ...", flush=True)
        session.stack.start(fresh_database=True)
        demo = Demo(session.stack, environ, timeout_seconds, uris=record_uris(layout))
        demo.prepare()
        demo.run(f"1. A run that trains on the first {DEFAULT_DOCUMENTS} documents", FEW)
        demo.call("2. An application calls the endpoint")
        demo.run("3. A run with other training data: all documents", ALL)
        demo.call("4. The same call, to the same ARN")
        demo.roll_back("5. A rollback")
        demo.call("6. The same call again")
        print("\nStopping ...", flush=True)


@dataclass(frozen=True)
class RecordUris:
    """The URIs of the champion's record and of the smoke prompts of its endpoint."""

    champion: str
    prompts: str


def record_uris(layout: Layout) -> RecordUris:
    """Return the URIs for the demonstration's use case in the simulated account."""
    use_case = load_use_case(layout.use_cases / f"{USE_CASE}.yaml", LOCAL_INSTALLATION)
    places = UseCaseLayout(use_case.storage)
    return RecordUris(places.champion(USE_CASE), places.smoke_prompts(USE_CASE))


@dataclass
class Demo:
    """
    The steps of the demonstration, on a stack that is ready.

    :ivar prompt: the prompt of the first call, which later calls repeat; ``None`` before the first call.
    """

    stack: RunningStack
    environ: Mapping[str, str]
    timeout_seconds: float
    uris: RecordUris
    prompt: dict[str, Any] | None = None

    def prepare(self) -> None:
        """Wait for the two DAGs, and say if an earlier demonstration left a champion."""
        for dag_id in (FEW.dag_id, ROLLBACK_DAG_ID):
            wait_for_dag(self.stack, dag_id)
        for name in give_back_endpoints(self.stack.ports.simulator_url):
            print(f"Deleted the simulated endpoint {name}, which an interrupted run had left behind.")
        print(where_the_ui_is(self.stack.ports, self.environ))
        if champion := read_record(self.uris.champion):
            print(
                f"An earlier demonstration has left the champion {champion['model_arn']}. Its stored results are used"
                " again, so the output can differ from that of a first demonstration. To start from an empty account,"
                " run `make clean` first."
            )

    def run(self, title: str, request: RunRequest) -> None:
        """Run the use case once, and print the verdict and what the rule decided."""
        _begin(title)
        print(request.described)
        run_id = trigger_run(self.stack, request)
        run = self._follow(request.dag_id, run_id)
        report = fetch_report(self.stack, run)
        print(f"Verdict (SIMULATED): {report['verdict']}")
        print(describe_promotion(report, fetch_promotion(self.stack, run)))

    def roll_back(self, title: str) -> None:
        """Roll back to the previous champion. If there is none, repair the endpoint of the present champion."""
        _begin(title)
        champion = read_record(self.uris.champion)
        if champion is None:
            print("There is no champion, so there is nothing to roll back.")
            return
        to = PREVIOUS if champion.get("previous") else CURRENT
        if to == CURRENT:
            print("There is only one champion so far. The rollback to `current` keeps it and checks its endpoint.")
        now = datetime.now(UTC)
        run_id = f"demo__{now:%Y%m%dT%H%M%S}"
        self.stack.api.trigger(
            ROLLBACK_DAG_ID, run_id, logical_date=now.isoformat(), conf={"use_case": USE_CASE, "to": to}
        )
        self._follow(ROLLBACK_DAG_ID, run_id)
        after = read_record(self.uris.champion) or {}
        print(f"The champion was {champion['model_arn']}. It is now {after.get('model_arn')}.")

    def call(self, title: str) -> None:
        """Call the standing endpoint as an application does, with the first smoke prompt."""
        _begin(title)
        endpoint = (read_record(self.uris.champion) or {}).get("endpoint")
        if not endpoint:
            print("There is no endpoint to call, because no model has been promoted.")
            return
        if self.prompt is None:
            self.prompt = json.loads(read_object(self.uris.prompts))["prompts"][0]
        prompt = self.prompt
        print(f"ARN:      {endpoint['arn']}")
        print(f"Question: {_shortened(_question(prompt['user']))}")
        answer = ask(endpoint["arn"], instruction=prompt["system"], prompt=prompt["user"], region=endpoint["region"])
        print(f"Answer (SIMULATED): {_shortened(answer)}")

    def _follow(self, dag_id: str, run_id: str) -> Any:
        print(f"Run {run_id} of DAG {dag_id}:", flush=True)
        run = follow_run(self.stack, dag_id, run_id, environ=self.environ, timeout_seconds=self.timeout_seconds)
        if run.state != "success":
            raise DemoError(f"The run {run_id} of {dag_id} failed:\n{explain_failure(self.stack, run)}")
        return run


def read_record(uri: str) -> dict[str, Any] | None:
    """Read a JSON object from the simulated account; ``None`` if it does not exist."""
    try:
        record: dict[str, Any] = json.loads(read_object(uri))
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchBucket"):
            return None
        raise
    return record


def _begin(title: str) -> None:
    print(f"\n== {title}", flush=True)


def _question(user: str) -> str:
    return user.partition("<question>")[2].partition("</question>")[0].strip() or user


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARACTERS else f"{line[:SHOWN_CHARACTERS]}…"
