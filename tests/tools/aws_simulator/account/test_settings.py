"""Settings of the simulated account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.fakes.aws_simulator import start_simulator


def test_settings_of_the_command_line_win_over_those_kept(tmp_path: Path) -> None:
    def kept(**settings: Any) -> Any:
        with start_simulator(tmp_path, **settings) as simulator:
            return json.loads(json.dumps(simulator.admin("GET", "settings")))

    assert kept(latency_ms=5, model_units=3)["latency_ms"] == 5
    assert kept(model_units=4) == {**kept(model_units=4), "latency_ms": 5, "model_units": 4}
