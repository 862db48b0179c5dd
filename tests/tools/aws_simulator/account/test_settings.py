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
