"""Settings of the simulated account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.fakes.aws_simulator import start_simulator
from tools.aws_simulator.account.settings import Settings, SettingsStore
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


@pytest.mark.parametrize("changes", [{"model_units": -1}, {"speed": 1}, {"quotas": {"m": {"rpm": 0}}}])
def test_an_invalid_change_changes_nothing(tmp_path: Path, changes: dict[str, Any]) -> None:
    state = State(tmp_path / "state.sqlite")
    settings = SettingsStore(state)
    with pytest.raises(ValidationError):
        settings.change({"latency_ms": 5, **changes})
    assert settings.current == SettingsStore(state).current == Settings()
    state.close()


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
