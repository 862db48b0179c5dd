from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.operators.train import BedrockSubmitCustomizationJobOperator
from include.distill.config.use_case import UseCase
from include.distill.core.errors import EndedAttemptError, InputError, JobFailedError, RefusedError, TransientError
from include.distill.core.naming import job_names
from tests.fakes.fake_bedrock import RUN_KEY, FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.training_set import BOTH_SHA256, TRAINING_SHA256, TRAINING_URI, VALIDATION_URI
from tests.plugins.conftest import RUN_URI, freeze

pytestmark = pytest.mark.usefixtures("training_set")

DATASET = {
    "train_uri": TRAINING_URI,
    "validation_uri": None,
    "sha256": TRAINING_SHA256,
    "records": 40,
    "tokens": 1000,
}


def submit_task(equip: Any, **changes: Any) -> Any:
    return equip(
        BedrockSubmitCustomizationJobOperator(
            task_id="submit", arm="tuned", run_uri=RUN_URI, dataset={**DATASET, **changes}
        )
    )


class TestSubmit:
    def test_the_name_of_the_job_is_derived_from_its_data(self, equip: Any, bedrock: FakeBedrock, context: Any) -> None:
        manifest = submit_task(equip).execute(context)
        assert bedrock.bought == [manifest["job_name"]]
        names = job_names("test", "aws_docs_qa", "tuned", manifest["fingerprint"], 1)
        assert manifest["job_name"] == names.name
        tags = bedrock.tags_of[manifest["job_arn"]]
        assert [tags[key] for key in ("environment", "arm", "run-key")] == ["test", "tuned", RUN_KEY]

    def test_the_same_data_buys_no_second_job(self, equip: Any, bedrock: FakeBedrock, context: Any) -> None:
        first, second = (submit_task(equip).execute(context) for _ in range(2))
        assert len(bedrock.bought) == 1
        assert (first["bought"], second["bought"]) == (True, False)

    def test_different_data_buys_another_job(self, equip: Any, bedrock: FakeBedrock, context: Any) -> None:
        submit_task(equip).execute(context)
        submit_task(equip, validation_uri=VALIDATION_URI, sha256=BOTH_SHA256).execute(context)
        assert len(set(bedrock.bought)) == 2

    @pytest.mark.parametrize("uri", [TRAINING_URI, VALIDATION_URI])
    @pytest.mark.parametrize("body", [b"{}\n", b"", None])
    def test_no_job_is_bought_on_a_training_set_that_was_changed_or_deleted(
        self, equip: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any, uri: str, body: bytes | None
    ) -> None:
        store.objects = {**store.objects, uri: body or b""}
        if body is None:
            del store.objects[uri]
        with pytest.raises(InputError) as error:
            submit_task(equip, validation_uri=VALIDATION_URI, sha256=BOTH_SHA256).execute(context)
        assert bedrock.bought == []
        for part in ("arm tuned", uri, "No job was bought", "datasets/d/. Then clear merge with downstream"):
            assert part in str(error.value)

    def test_a_job_that_was_bought_before_the_training_set_was_deleted_is_used(
        self, equip: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any
    ) -> None:
        first = submit_task(equip).execute(context)
        del store.objects[TRAINING_URI]
        assert submit_task(equip).execute(context) == {**first, "bought": False}

    def test_a_purchase_whose_response_was_lost_is_found(self, equip: Any, bedrock: FakeBedrock, context: Any) -> None:
        bedrock.lose_next_answer = TransientError("connection lost")
        assert submit_task(equip).execute(context)["job_name"] in bedrock.jobs
        assert len(bedrock.bought) == 1

    @pytest.mark.parametrize(
        ("status", "why"),
        [
            ("Stopped", None),
            ("Stopping", None),
            ("Failed", None),
            ("Failed", "Encountered an internal error when processing the request."),
            ("Failed", "Could not validate GetObject permissions to access Amazon S3 bucket: b at key train.jsonl"),
            ("Failed", "Amazon S3 perms missing (PutObject): Could not validate PutObject permissions"),
            ("Failed", "The account is suspended."),
            ("Failed", "A message that nobody has seen before"),
        ],
    )
    def test_the_next_attempt_is_bought_if_a_job_ended_for_a_reason_other_than_its_data(
        self, equip: Any, bedrock: FakeBedrock, context: Any, status: str, why: str | None
    ) -> None:
        first = submit_task(equip).execute(context)["job_name"]
        bedrock.put_job(first, status, failure_message=why)
        assert submit_task(equip).execute(context)["job_name"] == f"{first}-a2"

    def test_an_old_copy_buys_no_job(self, equip: Any, bedrock: FakeBedrock, context: Any) -> None:
        context["ti"].get_task_states = lambda **_: {"r": {"t": "success"}}
        task = submit_task(equip)
        with pytest.raises(EndedAttemptError, match="so this process did not buy training job"):
            task.execute(context)
        assert bedrock.bought == []

    def test_a_job_that_another_run_bought_and_stopped_during_the_purchase_is_not_used(
        self, equip: Any, bedrock: FakeBedrock, context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        create = bedrock.create_job

        def late(request: Any) -> None:
            if not bedrock.bought:
                create(request)
                bedrock.put_job(request.name, "Stopping")
            create(request)

        monkeypatch.setattr(bedrock, "create_job", late)
        used, stopped = submit_task(equip).execute(context)["job_name"], bedrock.bought[0]
        assert (used, bedrock.bought) == (f"{stopped}-a2", [stopped, f"{stopped}-a2"])

    def test_a_job_that_failed_because_of_its_data_is_not_bought_again_and_the_error_quotes_bedrock(
        self, equip: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        first = submit_task(equip).execute(context)["job_name"]
        bedrock.put_job(first, "Failed", failure_message="Unable to parse Amazon S3 file: train.jsonl.")
        with pytest.raises(JobFailedError, match=r"(?s)Unable to parse Amazon S3 file.*not bought again"):
            submit_task(equip).execute(context)
        assert bedrock.bought == [first]

    def test_a_completed_job_whose_model_was_deleted_is_bought_again(
        self, equip: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        first = submit_task(equip).execute(context)["job_name"]
        bedrock.put_job(first, "Completed")
        bedrock.models.clear()
        assert submit_task(equip).execute(context)["attempt"] == 2

    @pytest.mark.parametrize(("answered", "attempt"), [(True, 1), (False, 2)])
    def test_a_deleted_loser_that_has_answered_everything_is_not_trained_again(
        self,
        equip: Any,
        bedrock: FakeBedrock,
        store: MemoryStore,
        use_case: UseCase,
        context: Any,
        monkeypatch: pytest.MonkeyPatch,
        answered: bool,
        attempt: int,
    ) -> None:
        freeze(store, use_case, promotion={"delete_losers": True})
        first = submit_task(equip).execute(context)["job_name"]
        bedrock.put_job(first, "Completed")
        bedrock.models.clear()
        monkeypatch.setattr(store, "exists", lambda uri: answered and "/responses/" in uri)
        assert submit_task(equip).execute(context)["attempt"] == attempt

    @pytest.mark.parametrize(("status", "why"), [("Stopped", None), ("Failed", "Access denied"), ("Failed", "Odd")])
    def test_the_number_of_attempts_is_limited(
        self, equip: Any, bedrock: FakeBedrock, context: Any, status: str, why: str | None
    ) -> None:
        for _ in range(3):
            bedrock.put_job(submit_task(equip).execute(context)["job_name"], status, failure_message=why)
        with pytest.raises(JobFailedError, match=f"(?s)All 3 attempts.*{why or ''}.*raise training.max_attempts"):
            submit_task(equip).execute(context)
        assert len(bedrock.bought) == 3

    def test_nothing_is_bought_if_bedrock_refuses_the_job(self, equip: Any, bedrock: FakeBedrock, context: Any) -> None:
        bedrock.refuse["create_job"] = RefusedError("iam:PassRole")
        with pytest.raises(RefusedError, match="PassRole"):
            submit_task(equip).execute(context)
        assert bedrock.bought == []
