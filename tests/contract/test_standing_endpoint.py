"""The functions for standing endpoints work with the real hook and the real store, on the AWS simulator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.s3 import S3ObjectStore
from bedrock_distill.hooks.statuses import Progress
from bedrock_distill.lifecycle.endpoints import Served, kind_named
from bedrock_distill.lifecycle.settling import Settling
from bedrock_distill.lifecycle.standing import StandingSite, confirm, switch, switched_arn
from include.distill.config.layout import Layout
from include.distill.core.errors import SwitchFailedError
from include.distill.evaluation.champion import read_champion, write_champion
from include.distill.evaluation.endpoint_change import ChangeAim, Holder
from include.distill.evaluation.endpoint_records import SwitchManifest
from include.distill.evaluation.records import StandingKind
from tests.fakes.aws_simulator import RunningSimulator, connected_simulator
from tests.fakes.standing_account import USE_CASE
from tests.plugins.conftest import make_champion
from tests.tools.aws_simulator import builders

ROOT = Layout(USE_CASE.storage).roots[0]
HOLDER = Holder("distill_aws_docs_qa", "manual__1", "key-1")
KINDS: tuple[StandingKind, ...] = ("on_demand", "provisioned")


@pytest.fixture
def simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSimulator]:
    settings = {"deployment_seconds": 3600, "throughput_seconds": 3600, "model_units": 1}
    with connected_simulator(tmp_path / "state", monkeypatch, **settings) as simulator:
        simulator.boto("s3").create_bucket(Bucket=USE_CASE.storage.training_bucket)
        yield simulator


@pytest.fixture
def site(simulator: RunningSimulator) -> StandingSite:
    hook = BedrockDistillHook()
    return StandingSite(hook, S3ObjectStore(hook), USE_CASE, ROOT)


def set_seconds(simulator: RunningSimulator, seconds: int) -> None:
    """Set how long creations and updates take. A shorter time also ends those in progress."""
    simulator.admin("PUT", "settings", {"deployment_seconds": seconds, "throughput_seconds": seconds})


def begin(site: StandingSite, kind: StandingKind, model: str) -> SwitchManifest:
    aim = ChangeAim("promotion", model, None, kind, site.name)
    switched = switch(site, site.lock.take(HOLDER, aim, is_live=lambda *_: False), is_live=lambda *_: False)
    return {
        "kind": kind,
        "name": site.name,
        "arn": switched.endpoint.arn,
        "model_arn": model,
        "student": "nova-micro",
        "number": switched.change["number"],
        "created": switched.created,
    }


def record(site: StandingSite, manifest: SwitchManifest) -> None:
    """Make the model of a change the champion."""
    recorded = {"kind": manifest["kind"], "name": site.name, "arn": manifest["arn"], "region": "us-east-1"}
    champion = make_champion(model_arn=manifest["model_arn"], endpoint={**recorded, "created": "2026-11-27"})
    write_champion(site.store, site.champion_uri, champion, None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_champion_is_served_replaced_and_restored_behind_the_same_arn(
    simulator: RunningSimulator, site: StandingSite, kind: StandingKind
) -> None:
    old, new = (builders.custom_model(simulator) for _ in range(2))
    first = begin(site, kind, old)
    assert (first["created"], switched_arn(site, first)) == (True, None)
    set_seconds(simulator, 0)
    assert switched_arn(site, first) == first["arn"]
    record(site, first)
    settling = Settling(site, HOLDER, is_live=lambda *_: False, sleep=lambda _: None)
    assert settling.run()["action"] == "none"
    set_seconds(simulator, 3600)
    second = begin(site, kind, new)
    assert (second["created"], second["arn"], switched_arn(site, second)) == (False, first["arn"], None)
    set_seconds(simulator, 0)
    assert confirm(site, second, HOLDER).model_arn == new
    assert settling.run() == {"action": "restored", "arn": first["arn"], "model_arn": old}
    endpoint = site.find(kind_named(kind))
    assert endpoint is not None
    assert kind_named(kind).served(endpoint) == Served(old, Progress.SUCCEEDED)
    champion = read_champion(site.store, site.champion_uri)
    assert champion is not None
    assert champion.revision == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_failed_creation_is_deleted_and_created_again_and_settle_leaves_no_endpoint(
    simulator: RunningSimulator, site: StandingSite, kind: StandingKind
) -> None:
    set_seconds(simulator, 0)
    model, fault = builders.custom_model(simulator), {"on_demand": "deployment", "provisioned": "throughput"}[kind]
    simulator.fail(kind=f"{fault}_failed", times=1)
    failed = begin(site, kind, model)
    with pytest.raises(SwitchFailedError, match="internal error"):
        switched_arn(site, failed)
    again = begin(site, kind, model)
    assert (again["number"], switched_arn(site, again)) == (2, again["arn"])
    assert again["arn"] != failed["arn"]
    settling = Settling(site, HOLDER, is_live=lambda *_: False, sleep=lambda _: None)
    assert settling.run() == {"action": "deleted", "arn": None, "model_arn": None}


@pytest.mark.parametrize("kind", KINDS)
def test_a_failed_update_leaves_the_old_model(
    simulator: RunningSimulator, site: StandingSite, kind: StandingKind
) -> None:
    set_seconds(simulator, 0)
    old, new = (builders.custom_model(simulator) for _ in range(2))
    record(site, begin(site, kind, old))
    fault = {"on_demand": "deployment", "provisioned": "throughput"}[kind]
    simulator.fail(kind=f"{fault}_update_failed", times=1)
    failed = begin(site, kind, new)
    with pytest.raises(SwitchFailedError, match="could not put"):
        switched_arn(site, failed)
    settling = Settling(site, HOLDER, is_live=lambda *_: False, sleep=lambda _: None)
    assert settling.run() == {"action": "none", "arn": failed["arn"], "model_arn": old}
    assert switched_arn(site, begin(site, kind, new)) == failed["arn"]
