"""Settings of the simulated account."""

from __future__ import annotations

import datetime
import json
import math
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.fakes.aws_simulator import start_simulator
from tools.aws_simulator.account.settings import Settings, SettingsStore, read_stored
from tools.aws_simulator.account.state import State


def test_settings_of_the_command_line_replace_stored_ones(tmp_path: Path) -> None:
    def kept(**settings: Any) -> Any:
        with start_simulator(tmp_path, **settings) as simulator:
            return json.loads(json.dumps(simulator.admin("GET", "settings")))

    assert kept(latency_ms=5, model_units=3)["latency_ms"] == 5
    assert kept(model_units=4) == {**kept(model_units=4), "latency_ms": 5, "model_units": 4}


def test_a_change_keeps_the_other_settings_calls_the_listeners_and_is_stored(tmp_path: Path) -> None:
    state, heard = State(tmp_path / "state.sqlite"), []
    settings = SettingsStore(state)
    settings.on_change(lambda: heard.append(settings.current.model_units))
    settings.change({"model_units": 2})
    settings.change({"latency_ms": 5})
    assert (settings.current.model_units, settings.current.latency_ms, heard) == (2, 5, [2, 2])
    assert SettingsStore(state).current == settings.current
    state.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"speed": 1},
        {"model_units": -1},
        {"model_units": True},
        {"model_units": "1"},
        {"model_units": 1.0},
        {"model_units": 10**9 + 1},
        {"deployments": 10**400},
        {"deployments_in_progress": False},
        {"job_seconds": True},
        {"job_seconds": -0.1},
        {"batch_seconds": 1e308},
        {"evaluation_seconds": -1},
        {"optimization_seconds": -1},
        {"optimization_jobs": 0.5},
        {"throughput_seconds": math.inf},
        {"deployment_seconds": math.nan},
        {"latency_ms": "5"},
        {"stream_latency_ms": None},
        {"as_of": 0},
        {"as_of": True},
        {"as_of": "1796083200"},
        {"as_of": "2026-11-27T00:00:00Z"},
        {"as_of": datetime.datetime(2026, 11, 27, tzinfo=datetime.UTC)},
        {"quotas": {"nova-micro": {"rpm": 0}}},
        {"quotas": {"nova-micro": {"rpm": True}}},
        {"quotas": {"nova-micro": {"tpm": math.inf}}},
        {"quotas": {"nova-micro": {"tpm": math.nan}}},
        {"quotas": {"nova-micro": {"rpm": 60, "burst": 0.5}}},
        {"quotas": {"nova-micro": {"rpm": "60"}}},
    ],
    ids=str,
)
def test_an_invalid_change_changes_nothing(tmp_path: Path, changes: dict[str, Any]) -> None:
    state = State(tmp_path / "state.sqlite")
    settings = SettingsStore(state)
    with pytest.raises(ValidationError):
        settings.change({"latency_ms": 5, **changes})
    assert settings.current == SettingsStore(state).current == Settings()
    state.close()


LARGEST = {
    "job_seconds": 1e9,
    "latency_ms": 1e9,
    "model_units": 10**9,
    "deployments": 0,
    "quotas": {"nova-micro": {"rpm": 0.5, "burst": 1, "tpm": 10**9}},
    "as_of": "9999-12-31",
}


def test_the_largest_and_smallest_values_are_accepted(tmp_path: Path) -> None:
    state = State(tmp_path / "state.sqlite")
    SettingsStore(state).change({**LARGEST, "batch_seconds": 0})
    assert SettingsStore(state).current.model_units == 10**9
    SettingsStore(state).change({"as_of": datetime.date(2026, 11, 27)})
    assert SettingsStore(state).change({"as_of": None}).as_of is None
    state.close()


def test_larger_values_of_an_earlier_version_become_the_largest_ones(tmp_path: Path) -> None:
    state = State(tmp_path / "bedrock.sqlite")
    old = {**Settings().model_dump(mode="json"), "job_seconds": 1e308, "latency_ms": math.inf, "deployments": 10**30}
    state.store("settings", {**old, "quotas": {"nova-micro": {"rpm": 1e300, "burst": None, "tpm": 5.0}}})
    state.close()
    with start_simulator(tmp_path) as simulator:
        settings = simulator.admin("GET", "settings")
        simulator.admin("PUT", "settings", {"latency_ms": 0})
    assert (settings["latency_ms"], settings["deployments"]) == (1e9, 10**9)
    assert settings["quotas"]["nova-micro"] == {"rpm": 1e9, "burst": None, "tpm": 5.0}


@pytest.mark.parametrize("stored", [{"job_seconds": -1}, {"speed": 1}, {"job_seconds": 1e308, "model_units": -1}])
def test_other_stored_values_that_are_not_valid_are_not_changed_silently(stored: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read_stored(Settings, stored)


def change_quota(folder: Path, name: str) -> Settings:
    state = State(folder / "state.sqlite")
    try:
        return SettingsStore(state).change({"quotas": {name: {"rpm": 1}}})
    finally:
        state.close()


@pytest.mark.parametrize(
    "name",
    [
        "nova-micro",
        "amazon.nova-micro-v1:0",
        "us.amazon.nova-micro-v1:0",
        "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-micro-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/0123456789ab",
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/0123456789ab",
        "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/0123456789ab",
        "custom-model-deployment/nova-micro",
        "0123456789ab",
    ],
)
def test_a_quota_names_a_model_as_requests_do(tmp_path: Path, name: str) -> None:
    assert change_quota(tmp_path, name).quotas[name].rpm == 1


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("nova-foo", id="unknown"),
        pytest.param("custom-model-deployment/nova-foo", id="deployments of no model"),
        pytest.param("amazon.nova-micro-v1:0:128k", id="id for customization, which no call can name"),
        pytest.param("xx.amazon.nova-micro-v1:0", id="unknown geography"),
        pytest.param("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-foo-v1:0", id="ARN of no model"),
    ],
)
def test_a_quota_that_would_limit_nothing_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=f"no model '{name}'.*keys are .*nova-micro"):
        change_quota(tmp_path, name)
