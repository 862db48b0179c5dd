"""Check that a task acts only on resources of its own run, whatever their names are."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from bedrock_distill.lifecycle.ownership import Ownership
from bedrock_distill.operators.serve import BedrockProvisionThroughputOperator, BedrockReleaseThroughputOperator
from bedrock_distill.operators.train import BedrockSubmitCustomizationJobOperator
from include.distill.config.layout import Layout, RunFolder
from include.distill.config.use_case import UseCase
from include.distill.core.errors import RefusedError
from include.distill.core.naming import former_run_key, job_names, throughput_names
from include.distill.training.job_identity import recipe_fingerprint
from tests.fakes.fake_bedrock import OWN_JOB, OWN_TAGS, RUN_KEY, FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.training_set import TRAINING_SHA256
from tests.plugins.conftest import FOLDER, RUN_URI, freeze

pytestmark = pytest.mark.usefixtures("training_set")

DATASET = {
    "train_uri": OWN_JOB["training_uri"],
    "validation_uri": None,
    "sha256": TRAINING_SHA256,
    "records": 100,
    "tokens": 1000,
}
FORMER_KEY = former_run_key(RUN_KEY)
FORMER = RunFolder(f"{FOLDER.root}/runs/{FORMER_KEY}")
RUN_TAGS = {**OWN_TAGS, "run-key": RUN_KEY, "arm": "tuned"}
ELSEWHERE = "s3://bedrock-distill-training/other/datasets/d/train.jsonl"

FOREIGN_JOBS = [
    pytest.param({"role_arn": "arn:aws:iam::123456789012:role/prod"}, {}, id="role"),
    pytest.param({"role_arn": "arn:aws:iam::999999999999:role/bedrock-distill-customization"}, {}, id="account"),
    pytest.param({"training_uri": ELSEWHERE}, {}, id="prefix of the training data"),
    pytest.param({"training_uri": "s3://prod-training/distill/datasets/d/train.jsonl"}, {}, id="training bucket"),
    pytest.param({"training_uri": "s3://bedrock-distill-training/distillery/d/train.jsonl"}, {}, id="similar prefix"),
    pytest.param({"training_uri": ""}, {}, id="no training data"),
    pytest.param({"output_uri": "s3://prod-output/distill/training/x/"}, {}, id="output bucket"),
    pytest.param(
        {"base_model_arn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"}, {}, id="base"
    ),
    pytest.param({"base_model_arn": ""}, {}, id="no base model"),
    pytest.param({}, {"environment": "prod"}, id="environment"),
    pytest.param({}, {"environment": "TEST"}, id="environment in other case"),
    pytest.param({}, {"use-case": "payroll"}, id="use case"),
    pytest.param({}, {"use-case": None}, id="no use case"),
]
FOREIGN_THROUGHPUTS = [
    pytest.param({"environment": "prod"}, id="environment"),
    pytest.param({"use-case": "payroll"}, id="use case"),
    pytest.param({"use-case": None}, id="no use case"),
    pytest.param({"run-key": f"manual-2-{'0' * 32}"}, id="run"),
    pytest.param({"run-key": None}, id="no run"),
    pytest.param({"arm": "plain"}, id="arm"),
]


@pytest.fixture
def names(use_case: UseCase) -> Any:
    return job_names("test", "aws_docs_qa", "tuned", recipe_fingerprint(use_case, "tuned", DATASET["sha256"]), 1)


@pytest.fixture
def put_job(bedrock: FakeBedrock, use_case: UseCase) -> Callable[..., None]:
    """Return a function that puts a job of this installation, with changed fields and tags."""

    def put(name: str, fields: dict[str, Any], tags: dict[str, str | None], *, without: str = "") -> None:
        output = Layout(use_case.storage).training_output(recipe_fingerprint(use_case, "tuned", DATASET["sha256"]))
        stated = {**OWN_TAGS, **tags}
        bedrock.tags_of[f"arn:job/{name}"] = {key: text for key, text in stated.items() if text and key != without}
        bedrock.put_job(name, "InProgress", **{"output_uri": output, **fields})

    return put


@pytest.fixture
def submit(equip: Any, context: Any) -> Callable[[], Any]:
    def run() -> Any:
        task = BedrockSubmitCustomizationJobOperator(task_id="submit", arm="tuned", run_uri=RUN_URI, dataset=DATASET)
        return equip(task).execute(context)

    return run


class TestJobs:
    @pytest.mark.parametrize(("fields", "tags"), FOREIGN_JOBS)
    def test_a_job_with_our_name_that_is_not_ours_is_refused_and_nothing_is_bought(
        self, submit: Any, bedrock: FakeBedrock, put_job: Any, names: Any, fields: Any, tags: Any
    ) -> None:
        put_job(names.name, fields, tags)
        with pytest.raises(
            RefusedError, match=r"(?s)belongs to environment .*this run belongs to environment test.*Nothing was bought"
        ):
            submit()
        assert bedrock.bought == bedrock.stopped == []

    def test_a_job_with_our_name_but_without_an_environment_is_refused(
        self, submit: Any, put_job: Any, names: Any
    ) -> None:
        put_job(names.name, {}, {}, without="environment")
        with pytest.raises(RefusedError, match="its environment is unknown, expected test"):
            submit()

    @pytest.mark.parametrize(("fields", "tags"), FOREIGN_JOBS)
    def test_a_job_with_our_former_name_that_is_not_ours_is_not_used_and_ours_is_bought(
        self,
        submit: Any,
        bedrock: FakeBedrock,
        put_job: Any,
        names: Any,
        fields: Any,
        tags: Any,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        put_job(names.former, fields, tags, without="" if "environment" in tags else "environment")
        with caplog.at_level(logging.WARNING):
            assert submit()["bought"] is True
        assert bedrock.bought == [names.name]
        assert f"The training job {names.former} is ignored, because it belongs to" in caplog.text

    @pytest.mark.parametrize("without", ["environment", ""])
    def test_our_job_with_the_former_name_is_found(
        self, submit: Any, bedrock: FakeBedrock, put_job: Any, names: Any, without: str
    ) -> None:
        put_job(names.former, {}, {}, without=without)
        manifest = submit()
        assert (manifest["job_name"], manifest["bought"], bedrock.bought) == (names.former, False, [])

    @pytest.mark.parametrize(
        "fields",
        [
            pytest.param(
                {"base_model_arn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0"}, id="base"
            ),
            pytest.param({"base_model_arn": "amazon.nova-micro-v1:0:128k"}, id="an id instead of an ARN"),
        ],
    )
    def test_another_way_to_state_the_same_model_is_ours(
        self, submit: Any, put_job: Any, names: Any, fields: Any
    ) -> None:
        put_job(names.name, fields, {})
        assert submit()["bought"] is False

    def test_the_wait_does_not_accept_a_job_of_another_installation(
        self, bedrock: FakeBedrock, use_case: UseCase, put_job: Any, names: Any
    ) -> None:
        ownership = Ownership(bedrock, use_case, FOLDER)  # type: ignore[arg-type]
        fingerprint = recipe_fingerprint(use_case, "tuned", DATASET["sha256"])
        put_job(names.name, {}, {"environment": "prod"})
        with pytest.raises(RefusedError):
            ownership.find_submitted_job(names.name, fingerprint)
        put_job(names.former, {"training_uri": ELSEWHERE}, {}, without="environment")
        assert ownership.find_submitted_job(names.former, fingerprint) is None
        bedrock.put_job(names.former, "InProgress", training_uri=OWN_JOB["training_uri"])
        assert ownership.find_submitted_job(names.former, fingerprint) is not None


class TestThroughput:
    NAME = throughput_names("test", "aws_docs_qa", "tuned", RUN_KEY, 1).name

    def put(self, bedrock: FakeBedrock, name: str, tags: dict[str, str | None], model: str = "arn:model/m") -> None:
        stated = {**RUN_TAGS, **tags}
        bedrock.tags_of[f"arn:throughput/{name}"] = {key: text for key, text in stated.items() if text}
        bedrock.put_throughput(name, "InService", model_arn=model)

    def provision(self, equip: Any, context: Any, uri: str = RUN_URI) -> Any:
        task = BedrockProvisionThroughputOperator(
            task_id="provision", arm="tuned", run_uri=uri, trained={"model_arn": "arn:model/m"}
        )
        return equip(task).execute(context)

    def release(self, equip: Any, context: Any, uri: str = RUN_URI) -> Any:
        task = BedrockReleaseThroughputOperator(task_id="release", arm="tuned", run_uri=uri, wait_seconds=0)
        return equip(task).execute(context)

    @pytest.mark.parametrize("tags", [*FOREIGN_THROUGHPUTS, pytest.param({"environment": None}, id="none")])
    def test_throughput_of_others_is_neither_used_nor_deleted(
        self, equip: Any, context: Any, bedrock: FakeBedrock, tags: Any
    ) -> None:
        self.put(bedrock, self.NAME, tags)
        for act in (self.provision, self.release):
            with pytest.raises(RefusedError, match=r"belongs to environment .*this run belongs to environment test"):
                act(equip, context)
        assert list(bedrock.throughputs) == [self.NAME]
        assert bedrock.bought == []

    def test_throughput_of_another_model_is_not_used(self, equip: Any, context: Any, bedrock: FakeBedrock) -> None:
        self.put(bedrock, self.NAME, {}, model="arn:model/of-prod")
        with pytest.raises(RefusedError, match=r"its model is arn:model/of-prod, expected arn:model/m"):
            self.provision(equip, context)

    def test_release_deletes_our_throughput_although_another_name_is_taken(
        self, equip: Any, context: Any, bedrock: FakeBedrock, store: MemoryStore
    ) -> None:
        self.put(bedrock, self.NAME, {"environment": "prod"})
        second = self.NAME.replace("-s1", "-s2")
        self.put(bedrock, second, {})
        store.write(FOLDER.release_record("tuned", 1), b'{"released": []}')
        with pytest.raises(RefusedError, match=self.NAME):
            self.release(equip, context)
        assert list(bedrock.throughputs) == [self.NAME]


class TestFormerThroughput:
    """An earlier version bought the throughput, for a run that keeps its former folder."""

    NAME = throughput_names("test", "aws_docs_qa", "tuned", str(FORMER_KEY), 1).former or ""

    @pytest.fixture
    def equip(self, equip: Any, store: MemoryStore, use_case: UseCase) -> Any:
        store.objects |= {uri.replace(FOLDER.uri, FORMER.uri): body for uri, body in store.objects.items()}
        return equip

    def act(self, equip: Any, context: Any, bedrock: FakeBedrock) -> tuple[Any, Any]:
        serving = TestThroughput()
        provisioned = serving.provision(equip, context, FORMER.uri)
        return provisioned, serving.release(equip, context, FORMER.uri)

    def put(self, bedrock: FakeBedrock, tags: dict[str, str | None]) -> None:
        TestThroughput().put(bedrock, self.NAME, {"run-key": str(FORMER_KEY), "environment": None, **tags})

    def test_our_throughput_is_used_and_deleted(self, equip: Any, context: Any, bedrock: FakeBedrock) -> None:
        self.put(bedrock, {})
        provisioned, released = self.act(equip, context, bedrock)
        assert (provisioned["throughput_name"], bedrock.bought) == (self.NAME, [])
        assert released["released"] == [self.NAME]

    @pytest.mark.parametrize("data", [ELSEWHERE, None, "s3://bedrock-distill-training/distillery/d/train.jsonl"])
    def test_throughput_whose_model_was_trained_elsewhere_is_neither_used_nor_deleted(
        self, equip: Any, context: Any, bedrock: FakeBedrock, data: str | None
    ) -> None:
        self.put(bedrock, {})
        bedrock.training_data["arn:model/m"] = data  # type: ignore[assignment]
        provisioned, released = self.act(equip, context, bedrock)
        assert provisioned["bought"] is True
        assert released["released"] == bedrock.bought
        assert list(bedrock.throughputs) == [self.NAME]

    @pytest.mark.parametrize("tags", FOREIGN_THROUGHPUTS)
    def test_throughput_with_the_tags_of_others_is_neither_used_nor_deleted(
        self, equip: Any, context: Any, bedrock: FakeBedrock, tags: Any
    ) -> None:
        self.put(bedrock, tags)
        self.act(equip, context, bedrock)
        assert list(bedrock.throughputs) == [self.NAME]


class TestTwoEnvironments:
    def test_two_installations_with_the_same_run_never_touch_each_other(
        self, equip: Any, context: Any, bedrock: FakeBedrock, store: MemoryStore, use_case: UseCase
    ) -> None:
        serving = TestThroughput()
        names = []
        for environment in ("prod", "dev"):
            freeze(store, use_case.model_copy(update={"environment": environment}))
            names.append(serving.provision(equip, context)["throughput_name"])
        assert len(set(names)) == len(bedrock.throughputs) == 2
        assert serving.release(equip, context)["released"] == [names[1]]
        assert list(bedrock.throughputs) == [names[0]]


class TestModels:
    @pytest.mark.parametrize(
        ("tags", "data", "ours"),
        [
            pytest.param({}, None, True, id="ours"),
            pytest.param({"environment": "prod"}, OWN_JOB["training_uri"], False, id="another environment"),
            pytest.param({"use-case": "payroll"}, OWN_JOB["training_uri"], False, id="another use case"),
            pytest.param({"project": "other"}, OWN_JOB["training_uri"], False, id="another project"),
            pytest.param({"environment": None}, OWN_JOB["training_uri"], True, id="an earlier version"),
            pytest.param({"environment": None}, ELSEWHERE, False, id="an earlier version of another installation"),
            pytest.param({"environment": None}, None, False, id="unknown data"),
        ],
    )
    def test_a_model_is_deleted_only_if_it_is_ours(
        self, bedrock: FakeBedrock, use_case: UseCase, tags: dict[str, str | None], data: str | None, ours: bool
    ) -> None:
        bedrock.tags_of["arn:model/m"] = {key: text for key, text in {**OWN_TAGS, **tags}.items() if text}
        bedrock.training_data["arn:model/m"] = data  # type: ignore[assignment]
        assert Ownership(bedrock, use_case, FOLDER).has_model("arn:model/m") is ours  # type: ignore[arg-type]
