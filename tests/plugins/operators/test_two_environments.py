"""
Run two installations with the same use case, schedule and run ids in one account of the AWS simulator.

Neither may use, change or delete what belongs to the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from bedrock_distill.lifecycle.tags import purchase_tags
from bedrock_distill.operators.clean_up import DeleteLeftoversOperator
from bedrock_distill.operators.preflight import BedrockPreflightOperator
from bedrock_distill.operators.release_leftovers import ReleaseLeftoversOperator
from include.distill.config.layout import Layout, RunFolder, champion_uri
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError
from include.distill.core.naming import job_names, run_key, throughput_names
from include.distill.core.storage import split_uri
from tests.fakes.aws_simulator import RunningSimulator, start_simulator
from tests.fakes.task_context import EVERYTHING, RUN_ID, dag_run, task_context
from tests.fakes.variables import VARIABLES
from tests.tools.aws_simulator.builders import conversation, custom_model, jsonl, provision, put

DAG = "distill_aws_docs_qa"
TRAINING_FILE = jsonl([conversation(f"How many rules are there, number {index}?") for index in range(10)])


@dataclass
class Deployment:
    """An Airflow with its own name. Both Airflows know a run with the same DAG and run id."""

    aws: RunningSimulator
    use_case: UseCase
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    run_state: str | None = "success"

    @property
    def name(self) -> str:
        return self.use_case.environment

    @property
    def root(self) -> str:
        return Layout(self.use_case.storage).roots[0]

    @property
    def run(self) -> RunFolder:
        return RunFolder(Layout(self.use_case.storage).run_uri(self.use_case.name, run_key(DAG, RUN_ID)))

    def context(self, **params: Any) -> Any:
        def state(*_: str) -> str:
            if self.run_state is None:
                raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": 404}))
            return self.run_state

        self.monkeypatch.setenv("DISTILL_ENVIRONMENT", self.name)
        return task_context(DAG, params, state)

    def preflight(self) -> None:
        context = self.context()
        task = BedrockPreflightOperator(
            task_id="preflight",
            run_uri=self.run.uri,
            use_case_name=self.use_case.name,
            use_cases=self.folder,
            region_name="us-east-1",
        )
        task.pre_execute(context)
        task.execute(context)

    def buy(self, *, tags: dict[str, str] | None = None, former: bool = False) -> tuple[str, str]:
        """Buy a model and an endpoint as a run does, and store a paid answer and a champion; return both ARNs."""
        fingerprint, key = "ab" * 32, self.run.run_key
        models = job_names(self.name, self.use_case.name, "tuned", fingerprint, 1)
        if former:
            key = key[:-24]
        endpoints = throughput_names(self.name, self.use_case.name, "tuned", key, 1)
        own = purchase_tags(self.use_case, self.run, dag_run(DAG), arm="tuned", fingerprint=fingerprint)
        if former:
            own = {name: value for name, value in own.items() if name != "environment"} | {"run-key": key}
        listed = [{"key": name, "value": value} for name, value in (tags or own).items()]
        uri = self.store(f"datasets/{'cd' * 32}/train.jsonl", TRAINING_FILE)
        self.store(f"responses/nova-micro/ab/{'ab' * 32}.json", b"{}")
        names = (models.former, endpoints.former) if former else (models.name, endpoints.name)
        model = custom_model(
            self.aws,
            jobName=names[0],
            customModelName=names[0],
            customModelTags=listed,
            trainingDataConfig={"s3Uri": uri},
            outputDataConfig={"s3Uri": f"{self.root}/training/abab/"},
        )
        return model, provision(self.aws, model, provisionedModelName=names[1], tags=listed)

    def store(self, key: str, body: bytes) -> str:
        bucket, prefix = split_uri(self.root)
        return put(self.aws, f"{prefix}/{key}", body, bucket=bucket)

    def sweep(self) -> Any:
        context = self.context()
        return ReleaseLeftoversOperator(task_id="sweep", region_name="us-east-1", use_cases=self.folder).execute(
            context
        )

    def clean_up(self) -> Any:
        listed = {"as_of": "2100-01-01T00:00:00+00:00"}
        context = self.context(**EVERYTHING)
        return DeleteLeftoversOperator(task_id="delete", use_cases=self.folder, listed=listed).execute(context)

    def objects(self) -> set[str]:
        bucket, prefix = split_uri(self.root)
        listed = self.aws.boto("s3").list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/")
        return {f"s3://{bucket}/{entry['Key']}" for entry in listed.get("Contents", [])}


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSimulator]:
    with start_simulator(tmp_path / "state") as simulator:
        monkeypatch.setenv("AWS_ENDPOINT_URL", simulator.url)
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://?region_name=us-east-1")
        yield simulator


@pytest.fixture
def deploy(aws: RunningSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that makes an installation with its own settings of the storage."""

    def make(name: str, **storage: str) -> Deployment:
        folder = tmp_path / name
        folder.mkdir()
        variables = {**VARIABLES, "DISTILL_ENVIRONMENT": name}
        raw = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", variables).model_dump(
            mode="json", exclude={"environment"}
        )
        raw["storage"] |= storage
        (folder / "aws_docs_qa.yaml").write_text(yaml.safe_dump(raw))
        return Deployment(aws, load_use_case(folder / "aws_docs_qa.yaml", variables), folder, monkeypatch)

    return make


STORAGE = [
    pytest.param({"prefix": "dev"}, id="shared buckets"),
    pytest.param({"prefix": "distill/dev"}, id="a prefix below the other one"),
    pytest.param({"training_bucket": "dev-training", "output_bucket": "dev-output"}, id="separate buckets"),
]


def alive(aws: RunningSimulator) -> set[str]:
    return {throughput["arn"] for throughput in aws.ledger["throughputs"] if throughput["alive"]}


def models(aws: RunningSimulator) -> set[str]:
    return {model["modelArn"] for model in aws.boto("bedrock").list_custom_models()["modelSummaries"]}


@pytest.mark.parametrize("storage", STORAGE)
@pytest.mark.parametrize("dev_state", ["success", "failed", None])
def test_the_sweeper_releases_only_the_endpoints_of_its_own_deployment(
    deploy: Any, aws: RunningSimulator, storage: dict[str, str], dev_state: str | None
) -> None:
    prod, dev = deploy("prod"), deploy("dev", **storage)
    for deployment in (prod, dev):
        deployment.preflight()
    (_, prods), (_, devs) = prod.buy(), dev.buy()
    dev.run_state = dev_state
    assert alive(aws) == {prods, devs}
    swept = dev.sweep()
    assert (len(swept["released"]), swept["not_ours"]) == (1, 1)
    assert alive(aws) == {prods}


@pytest.mark.parametrize("storage", STORAGE)
def test_a_clean_up_deletes_only_what_belongs_to_its_own_deployment(
    deploy: Any, aws: RunningSimulator, storage: dict[str, str]
) -> None:
    prod, dev = deploy("prod"), deploy("dev", **storage)
    for deployment in (prod, dev):
        deployment.preflight()
    (prods_model, prods), _ = prod.buy(), dev.buy()
    prod.store(split_uri(champion_uri("s3://b", "aws_docs_qa"))[1], b'{"model_arn": "another"}')
    before = prod.objects() - dev.objects()
    assert dev.clean_up()["deleted"] == {
        "throughput": 1,
        "custom model": 1,
        "run": 1,
        "data sets": 1,
        "paid answers": 1,
    }
    assert (alive(aws), models(aws)) == ({prods}, {prods_model})
    assert prod.objects() - dev.objects() == before
    kept = {uri.removeprefix(f"{dev.root}/").split("/")[0] for uri in dev.objects()}
    assert kept == {"environment.json", "training"}


@pytest.mark.parametrize("storage", [{}, {"output_bucket": "dev-output"}, {"training_bucket": "dev-training"}])
def test_a_second_deployment_cannot_use_the_buckets_and_the_prefix_of_the_first(
    deploy: Any, aws: RunningSimulator, storage: dict[str, str]
) -> None:
    prod, dev = deploy("prod"), deploy("dev", **storage)
    prod.preflight()
    bought, before = prod.buy(), prod.objects()
    with pytest.raises(InputError, match=r"belongs to environment prod .*this is environment dev.*storage\.prefix"):
        dev.preflight()
    assert dev.sweep()["released"] == []
    assert dev.clean_up()["deleted"] == {}
    assert (prod.objects(), models(aws), alive(aws)) == (before, {bought[0]}, {bought[1]})


@pytest.mark.parametrize("storage", STORAGE)
def test_what_an_earlier_version_bought_belongs_to_the_deployment_whose_data_it_was_trained_on(
    deploy: Any, aws: RunningSimulator, storage: dict[str, str]
) -> None:
    prod, dev = deploy("prod"), deploy("dev", **storage)
    model, endpoint = prod.buy(former=True)
    assert [deployment.sweep()["released"] for deployment in (prod, dev)] == [[], []]  # no root has an owner yet
    for deployment in (prod, dev):
        deployment.preflight()
    assert (dev.sweep()["not_ours"], dev.clean_up()["deleted"].keys()) == (1, {"run"})
    assert (models(aws), alive(aws)) == ({model}, {endpoint})
    assert len(prod.sweep()["released"]) == 1
    assert prod.clean_up()["deleted"]["custom model"] == 1
    assert (models(aws), alive(aws)) == (set(), set())


def test_copied_tags_and_a_bare_project_tag_do_not_make_foreign_resources_ours(
    deploy: Any, aws: RunningSimulator
) -> None:
    prod = deploy("prod")
    prod.preflight()
    model, endpoint = prod.buy()
    copied = aws.boto("bedrock").list_tags_for_resource(resourceARN=endpoint)["tags"]
    foreign = []
    for number, tags in enumerate((copied, [{"key": "project", "value": "bedrock-distill"}])):
        output = {"s3Uri": f"{prod.root}/training/shop/"}
        theirs = custom_model(aws, customModelName=f"shop-{number}", customModelTags=tags, outputDataConfig=output)
        foreign.append((theirs, provision(aws, theirs, provisionedModelName=f"shop-{number}-pt", tags=tags)))
    assert prod.sweep()["not_ours"] == 2
    assert prod.clean_up()["deleted"]["custom model"] == 1
    assert models(aws) == {theirs for theirs, _ in foreign}
    assert alive(aws) == {theirs for _, theirs in foreign}
    assert model not in models(aws)
