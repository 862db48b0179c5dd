from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from bedrock_distill.hooks.bedrock import Throughput
from bedrock_distill.hooks.deployments import Deployment
from bedrock_distill.hooks.statuses import Progress
from bedrock_distill.lifecycle.endpoints import (
    DEPLOYMENT,
    THROUGHPUT,
    EndpointKind,
    Served,
    delete_and_wait,
    kind_named,
    serving_arn,
)
from include.distill.core.errors import FAILED_TASK, ContractError, OutcomeError, ThroughputReleasedError
from tests.fakes.fake_bedrock import CREATED, FakeBedrock

NAME = "aws-docs-qa-tuned-abcdef01-s1"


def provisioned(**changes: Any) -> Any:
    return {
        "throughput_name": NAME,
        "throughput_arn": "arn:when-bought",
        "model_arn": "arn:model/m",
        "student": "nova-micro",
        "missing_answers": 4,
        "bought": True,
        **changes,
    }


def throughput(status: str, **changes: Any) -> Throughput:
    original = Throughput(NAME, f"arn:throughput/{NAME}", status, CREATED, "arn:model/m", 1)
    return dataclasses.replace(original, **changes)


class TestServingArn:
    def serving(self, shown: Throughput | None, **changes: Any) -> str | None:
        return serving_arn(
            provisioned(usd_per_hour=21, **changes),
            shown,
            create_task="tuned.provision",
            delete_task="tuned.release",
        )

    @pytest.mark.parametrize("status", ["InService", "Creating", "Updating"])
    def test_the_serving_arn_is_the_arn_that_bedrock_reports(self, status: str) -> None:
        assert self.serving(throughput(status)) == f"arn:throughput/{NAME}"

    @pytest.mark.parametrize("shown", [None, throughput("Failed")])
    def test_without_missing_answers_there_is_no_serving_arn_whatever_bedrock_reports(
        self, shown: Throughput | None
    ) -> None:
        assert self.serving(shown, throughput_arn=None) is None

    def test_the_error_about_a_released_throughput_names_the_task_that_buys_a_new_one(self) -> None:
        clear = r"Nothing is billed.*Clear tuned\.provision with downstream.*at \$21\.00 per hour"
        with pytest.raises(ThroughputReleasedError, match=rf"(?s){NAME} was released.*{clear}"):
            self.serving(None)

    def test_a_failed_throughput_is_an_error_with_bedrocks_reason(self) -> None:
        with pytest.raises(OutcomeError, match=r"(?s)no capacity.*clear tuned\.provision with downstream") as error:
            self.serving(throughput("Failed", failure_message="no capacity"))
        assert not isinstance(error.value, ThroughputReleasedError)
        assert error.value.left.startswith(
            f"tuned.release runs next and deletes throughput {NAME}. If it fails, clear no"
        )
        assert error.value.billed.startswith(f"Throughput {NAME} until tuned.release has deleted it")


class LingeringBedrock(FakeBedrock):
    """A fake Bedrock that still finds a deleted throughput in the next look-ups, as AWS does."""

    def __init__(self, lookups: int) -> None:
        super().__init__()
        self.lookups = lookups
        self.deleted: list[str] = []
        self.put_throughput(NAME, "InService")

    def delete_throughput(self, name: str) -> None:
        self.deleted.append(name)

    def find_throughput(self, name: str) -> Throughput | None:
        if self.deleted:
            self.lookups -= 1
        return super().find_throughput(name) if self.lookups >= 0 else None


class TestDeleteAndWait:
    @pytest.fixture
    def pauses(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        """The pauses in seconds. Each pause advances the clock."""
        pauses: list[float] = []
        monkeypatch.setattr("bedrock_distill.lifecycle.endpoints.time.sleep", pauses.append)
        monkeypatch.setattr("bedrock_distill.lifecycle.endpoints.time.monotonic", lambda: sum(pauses))
        return pauses

    def delete(self, bedrock: FakeBedrock, wait_seconds: float) -> None:
        delete_and_wait(bedrock, THROUGHPUT, NAME, wait_seconds=wait_seconds)  # type: ignore[arg-type]

    def test_the_deletion_returns_at_once_when_the_throughput_is_gone(self, pauses: list[float]) -> None:
        bedrock = FakeBedrock()
        bedrock.put_throughput(NAME, "InService")
        self.delete(bedrock, 60)
        assert (bedrock.throughputs, pauses) == ({}, [])

    def test_the_deletion_waits_until_bedrock_no_longer_finds_the_throughput(self, pauses: list[float]) -> None:
        bedrock = LingeringBedrock(lookups=3)
        self.delete(bedrock, 60)
        assert bedrock.deleted == [NAME]
        assert len(pauses) == 3

    def test_the_error_about_a_throughput_that_still_exists_says_that_it_is_billed(self, pauses: list[float]) -> None:
        with pytest.raises(OutcomeError, match=rf"(?s)deletion of throughput {NAME} 5 s ago.*still exists") as error:
            self.delete(LingeringBedrock(lookups=1000), 5)
        assert (error.value.then_clear, error.value.effect) == (FAILED_TASK, "deletes it again")
        assert 5 <= sum(pauses) <= 7


OLD, NEW = "arn:model/old", "arn:model/new"


def deployment(status: str, update: str | None = None, coming: str | None = None) -> Deployment:
    return Deployment(
        NAME, f"arn:deployment/{NAME}", status, CREATED, OLD, update_status=update, update_model_arn=coming
    )


class TestServed:
    @pytest.mark.parametrize(
        ("endpoint", "served"),
        [
            (deployment("Creating"), Served(OLD, Progress.RUNNING, coming=OLD)),
            (deployment("Failed"), Served(OLD, Progress.FAILED)),
            (deployment("Active"), Served(OLD, Progress.SUCCEEDED)),
            (deployment("Active", "Updating", NEW), Served(OLD, Progress.RUNNING, coming=NEW)),
            (deployment("Active", "UpdateCompleted", OLD), Served(OLD, Progress.SUCCEEDED)),
            (deployment("Active", "UpdateFailed", NEW), Served(OLD, Progress.SUCCEEDED, failed_update=NEW)),
        ],
    )
    def test_the_model_behind_a_deployment_and_its_update(self, endpoint: Deployment, served: Served) -> None:
        assert DEPLOYMENT.served(endpoint) == served

    @pytest.mark.parametrize(
        ("status", "desired", "served"),
        [
            ("Creating", OLD, Served(OLD, Progress.RUNNING, coming=OLD)),
            ("Creating", None, Served(OLD, Progress.RUNNING, coming=OLD)),
            ("Updating", NEW, Served(OLD, Progress.RUNNING, coming=NEW)),
            ("InService", OLD, Served(OLD, Progress.SUCCEEDED)),
            ("InService", None, Served(OLD, Progress.SUCCEEDED)),
            ("InService", NEW, Served(OLD, Progress.SUCCEEDED, failed_update=NEW)),
            ("Failed", OLD, Served(OLD, Progress.FAILED)),
        ],
    )
    def test_the_model_behind_throughput_and_its_update(self, status: str, desired: str | None, served: Served) -> None:
        assert THROUGHPUT.served(throughput(status, model_arn=OLD, desired_model_arn=desired)) == served

    @pytest.mark.parametrize("endpoint", [deployment("Odd"), deployment("Active", "Odd", NEW)])
    def test_an_unknown_status_is_an_error(self, endpoint: Deployment) -> None:
        with pytest.raises(ContractError, match="unknown status 'Odd'"):
            DEPLOYMENT.served(endpoint)

    @pytest.mark.parametrize("kind", [DEPLOYMENT, THROUGHPUT])
    def test_an_update_puts_another_model_behind_an_endpoint(self, kind: EndpointKind) -> None:
        bedrock: Any = FakeBedrock()
        kind.create(bedrock, name=NAME, token="t", model_arn=OLD, units=1, tags={})
        bedrock.end_change()
        created = kind.find(bedrock, NAME)
        assert created is not None
        kind.update(bedrock, created.arn, NEW)
        bedrock.end_change()
        updated = kind.find(bedrock, NAME)
        assert updated is not None
        assert (updated.arn, kind.served(updated)) == (created.arn, Served(NEW, Progress.SUCCEEDED))

    def test_a_kind_is_found_by_its_name_in_a_champions_record(self) -> None:
        assert (kind_named("on_demand"), kind_named("provisioned")) == (DEPLOYMENT, THROUGHPUT)
