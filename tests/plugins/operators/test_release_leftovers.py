"""Check that the sweeper releases throughput if its run has ended without a teardown."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.api.datamodels._generated import DagRunState
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from bedrock_distill.operators.release_leftovers import ReleaseLeftoversOperator
from include.distill.cleanup.tag_values import to_tags
from include.distill.core.errors import OutcomeError, TransientError
from tests.fakes.fake_bedrock import FakeBedrock


@pytest.fixture
def bedrock(monkeypatch: pytest.MonkeyPatch) -> FakeBedrock:
    fake = FakeBedrock()
    fake.put_throughput("endpoint", "Creating")
    monkeypatch.setattr("bedrock_distill.operators.release_leftovers.BedrockDistillHook", lambda *_: fake)
    return fake


def ours(**more: str) -> dict[str, str]:
    return {
        "project": "bedrock-distill",
        "dag-id": "dag",
        "run-id": "run",
        "expires-at": "2026-01-01T00:00:00Z",
        **more,
    }


class TestSweeper:
    def sweep(self, run_state: str | None, *, code: int = 404) -> Any:
        def state(dag_id: str, run_id: str) -> str:
            if run_state is None:
                raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": code}))
            return DagRunState(run_state)  # what Airflow returns, though it says str

        context: Any = {"ti": SimpleNamespace(get_dagrun_state=state)}
        return ReleaseLeftoversOperator(task_id="sweep").execute(context)

    @pytest.mark.parametrize("run_state", ["success", "failed", None])
    def test_throughput_that_no_live_run_uses_is_released(self, bedrock: FakeBedrock, run_state: str | None) -> None:
        bedrock.tags_of["arn:throughput/endpoint"] = ours()
        assert self.sweep(run_state)["released"] == ["endpoint"]
        assert bedrock.throughputs == {}

    def test_throughput_of_a_live_run_is_kept_and_its_expiry_renewed(self, bedrock: FakeBedrock) -> None:
        bedrock.tags_of["arn:throughput/endpoint"] = ours()
        assert self.sweep("running")["renewed"] == ["endpoint"]
        renewed = datetime.datetime.fromisoformat(bedrock.tags_of["arn:throughput/endpoint"]["expires-at"])
        assert renewed > datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=2)

    def test_the_endpoint_of_a_live_run_with_an_unusual_id_is_kept_after_its_expiry(self, bedrock: FakeBedrock) -> None:
        bedrock.tags_of["arn:throughput/endpoint"] = {**ours(), **to_tags("run-id", "nightly~2")}
        states = {("dag", "nightly~2"): "running"}
        context: Any = {"ti": SimpleNamespace(get_dagrun_state=lambda *run: states[run])}
        assert ReleaseLeftoversOperator(task_id="sweep").execute(context)["renewed"] == ["endpoint"]

    def test_throughput_is_kept_if_the_state_of_its_run_cannot_be_looked_up(self, bedrock: FakeBedrock) -> None:
        bedrock.tags_of["arn:throughput/endpoint"] = ours()
        with pytest.raises(OutcomeError, match="could not be checked or released"):
            self.sweep(None, code=500)
        assert list(bedrock.throughputs) == ["endpoint"]

    def test_throughput_of_another_project_is_kept(self, bedrock: FakeBedrock) -> None:
        bedrock.tags_of["arn:throughput/endpoint"] = {"expires-at": "2020-01-01T00:00:00Z"}
        assert self.sweep(None) == {"released": [], "renewed": [], "left": 1}

    def test_a_throughput_that_cannot_be_released_fails_the_task_after_the_others_are_released(
        self, bedrock: FakeBedrock
    ) -> None:
        bedrock.put_throughput("another", "InService")
        for name in ("endpoint", "another"):
            bedrock.tags_of[f"arn:throughput/{name}"] = ours()
        delete = bedrock.delete_throughput

        def refuse_the_first(arn: str) -> None:
            if arn.endswith("endpoint"):
                raise TransientError("500")
            delete(arn)

        bedrock.delete_throughput = refuse_the_first  # type: ignore[method-assign]
        with pytest.raises(OutcomeError, match=r"could not be checked or released.*: arn:throughput/end"):
            self.sweep(None)
        assert list(bedrock.throughputs) == ["endpoint"]
