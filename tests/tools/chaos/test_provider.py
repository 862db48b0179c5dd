"""Each case of the provider's operators has unique names, and is shown next to a case of our operators."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools.chaos.batches import batches
from tools.chaos.matrix import matrix
from tools.chaos.provider import Measurement, ProviderTrial, as_markdown, prepare_provider, provider_cases
from tools.chaos.scenarios import scenarios
from tools.chaos.trial import JOB, Case


def test_every_case_has_its_own_names(tmp_path: Path) -> None:
    cases = prepare_provider(provider_cases(), tmp_path / "missing")
    settings = json.loads((tmp_path / "missing" / "provider.json").read_text())
    assert [case.key for case in cases] == [entry["key"] for entry in settings]
    assert len({case.key for case in cases}) == len(cases)
    for entry in settings:
        assert entry["job_name"].startswith(f"{entry['key']}-")
        assert entry["training_uri"] == f"s3://chaos-provider/{entry['key']}.jsonl"
        assert not re.search(r"{key}", json.dumps(entry))


def test_airflows_templates_are_not_filled_in_early(tmp_path: Path) -> None:
    prepare_provider([case for case in provider_cases() if case.name == "next run, same data"], tmp_path)
    (entry,) = json.loads((tmp_path / "provider.json").read_text())
    assert entry["job_name"] == "p01-{{ run_id[-1:] }}"


def test_every_case_is_shown_next_to_one_of_our_cases() -> None:
    ours = {case.name for case in (*matrix(), *scenarios(), *batches())}
    assert {case.ours for case in provider_cases()} <= ours


def test_the_table_shows_the_result_of_our_case_or_that_it_was_not_measured() -> None:
    measured = [Measurement(name, 2, 1, 1, 0, "success", "failed", f"ours {name}") for name in ("a", "b")]
    rows = {"ours a": {"jobs": 1, "throughputs": 1, "alive_at_end": 0, "state": "success"}}
    lines = as_markdown(measured, rows).splitlines()
    assert lines[2:] == [
        "| a | 2 | 1 | 1 | 0 | success | failed | 1 / 1 / 0, success |",
        "| b | 2 | 1 | 1 | 0 | success | failed | not measured |",
    ]


def test_a_measurement_waits_for_jobs_that_are_not_stalled(monkeypatch: pytest.MonkeyPatch) -> None:
    job = {"name": "p01-job", "status": "InProgress"}
    ledger = {
        "jobs": [job, {**job}, {**job, "name": "p02-job"}],
        "batch_jobs": [],
        "throughputs": [],
        "deployments": [],
    }
    account = SimpleNamespace(ledger=lambda: ledger, fired=lambda *of: of == ("p01-", JOB, "job_stalled"))
    trial = ProviderTrial(Case("", lambda _: None, key="p01"), SimpleNamespace(account=account), None)  # type: ignore[arg-type]
    checks: list[bool] = []

    def check_twice(condition: Callable[[], bool], *_: object) -> None:
        checks.append(condition())
        job["status"] = "Completed"
        checks.append(condition())

    monkeypatch.setattr(trial, "wait", check_twice)
    trial.wait_for_jobs()
    assert checks == [False, True]
