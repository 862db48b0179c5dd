"""Check that the sweeper releases throughput if its run has ended without a teardown."""

from __future__ import annotations

import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.api.datamodels._generated import DagRunState
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from bedrock_distill.operators.release_leftovers import ReleaseLeftoversOperator
from include.distill.cleanup.tag_values import to_tags
from include.distill.config.loader import USE_CASES_FOLDER
from include.distill.config.root_owner import claim_root
from include.distill.core.errors import (
    ExpiredCredentialsError,
    InputError,
    NotFoundError,
    OutcomeError,
    RefusedError,
    TransientError,
    UseCaseError,
)
from include.distill.core.naming import former_run_key, run_key, throughput_names
from tests.fakes.fake_bedrock import OWN_TAGS, FakeBedrock
from tests.fakes.memory_store import MemoryStore

KEY = run_key("dag", "run")
ENDPOINT, ANOTHER = (throughput_names("test", "aws_docs_qa", "tuned", KEY, ordinal).name for ordinal in (1, 2))
ARN = f"arn:throughput/{ENDPOINT}"


@pytest.fixture
def bedrock(monkeypatch: pytest.MonkeyPatch) -> FakeBedrock:
    fake = FakeBedrock()
    fake.put_throughput(ENDPOINT, "Creating")
    monkeypatch.setattr("bedrock_distill.operators.release_leftovers.BedrockDistillHook", lambda *_, **__: fake)
    return fake


def ours(**more: str) -> dict[str, str]:
    return {
        **OWN_TAGS,
        "run-key": KEY,
        "arm": "tuned",
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

        ti = SimpleNamespace(get_dagrun_state=state, run_id="sweep", try_number=1, max_tries=0)
        context: Any = {"ti": ti}
        return ReleaseLeftoversOperator(task_id="sweep").execute(context)

    @pytest.mark.parametrize("run_state", ["success", "failed", None])
    def test_throughput_that_no_live_run_uses_is_released(self, bedrock: FakeBedrock, run_state: str | None) -> None:
        bedrock.tags_of[ARN] = ours()
        assert self.sweep(run_state)["released"] == [ENDPOINT]
        assert bedrock.throughputs == {}

    def test_throughput_of_a_live_run_is_kept_and_its_expiry_renewed(self, bedrock: FakeBedrock) -> None:
        bedrock.tags_of[ARN] = ours()
        assert self.sweep("running")["renewed"] == [ENDPOINT]
        renewed = datetime.datetime.fromisoformat(bedrock.tags_of[ARN]["expires-at"])
        assert renewed > datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=2)

    def test_the_endpoint_of_a_live_run_with_an_unusual_id_is_kept_after_its_expiry(self, bedrock: FakeBedrock) -> None:
        key = run_key("dag", "nightly~2")
        name = throughput_names("test", "aws_docs_qa", "tuned", key, 1).name
        bedrock.throughputs.clear()
        bedrock.put_throughput(name, "InService")
        bedrock.tags_of[f"arn:throughput/{name}"] = {**ours(**{"run-key": key}), **to_tags("run-id", "nightly~2")}
        states = {("dag", "nightly~2"): "running"}
        context: Any = {"ti": SimpleNamespace(get_dagrun_state=lambda *run: states[run])}
        assert ReleaseLeftoversOperator(task_id="sweep").execute(context)["renewed"] == [name]

    def test_throughput_is_kept_if_the_state_of_its_run_cannot_be_looked_up(self, bedrock: FakeBedrock) -> None:
        bedrock.tags_of[ARN] = ours()
        with pytest.raises(OutcomeError, match="could not be checked or released"):
            self.sweep(None, code=500)
        assert list(bedrock.throughputs) == [ENDPOINT]

    def test_throughput_of_another_project_is_kept(self, bedrock: FakeBedrock) -> None:
        bedrock.tags_of[ARN] = {"expires-at": "2020-01-01T00:00:00Z"}
        assert self.sweep(None) == {"released": [], "renewed": [], "left": 1, "not_ours": 1}

    def test_a_throughput_that_cannot_be_released_fails_the_task_after_the_others_are_released(
        self, bedrock: FakeBedrock
    ) -> None:
        bedrock.put_throughput(ANOTHER, "InService")
        for name in (ENDPOINT, ANOTHER):
            bedrock.tags_of[f"arn:throughput/{name}"] = ours()
        delete = bedrock.delete_throughput

        def refuse_the_first(arn: str) -> None:
            if arn == ARN:
                raise TransientError("500")
            delete(arn)

        bedrock.delete_throughput = refuse_the_first  # type: ignore[method-assign]
        with pytest.raises(
            OutcomeError, match=rf"could not be checked or released.*: {ARN}, billed since 2026"
        ) as raised:
            self.sweep(None)
        assert list(bedrock.throughputs) == [ENDPOINT]
        advice = str(raised.value).splitlines()[-1]
        assert f"`aws bedrock delete-provisioned-model-throughput --provisioned-model-id {ARN}`" in advice
        assert ANOTHER not in advice

    def test_if_throughput_cannot_be_listed_the_error_says_where_a_person_can_look(
        self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch, context: Any
    ) -> None:
        def expired() -> Any:
            raise ExpiredCredentialsError("expired")

        monkeypatch.setattr(bedrock, "list_throughputs", expired)
        with pytest.raises(ExpiredCredentialsError) as raised:
            ReleaseLeftoversOperator(task_id="sweep", region_name="us-east-1").execute(context)
        advice = str(raised.value).splitlines()[-1]
        assert "https://us-east-1.console.aws.amazon.com/bedrock/home?region=us-east-1#/provisioned-through" in advice
        assert "delete-provisioned-model-throughput --provisioned-model-id <name> --region us-east-1`" in advice
        assert "Renew the credentials of the Airflow connection aws_default" in advice

    @pytest.mark.parametrize(
        ("tags", "is_warned"),
        [
            pytest.param({"project": "bedrock-distill"}, True, id="a bare project tag"),
            pytest.param(ours(environment="prod"), False, id="another environment"),
            pytest.param(ours(**{"run-id": "an ended run"}), True, id="the id of another run"),
            pytest.param(ours(arm="other"), True, id="the tags of another endpoint"),
            pytest.param({key: value for key, value in ours().items() if key != "environment"}, True, id="no tag"),
        ],
    )
    @pytest.mark.parametrize("run_state", ["success", "running", None])
    def test_throughput_that_does_not_certainly_belong_to_us_is_left_unchanged(
        self,
        bedrock: FakeBedrock,
        capsys: pytest.CaptureFixture[str],
        tags: dict[str, str],
        is_warned: bool,
        run_state: str | None,
    ) -> None:
        bedrock.tags_of[ARN] = dict(tags)
        assert self.sweep(run_state) == {"released": [], "renewed": [], "left": 1, "not_ours": 1}
        assert (list(bedrock.throughputs), bedrock.tags_of[ARN]) == ([ENDPOINT], tags)
        (line,) = [line for line in capsys.readouterr().out.splitlines() if f"{ENDPOINT}: leave" in line]
        assert ("[warning" in line, "delete it by hand" in line) == (is_warned, is_warned)

    def test_throughput_that_its_own_deployment_deletes_during_the_sweep_is_no_failure(
        self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def gone(_: str) -> dict[str, str]:
            raise NotFoundError("ResourceNotFoundException")

        monkeypatch.setattr(bedrock, "tags", gone)
        assert self.sweep("success") == {"released": [], "renewed": [], "left": 1, "not_ours": 0}

    def test_a_run_with_a_configuration_is_refused_because_nothing_would_read_it(self, bedrock: FakeBedrock) -> None:
        bedrock.tags_of[ARN] = ours()
        context: Any = {"params": {}, "dag_run": SimpleNamespace(conf={"dry_run": True})}
        with pytest.raises(InputError, match="accepts no configuration"):
            ReleaseLeftoversOperator(task_id="sweep").execute(context)
        assert bedrock.throughputs

    def test_nothing_is_swept_if_the_deployment_has_no_name(
        self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bedrock.tags_of[ARN] = ours()
        monkeypatch.delenv("DISTILL_ENVIRONMENT")
        with pytest.raises(UseCaseError, match="DISTILL_ENVIRONMENT is not set"):
            self.sweep("success")
        assert list(bedrock.throughputs) == [ENDPOINT]


FORMER_KEY = str(former_run_key(KEY))
FORMER = str(throughput_names("test", "aws_docs_qa", "tuned", FORMER_KEY, 1).former)
FORMER_TAGS = {key: value for key, value in ours(**{"run-key": FORMER_KEY}).items() if key != "environment"}
ROOT = "s3://bedrock-distill-training/distill"


class TestDeployments:
    """Deployments of runs are swept like throughput; the standing endpoint of a champion is not."""

    @pytest.fixture(autouse=True)
    def deployment(self, bedrock: FakeBedrock) -> str:
        bedrock.throughputs.clear()
        bedrock.put_deployment(ENDPOINT, "Active")
        bedrock.tags_of[f"arn:deployment/{ENDPOINT}"] = ours()
        return ENDPOINT

    sweep = TestSweeper.sweep

    @pytest.mark.parametrize("run_state", ["success", "failed", None])
    def test_a_deployment_that_no_live_run_uses_is_deleted(self, bedrock: FakeBedrock, run_state: str | None) -> None:
        assert self.sweep(run_state)["released"] == [ENDPOINT]
        assert bedrock.deployments == {}

    def test_a_deployment_of_a_live_run_is_kept_and_its_expiry_renewed(self, bedrock: FakeBedrock) -> None:
        assert self.sweep("running")["renewed"] == [ENDPOINT]
        assert bedrock.tags_of[f"arn:deployment/{ENDPOINT}"]["expires-at"] > "2026-01-01T00:00:00Z"
        assert list(bedrock.deployments) == [ENDPOINT]

    @pytest.mark.parametrize("run_state", ["success", None])
    def test_the_standing_endpoint_of_a_champion_is_left(self, bedrock: FakeBedrock, run_state: str | None) -> None:
        bedrock.tags_of[f"arn:deployment/{ENDPOINT}"] = ours(role="standing")
        assert self.sweep(run_state) == {"released": [], "renewed": [], "left": 1, "not_ours": 1}
        assert list(bedrock.deployments) == [ENDPOINT]

    def test_a_deployment_that_bedrock_is_deleting_is_left(
        self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bedrock.put_deployment(ENDPOINT, "Deleting")
        monkeypatch.setattr(bedrock, "delete_deployment", lambda _: pytest.fail("it was deleted again"))
        assert self.sweep("success")["left"] == 1

    def test_a_deployment_that_cannot_be_deleted_fails_the_task_and_is_not_called_billed(
        self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_: str) -> None:
            raise TransientError("500")

        monkeypatch.setattr(bedrock, "delete_deployment", refuse)
        with pytest.raises(OutcomeError, match="not billed while they are idle") as raised:
            self.sweep("success")
        assert "billed by the hour" not in str(raised.value)
        assert "delete-custom-model-deployment" in str(raised.value)

    def test_throughput_is_released_even_if_deployments_cannot_be_listed(
        self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse() -> Any:
            raise RefusedError("AccessDeniedException")

        bedrock.put_throughput(ENDPOINT, "InService")
        bedrock.tags_of[ARN] = ours()
        monkeypatch.setattr(bedrock, "list_deployments", refuse)
        with pytest.raises(RefusedError):
            self.sweep("success")
        assert bedrock.throughputs == {}


class TestThroughputOfEarlierVersions:
    """Earlier versions did not name the environment, so only the training data can prove whose a throughput is."""

    @pytest.fixture
    def store(self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
        """A throughput of an earlier version, whose model was trained on data below a root of this environment."""
        store = MemoryStore()
        claim_root(store, ROOT, "test")
        monkeypatch.setattr("bedrock_distill.operators.release_leftovers.S3ObjectStore", lambda _: store)
        bedrock.throughputs.clear()
        bedrock.put_throughput(FORMER, "InService")
        bedrock.tags_of[f"arn:throughput/{FORMER}"] = dict(FORMER_TAGS)
        return store

    def sweep(self, use_cases: Path = USE_CASES_FOLDER) -> Any:
        context: Any = {"ti": SimpleNamespace(get_dagrun_state=lambda *_: "success")}
        operator = ReleaseLeftoversOperator(task_id="sweep", region_name="us-east-1", use_cases=use_cases)
        return operator.execute(context)

    def test_it_is_released_if_its_training_data_proves_that_it_is_ours(self, store: MemoryStore) -> None:
        assert self.sweep()["released"] == [FORMER]

    @pytest.mark.parametrize("owner", [None, "prod"])
    def test_it_is_left_if_this_environment_does_not_own_the_root(self, store: MemoryStore, owner: str | None) -> None:
        store.delete(f"{ROOT}/environment.json")
        if owner:
            claim_root(store, ROOT, owner)
        assert self.sweep()["not_ours"] == 1

    @pytest.mark.parametrize("uri", ["s3://bedrock-distill-training/prod/datasets/d/train.jsonl", None])
    def test_it_is_left_if_its_model_was_trained_on_other_data(
        self, store: MemoryStore, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch, uri: str | None
    ) -> None:
        monkeypatch.setattr(bedrock, "training_data_of_model", lambda _: uri)
        assert self.sweep()["not_ours"] == 1

    def test_it_is_left_if_no_use_case_names_the_root(self, store: MemoryStore, tmp_path: Path) -> None:
        assert self.sweep(tmp_path)["not_ours"] == 1

    def test_a_bucket_that_cannot_be_read_does_not_stop_the_sweep(
        self, store: MemoryStore, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bedrock.put_throughput(ENDPOINT, "InService")
        bedrock.tags_of[ARN] = ours()

        def refuse(_: str) -> bytes:
            raise RefusedError("403")

        monkeypatch.setattr(store, "read", refuse)
        assert self.sweep() == {"released": [ENDPOINT], "renewed": [], "left": 1, "not_ours": 1}
