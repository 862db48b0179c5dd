from __future__ import annotations

import datetime
from typing import Any

import pytest

from bedrock_distill.operators import serve
from bedrock_distill.operators.serve import BedrockProvisionThroughputOperator, BedrockReleaseThroughputOperator
from bedrock_distill.run.four_lines import BILLED, TO_DO
from bedrock_distill.sensors.provisioned_throughput import BedrockProvisionedThroughputSensor
from include.distill.config.use_case import UseCase
from include.distill.core.errors import (
    FAILED_TASK,
    EndedAttemptError,
    ExpiredCredentialsError,
    NotShownError,
    OutcomeError,
    RefusedError,
    ServiceError,
    ThroughputReleasedError,
    TransientError,
)
from include.distill.core.naming import throughput_names
from include.distill.core.storage import read_json, write_json
from include.distill.cost.prices import load_prices
from include.distill.evaluation.champion import save_champion_snapshot
from tests.fakes.fake_bedrock import CREATED, RUN_KEY, FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_champion

TRAINED = {"model_arn": "arn:model/m"}
FIRST = throughput_names("test", "aws_docs_qa", "tuned", RUN_KEY, 1).name
BEST = throughput_names("test", "aws_docs_qa", "best", RUN_KEY, 1).name


@pytest.fixture
def provision(equip: Any) -> BedrockProvisionThroughputOperator:
    task: BedrockProvisionThroughputOperator = equip(
        BedrockProvisionThroughputOperator(task_id="provision", arm="tuned", run_uri=RUN_URI, trained=TRAINED)
    )
    return task


@pytest.fixture
def release(equip: Any) -> BedrockReleaseThroughputOperator:
    task: BedrockReleaseThroughputOperator = equip(
        BedrockReleaseThroughputOperator(task_id="release", arm="tuned", run_uri=RUN_URI, wait_seconds=0)
    )
    return task


class TestProvision:
    def test_throughput_for_missing_answers_is_bought_under_a_name_of_the_run(
        self, provision: Any, bedrock: FakeBedrock, context: Any, use_case: UseCase
    ) -> None:
        manifest = provision.execute(context)
        assert bedrock.bought == [FIRST]
        assert manifest == {
            "throughput_name": FIRST,
            "throughput_arn": f"arn:throughput/{FIRST}",
            "model_arn": "arn:model/m",
            "student": "nova-micro",
            "missing_answers": 4,
            "created": CREATED.isoformat(),
            "bought": True,
            "usd_per_hour": pytest.approx(load_prices().price(use_case.student, "throughput_per_hour")),
        }

    def test_a_retry_finds_the_throughput_that_the_first_attempt_bought(
        self, provision: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        bedrock.lose_next_answer = TransientError("connection lost")
        first, second = provision.execute(context), provision.execute(context)
        assert bedrock.bought == [FIRST]
        assert first["throughput_arn"] == second["throughput_arn"]

    def test_if_every_answer_is_stored_nothing_is_bought(
        self, provision: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(store, "exists", lambda uri: "/responses/" in uri)
        assert provision.execute(context)["throughput_arn"] is None
        assert bedrock.bought == []

    def test_no_throughput_is_bought_after_the_release(
        self, provision: Any, release: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        """A forgotten copy of the task continues after ``release``."""
        looked_up = bedrock.find_throughput

        def release_meanwhile(name: str) -> Any:
            bedrock.find_throughput = looked_up  # type: ignore[method-assign]
            release.execute(context)
            return looked_up(name)

        bedrock.find_throughput = release_meanwhile  # type: ignore[method-assign]
        with pytest.raises(ThroughputReleasedError, match="Nothing was bought"):
            provision.execute(context)
        assert bedrock.bought == []

    def test_after_a_release_clearing_provision_buys_throughput_under_the_next_number(
        self, provision: Any, release: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        provision.execute(context)
        release.execute(context)
        provision.execute(context)
        assert bedrock.bought == [FIRST, FIRST.replace("-s1", "-s2")]

    def test_an_endpoint_that_was_deleted_before_its_release_is_followed_by_the_next_one(
        self, provision: Any, bedrock: FakeBedrock, context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Bedrock ignores the repeated request, because its token belongs to the deleted endpoint."""
        create = bedrock.create_throughput
        monkeypatch.setattr(
            bedrock, "create_throughput", lambda **request: None if request["name"] == FIRST else create(**request)
        )
        with pytest.raises(NotShownError, match=f"{FIRST} was created but cannot be found"):
            provision.execute(context)
        later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=5)
        monkeypatch.setattr(serve, "utc_now", lambda: later)
        provision.execute(context)
        assert bedrock.bought == [FIRST.replace("-s1", "-s2")]

    def test_the_error_about_a_missing_quota_quotes_bedrocks_message(
        self, provision: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        bedrock.refuse["create_throughput"] = RefusedError("no model units reserved")
        with pytest.raises(RefusedError, match="no model units reserved"):
            provision.execute(context)


class TestChampion:
    @pytest.fixture
    def provision(self, equip: Any, store: MemoryStore, use_case: UseCase) -> Any:
        arms = [{"name": "best", "kind": "champion"}, {"name": "tuned"}]
        freeze(store, use_case, arms=arms)
        return equip(BedrockProvisionThroughputOperator(task_id="provision", arm="best", run_uri=RUN_URI))

    def test_before_the_first_promotion_the_base_student_answers_and_nothing_is_bought(
        self, provision: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any
    ) -> None:
        save_champion_snapshot(store, FOLDER, None)
        manifest = provision.execute(context)
        assert (manifest["model_arn"], manifest["throughput_name"], bedrock.bought) == (None, None, [])
        sensor = BedrockProvisionedThroughputSensor(
            task_id="best.in_service", run_uri=RUN_URI, provisioned=manifest, poll_interval_seconds=1, timeout_seconds=1
        )
        sensor.__dict__["hook"] = bedrock
        assert sensor.execute(context) == {"invoke_id": None, "model_arn": None, "student": "nova-micro"}

    def test_the_manifest_of_the_champion_names_the_student_that_it_was_trained_from(
        self, provision: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any
    ) -> None:
        save_champion_snapshot(store, FOLDER, make_champion(model_arn="arn:model/old", student="nova-lite"))
        manifest = provision.execute(context)
        assert bedrock.bought == [BEST]
        assert bedrock.throughputs[BEST].model_arn == "arn:model/old"
        assert (manifest["model_arn"], manifest["student"]) == ("arn:model/old", "nova-lite")

    def test_if_all_answers_of_the_champion_are_stored_nothing_is_bought(
        self, provision: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        save_champion_snapshot(store, FOLDER, make_champion())
        monkeypatch.setattr(store, "exists", lambda uri: "/responses/" in uri)
        manifest = provision.execute(context)
        assert (manifest["throughput_name"], manifest["model_arn"]) == (None, make_champion().model_arn)
        assert bedrock.bought == []


class TestAnOldCopyOfProvision:
    def test_it_buys_nothing_although_it_counts_the_release_records_after_the_release(
        self, provision: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        context["ti"].task_id = provision.task_id
        context["ti"].get_task_states = lambda **_: {"r": {provision.task_id: "success"}}
        with pytest.raises(EndedAttemptError, match="Airflow no longer runs this attempt") as error:
            provision.execute(context)
        assert "Nothing was bought by this attempt" in str(error.value)
        assert f"clear {provision.task_id} with downstream" in str(error.value)
        assert bedrock.bought == []


class TestRelease:
    def test_release_deletes_the_throughput_of_a_provision_that_died_after_buying(
        self, release: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        bedrock.put_throughput(FIRST, "Creating")
        assert release.execute(context)["released"] == [FIRST]
        assert bedrock.throughputs == {}

    def test_the_release_record_is_written_before_anything_is_deleted(
        self, release: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any
    ) -> None:
        bedrock.put_throughput(FIRST, "InService")
        bedrock.refuse["delete_throughput"] = TransientError("500")
        with pytest.raises(TransientError):
            release.execute(context)
        assert read_json(store, FOLDER.release_record("tuned", 1), dict)["found"][0]["name"] == FIRST

    def test_a_retry_releases_the_throughput_that_the_first_attempt_could_not_release(
        self, release: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        bedrock.put_throughput(FIRST, "InService")
        bedrock.refuse["delete_throughput"] = TransientError("500")
        with pytest.raises(TransientError):
            release.execute(context)
        bedrock.refuse.clear()
        assert release.execute(context)["released"] == [FIRST]
        assert bedrock.throughputs == {}

    def test_a_throughput_that_still_exists_fails_the_task_and_the_error_says_that_it_is_billed(
        self, release: Any, bedrock: FakeBedrock, context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bedrock.put_throughput(FIRST, "InService")
        monkeypatch.setattr(bedrock, "delete_throughput", lambda _: None)
        with pytest.raises(
            OutcomeError, match=rf"(?s)still exists.*Endpoint {FIRST} .* may still be billed by the hour, since"
        ):
            release.execute(context)

    def test_hours_count_from_purchase_to_release_also_after_a_second_release(
        self, release: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        bedrock.put_throughput(FIRST, "InService", units=2)
        hours = release.execute(context)["unit_hours"]
        assert hours > 0
        assert release.execute(context)["unit_hours"] == hours

    def test_releasing_without_any_throughput_is_not_an_error(self, release: Any, context: Any) -> None:
        assert release.execute(context) == {"released": [], "unit_hours": 0}


PROVISIONED = {
    "throughput_name": "tuned-s1",
    "throughput_arn": "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/x",
    "usd_per_hour": 24.0,
    "created": "2026-11-22T02:00:00+00:00",
}
REFUSALS = [
    ExpiredCredentialsError("expired"),
    RefusedError("denied", to_do="Ask for the right.", then_clear=FAILED_TASK),
]
PAGE = "https://us-east-1.console.aws.amazon.com/bedrock/home?region=us-east-1#/provisioned-throughput"
COMMAND = "aws bedrock delete-provisioned-model-throughput --provisioned-model-id"


class TestRefusedRelease:
    """``distill_release_leftovers`` has the same connection, so the error must say how to stop the billing by hand."""

    @pytest.fixture
    def release(self, equip: Any) -> Any:
        return equip(
            BedrockReleaseThroughputOperator(
                task_id="tuned.release", arm="tuned", run_uri=RUN_URI, provisioned=PROVISIONED, region_name="us-east-1"
            )
        )

    def lines(self, call: Any, context: Any) -> dict[str, str]:
        with pytest.raises(ServiceError) as raised:
            call(context)
        return dict(line.split(": ", 1) for line in str(raised.value).splitlines()[-4:])

    @pytest.mark.parametrize("refusal", REFUSALS, ids=["expired", "denied"])
    def test_before_anything_could_be_read_the_endpoint_of_provision_is_named(
        self, release: Any, store: MemoryStore, context: Any, monkeypatch: pytest.MonkeyPatch, refusal: ServiceError
    ) -> None:
        def refuse(*_: Any) -> Any:
            raise refusal

        for method in ("read", "exists", "list"):
            monkeypatch.setattr(store, method, refuse)
        release.__dict__.pop("use_case", None)
        for call in (release.pre_execute, release.execute):
            lines = self.lines(call, context)
            assert PROVISIONED["throughput_name"] in lines[BILLED]
            assert str(PROVISIONED["throughput_arn"]) in lines[BILLED]
            assert "$24.00 per hour, since 2026-11-22T02:00:00+00:00" in lines[BILLED]
            assert "15 minutes. If the connection aws_default is the cause" in lines[BILLED]
            assert PAGE in lines[TO_DO]
            assert f"`{COMMAND} {PROVISIONED['throughput_arn']} --region us-east-1`" in lines[TO_DO]
            assert lines[TO_DO].endswith("lear tuned.release with downstream.")

    def test_without_a_result_of_provision_the_name_is_computed(
        self, release: Any, store: MemoryStore, context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        release.provisioned = None

        def refuse(*_: Any) -> Any:
            raise ExpiredCredentialsError("expired")

        monkeypatch.setattr(store, "list", refuse)
        lines = self.lines(release.execute, context)
        assert f"If endpoint {FIRST} exists, it is billed by the hour." in lines[BILLED]
        assert f"`{COMMAND} {FIRST} --region us-east-1`" in lines[TO_DO]

    def test_only_endpoints_that_were_not_deleted_are_named(
        self, release: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any
    ) -> None:
        second = FIRST.replace("-s1", "-s2")
        write_json(store, FOLDER.release_record("tuned", 1), {"found": []})
        for name in (FIRST, second):
            bedrock.put_throughput(name, "InService")
        delete = bedrock.delete_throughput

        def delete_first(arn: str) -> None:
            if second in arn:
                raise RefusedError("denied")
            delete(arn)

        bedrock.delete_throughput = delete_first  # type: ignore[method-assign]
        lines = self.lines(release.execute, context)
        assert f"Endpoint {second} (arn:throughput/{second}) may still be billed at $24.00 per hour" in lines[BILLED]
        assert second in lines[TO_DO]
        assert FIRST not in lines[BILLED] + lines[TO_DO]

    def test_if_provision_needed_no_endpoint_none_is_named(
        self, release: Any, store: MemoryStore, context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        release.provisioned = {"throughput_name": None, "throughput_arn": None}

        def refuse(*_: Any) -> Any:
            raise ExpiredCredentialsError("expired")

        monkeypatch.setattr(store, "list", refuse)
        lines = self.lines(release.execute, context)
        assert lines[BILLED].startswith("No endpoint of arm tuned is known")
        assert COMMAND not in lines[TO_DO]
