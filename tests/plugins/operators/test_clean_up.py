"""List and delete leftovers, on fakes and, in the last test, on the AWS simulator."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.sdk.exceptions import AirflowRuntimeError, AirflowSkipException, DownstreamTasksSkipped, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from bedrock_distill.operators.clean_up import DeleteLeftoversOperator, ListLeftoversOperator
from include.distill.cleanup.expiry import PROJECT_TAG
from include.distill.config.layout import RunFolder, champion_uri
from include.distill.config.root_owner import claim_root
from include.distill.config.run_record import RunIdentity, claim_run_folder
from include.distill.config.use_case import UseCase
from include.distill.core.errors import ContractError, InputError, OutcomeError, TransientError
from include.distill.core.naming import job_names, run_key, standing_endpoint_name, throughput_names
from include.distill.core.storage import read_json, write_json
from include.distill.evaluation.champion import read_champion
from tests.fakes.aws_simulator import RunningSimulator, start_simulator
from tests.fakes.fake_bedrock import FINGERPRINT, OWN_TAGS, RUN_KEY, FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import RUN_URI
from tests.plugins.lifecycle.test_standing_removal import CHAMPION
from tests.tools.aws_simulator.builders import conversation, custom_model, jsonl, provision, put

TRAINING, OUTPUT = "bedrock-distill-training", "bedrock-distill-output"
DAG, RUN = "d", "r"
FOLDER = RunFolder(RUN_URI.replace(RUN_KEY, run_key(DAG, RUN)))
TAGS = {
    **OWN_TAGS,
    "run-key": FOLDER.run_key,
    "arm": "tuned",
    "fingerprint": FINGERPRINT,
    "expires-at": "2020-01-01T00:00:00Z",
    "dag-id": DAG,
    "run-id": RUN,
}
MODEL = job_names("test", "aws_docs_qa", "tuned", FINGERPRINT, 1).name
ENDPOINT = throughput_names("test", "aws_docs_qa", "tuned", FOLDER.run_key, 1).name
HASH = 64 * "0"
FOREIGN = f"s3://{TRAINING}/distill/runs/of-someone-else/notes.txt"
NOW = datetime.datetime(2026, 12, 22, tzinfo=datetime.UTC)  # a month after the fake resources were created
GO: dict[str, Any] = {"dry_run": False, "include_unexpired": True, "newest_reports": True}


def with_folder(folder: Path, use_case: UseCase) -> Path:
    """Write the use case as the only file of a folder."""
    (folder / "aws_docs_qa.yaml").write_text(yaml.safe_dump(use_case.model_dump(mode="json", exclude={"environment"})))
    return folder


@pytest.fixture
def context(context: dict[str, Any]) -> dict[str, Any]:
    """An Airflow that has no record of the run that bought the resources."""

    def unknown(dag_id: str, run_id: str) -> str:
        assert (dag_id, run_id) == (DAG, RUN), "the run of another project was looked up"
        raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": 404}))

    context["ti"].get_dagrun_state = unknown
    context["ti"].get_dr_count = lambda dag_id, states: 0
    return context


@pytest.fixture
def use_cases(tmp_path: Path, use_case: UseCase) -> Path:
    return with_folder(tmp_path, use_case)


@pytest.fixture
def store(store: MemoryStore) -> MemoryStore:
    """The objects of a finished run, the objects that runs share, and an object of another project."""
    store.objects = {uri.replace(RUN_KEY, FOLDER.run_key): body for uri, body in store.objects.items()}
    for bucket in (TRAINING, OUTPUT):
        claim_root(store, f"s3://{bucket}/distill", "test")
    write_json(store, FOLDER.report("json"), {})
    store.write(FOLDER.dataset(HASH, "train.jsonl"), b"{}")
    store.write(f"{FOLDER.responses}/nova/00/{HASH}.json", b"{}")
    store.write(f"s3://{OUTPUT}/distill/training/0123/loss.csv", b"")
    store.write(FOREIGN, b"mine")
    store.buckets = {TRAINING: {"project": PROJECT_TAG}, OUTPUT: {"project": PROJECT_TAG}}
    return store


@pytest.fixture
def bedrock(bedrock: FakeBedrock) -> FakeBedrock:
    """A throughput and a model of this project, and a throughput and a model of another project."""
    for model, endpoint, tags in ((MODEL, ENDPOINT, TAGS), ("theirs", "theirs-pt", {"project": "other"})):
        bedrock.models.add(f"arn:model/{model}")
        bedrock.put_throughput(endpoint, "InService", model_arn=f"arn:model/{model}")
        bedrock.tags_of |= {f"arn:model/{model}": tags, f"arn:throughput/{endpoint}": tags}
    return bedrock


@pytest.fixture
def tasks(use_cases: Path, bedrock: FakeBedrock, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The two tasks of the DAG, with fakes in place of AWS."""
    listing = ListLeftoversOperator(task_id="list", use_cases=use_cases)
    deleting = DeleteLeftoversOperator(
        task_id="delete", use_cases=use_cases, listed={"as_of": NOW.isoformat()}, wait_seconds=0
    )
    for task in (listing, deleting):
        monkeypatch.setattr(type(task), "connect", lambda *_: (bedrock, store))
        monkeypatch.setattr(type(task), "now", lambda _: NOW)
    return listing, deleting


def with_form(context: Any, **params: Any) -> Any:
    return {**context, "params": params}


class TestList:
    def test_a_dry_run_lists_but_deletes_nothing_and_skips_the_next_task(
        self, tasks: Any, context: Any, bedrock: FakeBedrock, store: MemoryStore, capfd: Any
    ) -> None:
        before = dict(store.objects)
        with pytest.raises(DownstreamTasksSkipped):
            tasks[0].execute(with_form(context))
        assert (store.objects, len(bedrock.models), len(bedrock.throughputs)) == (before, 2, 2)
        manifest = context["ti"].xcoms["return_value"]
        assert manifest["delete"] == {"throughput": 1, "custom model": 1}
        assert (manifest["left"]["throughput"], manifest["left"]["run"]) == (1, 2)
        assert "costs about $60.50 per hour" in "".join(capfd.readouterr())
        assert len(json.dumps(manifest)) < 2000

    def test_the_manifest_has_counts_by_kind_and_the_time_of_the_listing(self, tasks: Any, context: Any) -> None:
        manifest = tasks[0].execute(with_form(context, dry_run=False))
        assert (manifest["as_of"], manifest["dry_run"]) == (NOW.isoformat(), False)
        assert manifest["left"] == {
            "throughput": 1,
            "custom model": 1,
            "run": 2,
            "data sets": 1,
            "paid answers": 1,
            "training output": 1,
            "owner of the root": 2,
            "bucket": 2,
        }

    @pytest.mark.parametrize(
        ("form", "reason"),
        [
            pytest.param({"use_case": "faq"}, "(?s)'faq' is unknown.*one of: all, aws_docs_qa", id="use case"),
            pytest.param(
                {"confirm_buckets": f"{TRAINING}s"}, f"the chosen use cases are {OUTPUT}, {TRAINING}", id="name"
            ),
            pytest.param({"confirm_buckets": f"{TRAINING} {OUTPUT}"}, "unknown buckets to delete", id="no comma"),
        ],
    )
    def test_an_unknown_name_is_refused(self, tasks: Any, context: Any, form: Any, reason: str) -> None:
        with pytest.raises(InputError, match=reason):
            tasks[0].execute(with_form(context, **form))


class TestLabeledRuns:
    @pytest.mark.parametrize(("runs", "word"), [(0, "DELETE"), (1, "KEEP")])
    def test_a_run_is_kept_while_people_label_a_run_of_its_use_case(
        self, tasks: Any, context: Any, store: MemoryStore, capfd: Any, runs: int, word: str
    ) -> None:
        asked = []

        def count(dag_id: str, states: list[str]) -> int:
            asked.append((dag_id, states))
            return runs

        context["ti"].get_dr_count = count
        with pytest.raises(DownstreamTasksSkipped):
            tasks[0].execute(with_form(context, newest_reports=True))
        line = next(line for line in "".join(capfd.readouterr()).splitlines() if FOLDER.uri in line)
        assert word in line
        assert ("a run of distill_label__aws_docs_qa is in progress" in line) is bool(runs)
        assert asked == [("distill_label__aws_docs_qa", ["queued", "running"])]


class TestEndedRuns:
    """A run that was refused, failed or only dry has ended if Airflow shows it as ended."""

    @pytest.mark.parametrize(
        ("state", "reason"), [("failed", None), ("success", None), ("running", "its run is running"), (None, "may run")]
    )
    def test_the_state_of_a_run_without_a_report_is_looked_up(
        self, tasks: Any, context: Any, store: MemoryStore, capfd: Any, state: str | None, reason: str | None
    ) -> None:
        store.delete(FOLDER.report("json"))
        store.modified = dict.fromkeys(store.objects, NOW - datetime.timedelta(minutes=5))
        identity = RunIdentity("test", DAG, RUN)
        claim_run_folder(store, FOLDER, identity, use_case="aws_docs_qa")
        unknown = context["ti"].get_dagrun_state
        context["ti"].get_dagrun_state = lambda *run: state or unknown(*run)
        with pytest.raises(DownstreamTasksSkipped):
            tasks[0].execute(with_form(context))
        printed = "".join(capfd.readouterr())
        line = next(line for line in printed.splitlines() if FOLDER.uri in line)
        assert ("DELETE  run" in line) if reason is None else (reason in line)
        assert context["ti"].xcoms["return_value"]["delete"].get("custom model", 0) == (reason is None)

    def test_a_run_of_another_environment_is_not_looked_up(self, tasks: Any, context: Any, store: MemoryStore) -> None:
        claim_run_folder(store, FOLDER, RunIdentity("prod", "another", "id"), use_case="aws_docs_qa")
        tasks[1].execute(with_form(context, **GO))  # the look-up in `context` accepts only the run of this environment


class TestDelete:
    def test_resources_of_the_project_are_deleted_and_all_others_are_kept(
        self, tasks: Any, context: Any, bedrock: FakeBedrock, store: MemoryStore
    ) -> None:
        manifest = tasks[1].execute(with_form(context, **GO))
        assert manifest["deleted"] == {"throughput": 1, "custom model": 1, "run": 1}
        assert (bedrock.models, set(bedrock.throughputs)) == ({"arn:model/theirs"}, {"theirs-pt"})
        assert store.list(f"{FOLDER.root}/runs/") == [FOREIGN]
        assert len(store.list(f"{FOLDER.root}/datasets/") + store.list(f"{FOLDER.responses}/")) == 2

    def test_a_deployment_is_deleted_before_its_model_and_a_standing_one_is_kept_with_its_model(
        self, tasks: Any, context: Any, bedrock: FakeBedrock, store: MemoryStore
    ) -> None:
        bedrock.throughputs.clear()
        bedrock.models.add("arn:model/promoted")
        bedrock.tags_of["arn:model/promoted"] = TAGS
        bedrock.put_deployment(ENDPOINT, "Active", model_arn=f"arn:model/{MODEL}")
        bedrock.put_deployment("standing", "Active", model_arn="arn:model/promoted")
        bedrock.tags_of |= {
            f"arn:deployment/{ENDPOINT}": TAGS,
            "arn:deployment/standing": {**TAGS, "role": "standing"},
        }
        manifest = tasks[1].execute(with_form(context, **{**GO, "run_objects": False}))
        assert (manifest["deleted"], list(bedrock.deployments)) == ({"deployment": 1, "custom model": 1}, ["standing"])
        assert bedrock.models == {"arn:model/theirs", "arn:model/promoted"}
        record = read_json(store, FOLDER.release_record("tuned", 1), dict)
        assert (record["found"], record["deployments"]) == ([], [ENDPOINT])

    @pytest.mark.parametrize("kind", ["deployment", "throughput"])
    @pytest.mark.parametrize(("ticked", "recorded"), [(False, True), (True, True), (True, False)])
    def test_a_standing_endpoint_is_deleted_only_if_the_form_says_so(
        self,
        tasks: Any,
        context: Any,
        bedrock: FakeBedrock,
        store: MemoryStore,
        kind: str,
        ticked: bool,
        recorded: bool,
    ) -> None:
        name, uri = standing_endpoint_name("test", "aws_docs_qa"), champion_uri(FOLDER.root, "aws_docs_qa")
        put = bedrock.put_deployment if kind == "deployment" else bedrock.put_throughput
        put(name, "Active" if kind == "deployment" else "InService", model_arn="arn:model/theirs")
        bedrock.tags_of[f"arn:{kind}/{name}"] = {**OWN_TAGS, "role": "standing"}
        if recorded:
            write_json(store, uri, CHAMPION.model_dump())
        manifest = tasks[1].execute(with_form(context, **GO, delete_standing_endpoints=ticked))
        assert (name in {**bedrock.deployments, **bedrock.throughputs}) is not ticked
        assert manifest["deleted"].get(kind, 0) == ticked + (kind == "throughput")
        if recorded:
            champion = read_champion(store, uri)
            assert champion is not None
            assert (champion.endpoint is None) is ticked

    def test_a_retry_deletes_the_standing_endpoint_that_the_first_attempt_could_not_delete(
        self, tasks: Any, context: Any, bedrock: FakeBedrock, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: Any) -> Any:
            raise TransientError("throttled")

        name = standing_endpoint_name("test", "aws_docs_qa")
        bedrock.put_throughput(name, "InService", model_arn="arn:model/theirs")
        bedrock.tags_of[f"arn:throughput/{name}"] = {**OWN_TAGS, "role": "standing"}
        write_json(store, champion_uri(FOLDER.root, "aws_docs_qa"), CHAMPION.model_dump())
        context["ti"].get_dagrun_state = lambda *_: "running"  # so is the clean-up itself
        form = with_form(context, **GO, delete_standing_endpoints=True)
        with monkeypatch.context() as broken:
            broken.setattr(bedrock, "delete_throughput", fail)
            with pytest.raises(OutcomeError, match="throttled"):
                tasks[1].execute(form)
        assert name in bedrock.throughputs
        tasks[1].execute(form)
        assert name not in bedrock.throughputs

    def test_a_dry_run_deletes_nothing_even_if_only_this_task_is_cleared(
        self, tasks: Any, context: Any, bedrock: FakeBedrock
    ) -> None:
        with pytest.raises(AirflowSkipException):
            tasks[1].execute(with_form(context, dry_run=True))
        assert len(bedrock.throughputs) == 2

    def test_nothing_is_deleted_without_a_list(self, tasks: Any, context: Any, bedrock: FakeBedrock) -> None:
        tasks[1].listed = None
        with pytest.raises(ContractError, match="list_leftovers has no result"):
            tasks[1].execute(with_form(context, dry_run=False))
        assert len(bedrock.throughputs) == 2

    @pytest.mark.parametrize("listing", ["list_throughputs", "list_custom_models", "describe", "bucket_tags"])
    def test_nothing_is_deleted_when_a_listing_failed(
        self,
        tasks: Any,
        context: Any,
        bedrock: FakeBedrock,
        store: MemoryStore,
        monkeypatch: pytest.MonkeyPatch,
        listing: str,
    ) -> None:
        def fail(*_: Any) -> Any:
            raise TransientError("500")

        before = dict(store.objects)
        monkeypatch.setattr(bedrock if hasattr(bedrock, listing) else store, listing, fail)
        with pytest.raises(TransientError):
            tasks[1].execute(with_form(context, **GO, confirm_buckets=TRAINING))
        assert (store.objects, len(bedrock.models), len(bedrock.throughputs)) == (before, 2, 2)

    def test_resources_that_a_live_run_uses_are_kept_whatever_was_ticked(
        self, tasks: Any, context: Any, bedrock: FakeBedrock, store: MemoryStore
    ) -> None:
        bedrock.tags_of[f"arn:throughput/{ENDPOINT}"] = TAGS
        context["ti"].get_dagrun_state = lambda *run: {("d", "r"): "running"}[run]
        assert tasks[1].execute(with_form(context, **GO))["deleted"] == {}
        assert len(bedrock.throughputs) == 2
        assert store.exists(FOLDER.use_case)

    def test_the_champion_is_kept(self, tasks: Any, context: Any, bedrock: FakeBedrock, store: MemoryStore) -> None:
        champion = {"use_case": "aws_docs_qa", "model": {"arn": f"arn:model/{MODEL}"}}
        write_json(store, f"{FOLDER.root}/champions/aws_docs_qa.json", champion)
        tasks[1].execute(with_form(context, **GO))
        assert f"arn:model/{MODEL}" in bedrock.models

    def test_a_model_that_was_trained_below_a_former_prefix_is_kept(
        self, tasks: Any, context: Any, bedrock: FakeBedrock
    ) -> None:
        bedrock.training_data[f"arn:model/{MODEL}"] = f"s3://{TRAINING}/former/datasets/{HASH}/train.jsonl"
        assert tasks[1].execute(with_form(context, **GO))["deleted"] == {"throughput": 1, "run": 1}
        assert f"arn:model/{MODEL}" in bedrock.models

    def test_an_unreadable_champion_file_stops_the_clean_up(
        self, tasks: Any, context: Any, bedrock: FakeBedrock, store: MemoryStore
    ) -> None:
        store.write(f"{FOLDER.root}/champions/aws_docs_qa.json", b"{")
        with pytest.raises(ContractError, match=r"champions/aws_docs_qa\.json is not JSON"):
            tasks[1].execute(with_form(context, **GO))
        assert len(bedrock.throughputs) == 2

    def test_a_resource_that_cannot_be_deleted_is_named_and_later_kinds_are_kept(
        self, tasks: Any, context: Any, bedrock: FakeBedrock, store: MemoryStore
    ) -> None:
        bedrock.refuse["delete_throughput"] = TransientError("500")
        with pytest.raises(OutcomeError, match=rf"not be deleted \(1\):[\s\S]*throughput {ENDPOINT}: 500") as raised:
            tasks[1].execute(with_form(context, **GO))
        command = (
            f"delete-provisioned-model-throughput --provisioned-model-id arn:throughput/{ENDPOINT} --region us-east-1"
        )
        assert f"delete throughput {ENDPOINT} on the page https://us-east-1.console" in str(raised.value)
        assert f"`aws bedrock {command}`. Clear delete" in str(raised.value)
        assert len(bedrock.models) == 2
        assert store.exists(FOLDER.use_case)

    def test_a_retry_deletes_the_resources_that_the_first_attempt_did_not_delete(
        self, tasks: Any, context: Any, bedrock: FakeBedrock, store: MemoryStore
    ) -> None:
        store.refuse_delete[FOLDER.shard("train", 5)] = TransientError("500")
        with pytest.raises(OutcomeError):
            tasks[1].execute(with_form(context, dry_run=False, newest_reports=True))
        assert store.exists(FOLDER.use_case)
        store.refuse_delete.clear()
        form = with_form(context, dry_run=False, newest_reports=True)
        assert tasks[1].execute(form)["deleted"] == {"run": 1}
        assert tasks[1].execute(form)["deleted"] == {}

    def test_the_error_about_a_throughput_that_still_exists_says_that_it_is_billed(
        self, tasks: Any, context: Any, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bedrock, "delete_throughput", lambda _: None)
        with pytest.raises(OutcomeError, match=r"(?s)still exists.*is billed by the hour"):
            tasks[1].execute(with_form(context, **GO))

    def test_a_model_that_bedrock_does_not_delete_is_kept(
        self, tasks: Any, context: Any, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bedrock, "delete_custom_model", lambda _: False)
        manifest = tasks[1].execute(with_form(context, **GO))
        assert manifest["deleted"] == {"throughput": 1, "run": 1}
        assert manifest["left"]["custom model"] == 2

    def test_a_release_is_recorded_for_the_bill_of_the_run(self, tasks: Any, context: Any, store: MemoryStore) -> None:
        tasks[1].execute(with_form(context, **GO, run_objects=False))
        assert read_json(store, FOLDER.release_record("tuned", 1), dict)["found"][0]["name"] == ENDPOINT

    def test_resources_newer_than_the_listing_are_kept(
        self, tasks: Any, context: Any, bedrock: FakeBedrock, store: MemoryStore
    ) -> None:
        tasks[1].listed = {"as_of": "2026-11-10T00:00:00+00:00"}
        store.modified[FOLDER.report("json")] = datetime.datetime(2026, 11, 11, tzinfo=datetime.UTC)
        assert tasks[1].execute(with_form(context, **GO))["deleted"] == {}
        assert len(bedrock.throughputs) == 2

    def test_a_bucket_is_deleted_if_the_form_names_it_and_it_is_empty(
        self, tasks: Any, context: Any, store: MemoryStore
    ) -> None:
        for record in (FOLDER.last_run("aws_docs_qa"), FOLDER.splits("aws_docs_qa")):
            store.write(record, b"{}")
        named = {"confirm_buckets": f"{TRAINING}, {OUTPUT}", "datasets": True, "paid_answers": True}
        assert tasks[1].execute(with_form(context, **GO, **named))["deleted"]["bucket"] == 1
        assert (set(store.buckets), set(store.objects)) == (
            {TRAINING},
            {
                FOREIGN,
                f"s3://{TRAINING}/distill/environment.json",
                FOLDER.last_run("aws_docs_qa"),
                FOLDER.splits("aws_docs_qa"),
            },
        )
        store.delete(FOREIGN)
        assert tasks[1].execute(with_form(context, **GO, **named))["deleted"] == {"bucket": 1}
        assert store.buckets == {}


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSimulator]:
    with start_simulator(tmp_path / "state") as simulator:
        monkeypatch.setenv("AWS_ENDPOINT_URL", simulator.url)
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://?region_name=us-east-1")
        yield simulator


class TestThroughTheSimulator:
    def test_only_resources_of_the_project_are_deleted_from_the_simulated_account(
        self, aws: RunningSimulator, tmp_path: Path, use_case: UseCase, context: Any
    ) -> None:
        bedrock, s3 = aws.boto("bedrock"), aws.boto("s3")
        folder = self.fill(aws, tmp_path, use_case)
        arns = {
            "ours": self.buy(aws, MODEL, ENDPOINT, TAGS),
            "theirs": self.buy(aws, "theirs", "theirs-pt", {"project": "other"}),
        }
        form = {**GO, "confirm_buckets": f"{TRAINING}, {OUTPUT}", "datasets": True, "paid_answers": True}
        listed = ListLeftoversOperator(task_id="list", use_cases=folder).execute(with_form(context, **form))
        assert aws.ledger["throughputs_alive"] == 2

        delete = DeleteLeftoversOperator(task_id="delete", use_cases=folder, listed=listed)
        manifest = delete.execute(with_form(context, **form))

        assert (
            manifest["deleted"]
            == listed["delete"]
            == {**dict.fromkeys(("throughput", "custom model", "run", "data sets", "bucket"), 1)}
        )
        assert {throughput["arn"]: throughput["alive"] for throughput in aws.ledger["throughputs"]} == {
            arns["ours"][1]: False,
            arns["theirs"][1]: True,
        }
        models = bedrock.list_custom_models()["modelSummaries"]
        assert [model["modelArn"] for model in models] == [arns["theirs"][0]]
        assert {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]} == {TRAINING, "training-bucket"}
        kept = [entry["Key"] for entry in s3.list_objects_v2(Bucket=TRAINING)["Contents"]]
        assert kept == ["distill/environment.json", "distill/runs/of-someone-else/notes.txt"]
        assert delete.execute(with_form(context, **form))["deleted"] == {}

    def buy(self, aws: RunningSimulator, name: str, endpoint: str, tags: dict[str, str]) -> tuple[str, str]:
        """Buy a model and its throughput with the given names and tags, and return their ARNs."""
        listed = [{"key": key, "value": value} for key, value in tags.items()]
        records = jsonl([conversation(f"How many rules are there, number {index}?") for index in range(10)])
        key = FOLDER.dataset(HASH, "train.jsonl").removeprefix(f"s3://{TRAINING}/")
        data = {"s3Uri": put(aws, key, records, bucket=TRAINING)}
        model = custom_model(aws, customModelName=name, customModelTags=listed, trainingDataConfig=data)
        return model, provision(aws, model, provisionedModelName=endpoint, tags=listed)

    def fill(self, aws: RunningSimulator, tmp_path: Path, use_case: UseCase) -> Path:
        """Make both buckets as ``preflight`` does, store a run and a foreign file, and return the use-case folder."""
        put(aws, "file-of-others", b"")
        store = ListLeftoversOperator(task_id="connect").connect(use_case)[1]
        for bucket in (TRAINING, OUTPUT):
            assert store.ensure_bucket(bucket, region="us-east-1", create=True) is None
            claim_root(store, f"s3://{bucket}/distill", "test")
        assert store.bucket_tags("training-bucket") == {}
        frozen = yaml.safe_dump(use_case.model_dump(mode="json")).encode()
        store.write(FOLDER.use_case, frozen)
        store.write(FOLDER.shard("train", 0), b"{}")
        store.write(f"s3://{OUTPUT}/distill/training/0123/loss.csv", b"")
        store.write(FOREIGN, b"mine")
        (tmp_path / "use_cases").mkdir()
        return with_folder(tmp_path / "use_cases", use_case)


def test_a_clean_up_uses_the_connection_that_the_use_case_names_for_it(use_case: UseCase) -> None:
    aws = use_case.aws.model_copy(update={"clean_up_conn_id": "aws_clean_up"})
    hook, _ = ListLeftoversOperator(task_id="connect").connect(use_case.model_copy(update={"aws": aws}))
    assert (use_case.aws.conn_id, hook.aws_conn_id) == ("aws_default", "aws_clean_up")
