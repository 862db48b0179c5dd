"""Test the tasks of an arm that may be served on demand."""

from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.operators.deploy import (
    BedrockAnswerOnDemandOperator,
    BedrockDeployModelOperator,
    BedrockUndeployModelOperator,
)
from bedrock_distill.run.four_lines import BILLED, TO_DO
from bedrock_distill.sensors.provisioned_throughput import BedrockDeploymentSensor
from bedrock_distill.triggers.polling import DeploymentTrigger
from include.distill.core.errors import (
    ConcurrencyLimitError,
    ConflictError,
    DeploymentsInProgressError,
    DistillError,
    InvalidRequestError,
    OutcomeError,
    RefusedError,
    ThroughputFailedError,
    ThroughputReleasedError,
    TransientError,
    WaitTimeoutError,
)
from include.distill.core.naming import throughput_names
from include.distill.core.storage import read_json, write_json
from tests.fakes.dialogue import say
from tests.fakes.fake_bedrock import CREATED, RUN_KEY, FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI

FIRST = throughput_names("test", "aws_docs_qa", "tuned", RUN_KEY, 1).name
SECOND = FIRST.replace("-s1", "-s2")
DEPLOYED = {
    "model_arn": "arn:model/m",
    "student": "nova-micro",
    "missing_answers": 4,
    "bought": True,
    "throughput_name": None,
    "throughput_arn": None,
    "deployment_name": FIRST,
    "deployment_arn": f"arn:deployment/{FIRST}",
    "created": CREATED.isoformat(),
}


@pytest.fixture
def deploy(equip: Any) -> Any:
    return equip(
        BedrockDeployModelOperator(
            task_id="tuned.deploy", arm="tuned", run_uri=RUN_URI, trained={"model_arn": "arn:model/m"}
        )
    )


@pytest.fixture
def undeploy(equip: Any) -> Any:
    return equip(
        BedrockUndeployModelOperator(
            task_id="tuned.undeploy", arm="tuned", run_uri=RUN_URI, provisioned=DEPLOYED, wait_seconds=0
        )
    )


@pytest.fixture
def active(equip: Any) -> Any:
    def make(provisioned: Any = DEPLOYED, **more: Any) -> Any:
        settings = {"poll_interval_seconds": 0.01, "timeout_seconds": 0.03, "deferrable": False, **more}
        return equip(
            BedrockDeploymentSensor(task_id="tuned.active", run_uri=RUN_URI, provisioned=provisioned, **settings)
        )

    return make


def choose(store: MemoryStore, mode: str | None) -> None:
    """Store an estimate that made a choice, or none, as an earlier version."""
    choice = {"mode": mode, "reason": "the reason", "options": []}
    write_json(store, FOLDER.estimate, {"lines": [], "serving": {"tuned": choice}} if mode else {"lines": []})


def refused_by_quota(message: str, kind: type[RefusedError | ConcurrencyLimitError] = RefusedError) -> Any:
    error = kind(message)
    error.code = "ServiceQuotaExceededException"
    return error


class TestDeploy:
    def test_a_deployment_is_created_for_missing_answers_and_not_billed_by_the_hour(
        self, deploy: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        assert deploy.execute(context) == DEPLOYED
        assert (bedrock.bought, bedrock.throughputs) == ([FIRST], {})
        tags = bedrock.tags_of[f"arn:deployment/{FIRST}"]
        assert (tags["run-key"], tags["arm"], tags["environment"]) == (RUN_KEY, "tuned", "test")

    @pytest.mark.parametrize(
        "error", [TransientError("connection lost"), ConflictError("The name is currently in use.")], ids=repr
    )
    def test_after_a_lost_response_or_a_repeated_token_there_is_only_one_deployment(
        self, deploy: Any, bedrock: FakeBedrock, context: Any, error: Any
    ) -> None:
        bedrock.lose_next_answer = error
        first, second = deploy.execute(context), deploy.execute(context)
        assert bedrock.bought == [FIRST]
        assert (first["deployment_arn"], first["bought"], second["bought"]) == (second["deployment_arn"], True, False)

    @pytest.mark.parametrize("mode", ["provisioned", None], ids=["slow quota", "earlier version"])
    def test_throughput_is_bought_if_the_estimate_chose_it_or_an_earlier_version_made_it(
        self, deploy: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any, mode: str | None
    ) -> None:
        choose(store, mode)
        manifest = deploy.execute(context)
        assert (manifest["throughput_name"], manifest["usd_per_hour"] > 0) == (FIRST, True)
        assert "deployment_name" not in manifest
        assert bedrock.deployments == {}

    @pytest.mark.parametrize("mode", ["on_demand", "provisioned"])
    @pytest.mark.parametrize("existing", ["throughput", "deployment"])
    def test_an_endpoint_that_the_run_already_has_is_used_whatever_was_chosen_since(
        self, deploy: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any, mode: str, existing: str
    ) -> None:
        choose(store, mode)
        getattr(bedrock, f"put_{existing}")(FIRST, "Creating")
        assert deploy.execute(context)[f"{existing}_name"] == FIRST
        assert bedrock.bought == []

    def test_a_deployment_of_another_run_with_the_name_is_refused(
        self, deploy: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        bedrock.put_deployment(FIRST, "Active")
        bedrock.tags_of[f"arn:deployment/{FIRST}"]["run-key"] = "other"
        with pytest.raises(RefusedError, match=r"deployment .* exists, but belongs to"):
            deploy.execute(context)
        assert bedrock.bought == []

    def test_if_every_answer_is_stored_nothing_is_created(
        self, deploy: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(store, "exists", lambda uri: "/responses/" in uri)
        assert "deployment_name" not in deploy.execute(context)
        assert bedrock.bought == []

    def test_nothing_is_created_after_undeploy(
        self, deploy: Any, undeploy: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        """A forgotten copy of the task continues after ``undeploy``."""
        bedrock.before_create = lambda: pytest.fail("Bedrock was asked")
        looked_up = bedrock.find_deployment
        calls = []

        def undeploy_meanwhile(name: str) -> Any:
            calls.append(name)
            if len(calls) == 2:
                bedrock.find_deployment = looked_up  # type: ignore[method-assign]
                undeploy.execute(context)
            return looked_up(name)

        bedrock.find_deployment = undeploy_meanwhile  # type: ignore[method-assign]
        with pytest.raises(ThroughputReleasedError, match=r"(?s)so this task did not create it.*Nothing was bought"):
            deploy.execute(context)

    def test_after_undeploy_the_next_deployment_has_the_next_number(
        self, deploy: Any, undeploy: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        deploy.execute(context)
        undeploy.execute(context)
        deploy.execute(context)
        assert bedrock.bought == [FIRST, SECOND]


class TestQuotas:
    def test_if_others_are_being_created_the_error_says_to_wait_and_is_retried(
        self, deploy: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        bedrock.put_deployment("other", "Creating")
        bedrock.refuse["create_deployment"] = refused_by_quota("too many")
        with pytest.raises(
            DeploymentsInProgressError, match=r"(?s)being created: other.*Nothing was created"
        ) as raised:
            deploy.execute(context)
        assert "deployments in progress (2 by default)" in raised.value.to_do

    def test_the_message_of_bedrock_is_enough_if_none_is_being_created_any_more(
        self, deploy: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        bedrock.refuse["create_deployment"] = refused_by_quota("2 in progress", ConcurrencyLimitError)
        with pytest.raises(DeploymentsInProgressError, match="none at this moment"):
            deploy.execute(context)

    def test_a_full_account_is_refused_with_the_quota_and_the_deployments_to_delete(
        self, deploy: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        for number in range(10):
            bedrock.put_deployment(f"old-{number}", "Active")
        bedrock.refuse["create_deployment"] = refused_by_quota("too many")
        with pytest.raises(RefusedError, match=r"(?s)has 10 deployments") as raised:
            deploy.execute(context)
        assert "old-0 (Active, created 2026-11-22 02:00 UTC)" in raised.value.to_do
        assert "10 by default" in raised.value.to_do
        assert "delete-custom-model-deployment" in raised.value.to_do
        assert raised.value.billed == "Nothing was created."

    def test_another_refusal_is_passed_on(self, deploy: Any, bedrock: FakeBedrock, context: Any) -> None:
        bedrock.refuse["create_deployment"] = InvalidRequestError("the model is too old")
        with pytest.raises(InvalidRequestError, match="too old"):
            deploy.execute(context)


class TestActive:
    def test_an_active_deployment_is_the_model_to_call(self, active: Any, bedrock: FakeBedrock, context: Any) -> None:
        bedrock.put_deployment(FIRST, "Active")
        assert active().execute(context) == {
            "invoke_id": f"arn:deployment/{FIRST}",
            "model_arn": "arn:model/m",
            "student": "nova-micro",
        }

    @pytest.mark.parametrize(
        ("status", "error", "happened"),
        [
            ("Creating", WaitTimeoutError, "was not active within"),
            ("Failed", ThroughputFailedError, "failed"),
            ("Deleting", ThroughputReleasedError, "was released"),
            (None, ThroughputReleasedError, "was released"),
            ("Surprise", DistillError, "has the unknown status"),
        ],
    )
    def test_any_other_end_names_the_deployment_and_the_task_to_clear_and_no_hourly_price(
        self, active: Any, bedrock: FakeBedrock, context: Any, status: str, error: type[DistillError], happened: str
    ) -> None:
        if status:
            bedrock.put_deployment(FIRST, status)
        with pytest.raises(error) as raised:
            active().execute(context)
        text = str(raised.value)
        assert f"Deployment {FIRST} {happened}" in text
        assert "lear tuned.deploy with downstream" in text
        assert "per hour" not in text
        if status in ("Creating", "Failed", "Surprise"):
            assert "tuned.undeploy runs next and deletes" in text

    def test_the_wait_happens_in_the_triggerer(self, active: Any, bedrock: FakeBedrock, context: Any) -> None:
        trigger = active().trigger(
            deadline="2100-01-01T00:00:00+00:00", poll_interval_seconds=1, aws_conn_id="a", region_name=None
        )
        assert isinstance(trigger, DeploymentTrigger)
        path, arguments = trigger.serialize()
        assert (path.rpartition(".")[2], arguments["name"]) == ("DeploymentTrigger", f"arn:deployment/{FIRST}")
        ended = {}
        for status in ("Creating", "Active", "Failed"):
            bedrock.put_deployment(FIRST, status)
            ended[status] = trigger.has_ended(bedrock)
        trigger.give_up(bedrock)
        assert (ended, bedrock.deployments) == ({"Creating": False, "Active": True, "Failed": True}, {})

    def test_throughput_that_deploy_bought_is_waited_for_too(
        self, active: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        bedrock.put_throughput(FIRST, "InService")
        bought = {**DEPLOYED, "throughput_name": FIRST, "throughput_arn": f"arn:throughput/{FIRST}"}
        del bought["deployment_name"], bought["deployment_arn"]
        assert active(bought).execute(context)["invoke_id"] == f"arn:throughput/{FIRST}"


class TestUndeploy:
    def test_both_kinds_of_endpoints_are_deleted_and_only_throughput_has_hours(
        self, undeploy: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any
    ) -> None:
        bedrock.put_deployment(FIRST, "Creating")
        bedrock.put_throughput(FIRST, "InService")
        manifest = undeploy.execute(context)
        assert (bedrock.deployments, bedrock.throughputs) == ({}, {})
        assert manifest["released"] == [FIRST, FIRST]
        assert manifest["unit_hours"] > 0
        record = read_json(store, FOLDER.release_record("tuned", 1), dict)
        assert ([one["name"] for one in record["found"]], record["deployments"]) == ([FIRST], [FIRST])

    def test_a_deployment_alone_has_no_hours(self, undeploy: Any, bedrock: FakeBedrock, context: Any) -> None:
        bedrock.put_deployment(FIRST, "Active")
        assert undeploy.execute(context) == {"released": [FIRST], "unit_hours": 0}

    def test_a_deployment_of_others_is_left_and_ours_is_deleted(
        self, undeploy: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any
    ) -> None:
        write_json(store, FOLDER.release_record("tuned", 1), {"released_at": CREATED.isoformat(), "found": []})
        for name in (FIRST, SECOND):
            bedrock.put_deployment(name, "Active")
        bedrock.tags_of[f"arn:deployment/{FIRST}"]["run-key"] = "other"
        with pytest.raises(RefusedError, match="No endpoint of another owner was deleted"):
            undeploy.execute(context)
        assert list(bedrock.deployments) == [FIRST]

    def test_a_refused_look_up_of_deployments_does_not_keep_throughput(
        self, undeploy: Any, bedrock: FakeBedrock, context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_: str) -> Any:
            raise RefusedError("denied")

        monkeypatch.setattr(bedrock, "find_deployment", refuse)
        bedrock.put_throughput(FIRST, "InService")
        with pytest.raises(RefusedError, match="denied") as raised:
            undeploy.execute(context)
        assert bedrock.throughputs == {}
        assert "clear tuned.undeploy with downstream" in str(raised.value)

    def test_the_error_names_the_deployment_that_is_left_and_how_to_delete_it_by_hand(
        self, undeploy: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        bedrock.put_deployment(FIRST, "Active")
        bedrock.refuse["delete_deployment"] = RefusedError("denied")
        with pytest.raises(RefusedError) as raised:
            undeploy.execute(context)
        lines = dict(line.split(": ", 1) for line in str(raised.value).splitlines()[-4:])
        assert f"Deployment {FIRST} may still exist. It is not billed while it is idle" in lines[BILLED]
        assert (
            f"delete-custom-model-deployment --custom-model-deployment-identifier arn:deployment/{FIRST}"
            in lines[TO_DO]
        )

    def test_a_deletion_that_is_refused_while_the_deployment_changes_is_repeated(
        self, undeploy: Any, bedrock: FakeBedrock, context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bedrock_distill.lifecycle.endpoints.time.sleep", lambda _: bedrock.refuse.clear())
        undeploy.wait_seconds = 60
        bedrock.put_deployment(FIRST, "Creating")
        bedrock.refuse["delete_deployment"] = ConflictError("is changing")
        assert undeploy.execute(context)["released"] == [FIRST]
        assert bedrock.deployments == {}

    def test_a_deployment_that_still_exists_fails_the_task(
        self, undeploy: Any, bedrock: FakeBedrock, context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bedrock.put_deployment(FIRST, "Active")
        monkeypatch.setattr(bedrock, "delete_deployment", lambda _: None)
        with pytest.raises(OutcomeError, match=r"deployment .* still exists"):
            undeploy.execute(context)


class TestAnswer:
    ARN = "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/abcdef012345"

    def task(self, equip: Any, serving: Any) -> Any:
        return equip(
            BedrockAnswerOnDemandOperator(
                task_id="tuned.answer", run_uri=RUN_URI, arm="tuned", shard=0, serving=serving
            )
        )

    def test_answers_are_billed_by_the_token(self, equip: Any, bedrock: FakeBedrock, context: Any) -> None:
        bedrock.say = say
        serving = {"invoke_id": self.ARN, "model_arn": "arn:model/m", "student": "nova-micro"}
        task = self.task(equip, serving)
        manifest = task.execute(context)
        assert {request.invoke_id for request in bedrock.asked} == {self.ARN}
        assert manifest["deployed_input_tokens"] == manifest["input_tokens"] > 0
        assert "billed by the hour" not in task.cost_so_far()
        assert task.task_to_clear == (
            "tuned.answer with downstream (Airflow then also runs tuned.deploy again, which creates a new endpoint for"
            " the missing answers)"
        )

    def test_without_a_result_of_active_no_request_is_sent(
        self, equip: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        with pytest.raises(ThroughputReleasedError, match=r"(?s)tuned\.active returned no result.*lear tuned\.deploy"):
            self.task(equip, None).execute(context)
        assert bedrock.asked == []
