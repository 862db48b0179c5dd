from __future__ import annotations

import json

import pytest
import yaml

from include.distill import pools
from include.distill.config.loader import UseCases, load_use_cases
from include.distill.inference.pools import required_pools


def test_the_pools_of_the_valid_use_cases_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    valid = load_use_cases().valid
    monkeypatch.setattr(pools, "load_use_cases", lambda: UseCases(valid, ("payroll.yaml: no role",)))
    assert pools.main() == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == required_pools(valid) != {}
    assert "payroll.yaml: no role" in printed.err


def test_the_pools_are_printed_as_a_file_of_the_astro_cli(capsys: pytest.CaptureFixture[str]) -> None:
    assert pools.main(["--airflow-settings"]) == 0
    printed = yaml.safe_load(capsys.readouterr().out)["airflow"]["pools"]
    assert {pool["pool_name"]: (pool["pool_slot"], pool["pool_description"]) for pool in printed} == {
        name: (settings["slots"], settings["description"])
        for name, settings in required_pools(load_use_cases().valid).items()
    }


def test_nothing_is_printed_without_the_name_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DISTILL_ENVIRONMENT")
    monkeypatch.setattr(pools, "load_with_placeholders", lambda: UseCases((), ("payroll.yaml: no judge",)))
    assert pools.main() == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "DISTILL_ENVIRONMENT" in printed.err
    assert "payroll.yaml: no judge" in printed.err
