"""Run the tasks of ``distill_rollback`` one by one, with fakes in place of AWS and of Airflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from airflow.sdk.execution_time.context import OutletEventAccessors

from bedrock_distill.operators import restore, rollback
from bedrock_distill.sensors.rollback_endpoint import RollbackEndpointSensor
from include.distill.config.use_case import UseCase
from include.distill.core.naming import run_key, standing_endpoint_name
from include.distill.core.storage import write_json
from include.distill.evaluation.champion import Champion, read_champion
from include.distill.evaluation.champion_parts import ChampionEndpoint
from tests.fakes.fake_bedrock import OWN_TAGS, FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import make_champion

ROOT = "s3://bedrock-distill-training/distill"
CHAMPION = f"{ROOT}/champions/aws_docs_qa.json"
SMOKE = f"{ROOT}/endpoints/aws_docs_qa/smoke.json"
CHANGE = f"{ROOT}/endpoints/aws_docs_qa/change.json"
NAME = standing_endpoint_name("test", "aws_docs_qa")
ARN = f"arn:deployment/{NAME}"
KEY = run_key("d", "r")
CHOICE = f"{ROOT}/endpoints/aws_docs_qa/rollbacks/{KEY}.json"
ADA = {"id": "1", "name": "ada"}
ENDPOINT = ChampionEndpoint(kind="on_demand", name=NAME, arn=ARN, region="us-east-1", created="2026-11-21T02:00:00")
TASKS = {
    "choose": rollback.ChooseRollbackOperator,
    "approve_rollback": rollback.RollbackApprovalOperator,
    "switch": restore.RollbackSwitchOperator,
    "switched": RollbackEndpointSensor,
    "smoke": restore.RollbackSmokeOperator,
    "restore": restore.RestoreChampionOperator,
    "settle": restore.RollbackSettleOperator,
    "outcome": restore.RollbackOutcomeOperator,
}
_INPUTS = {"switched": {"switching": "switch"}, "smoke": {"switched": "switched"}}
_INPUTS["restore"] = {"switched": "switched", "smoked": "smoke"}


def champion(name: str, **changes: Any) -> Champion:
    """Return a champion whose names all contain ``name``."""
    stated = {"model_arn": f"arn:model/{name}", "run_key": f"run-{name}", "verdict": f"{name} is better"}
    return make_champion(**{**stated, **changes})


class RollbackRun:
    """One DAG run. ``results`` has the results of its tasks."""

    def __init__(self, store: MemoryStore, bedrock: FakeBedrock, context: dict[str, Any]) -> None:
        self.store, self.bedrock, self.context = store, bedrock, context
        self.results: dict[str, Any] = {}
        context["outlet_events"] = OutletEventAccessors()
        context["params"] = {"use_case": "aws_docs_qa", "to": "previous"}
        context["ti"].xcom_pull = lambda task_ids, key="return_value": self.results.get(task_ids)
        context["ti"].get_dagrun_state = lambda dag_id, run_id: "running"

    def task(self, name: str) -> Any:
        """Return a task that has the results of earlier tasks, after running its ``pre_execute``."""
        inputs = {field: self.results.get(task) for field, task in _INPUTS.get(name, {}).items()}
        task = TASKS[name](task_id=name, **inputs)
        task.__dict__["store"], task.__dict__["hook"] = self.store, self.bedrock
        task.pre_execute(self.context)
        return task

    def do(self, *names: str) -> Any:
        """Run tasks, and return the result of the last one."""
        for name in names:
            self.results[name] = self.task(name).execute(self.context)
        return self.results[names[-1]]

    def approve(self, user: Any = ADA, option: str = "Approve") -> None:
        """Answer the question of ``approve_rollback``."""
        task = self.task("approve_rollback")
        task.open_place(self.context)
        question = task.question(self.context)
        assert question is not None
        self.results["approve_rollback"] = {
            "chosen_options": [option], "params_input": {}, "responded_at": None, "responded_by_user": user,
            "asked": question.asked,
        }  # fmt: skip

    def finish(self) -> None:
        """Run all tasks after the approval."""
        self.do("switch")
        self.bedrock.end_change()
        self.do("switched", "smoke", "restore", "settle")

    @property
    def events(self) -> list[tuple[str, Any]]:
        """The events that the run adds to assets, each with its ``extra``."""
        emitted = self.context["outlet_events"][restore.RESTORED_CHAMPION].asset_alias_events
        return [(event.dest_asset_key.name, event.extra) for event in emitted]

    @property
    def champion(self) -> Champion:
        """The present champion."""
        found = read_champion(self.store, CHAMPION)
        assert found is not None
        return found


def write_use_case(folder: Path, use_case: UseCase, **promotion: Any) -> None:
    """Write the sample use case with these settings of its section ``promotion``."""
    raw = use_case.model_dump(mode="json", exclude={"environment"})
    raw["promotion"] |= promotion
    (folder / "aws_docs_qa.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")


def record(store: MemoryStore, current: Champion, *earlier: Champion, endpoint: ChampionEndpoint | None) -> None:
    """Write the champion's record, with earlier champions, newest first."""
    known = {"previous": earlier[0] if earlier else None, "history": earlier, "revision": 3}
    kept = {"endpoint": endpoint} if endpoint else {}
    write_json(store, CHAMPION, current.model_copy(update={**known, **kept}).model_dump(mode="json"))


def put_endpoint(bedrock: FakeBedrock, model_arn: str) -> None:
    """Put the standing deployment into the account."""
    tags = {**OWN_TAGS, "role": "standing"}
    bedrock.tags_of[ARN] = {key: value for key, value in tags.items() if key not in ("arm", "run-key")}
    bedrock.put_deployment(NAME, "Active", model_arn=model_arn)


PROMPT = {"row_id": "r1", "system": "s", "user": "<question>q</question>", "max_tokens": 64, "temperature": 0.0}
