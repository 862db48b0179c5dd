from __future__ import annotations

import datetime
from typing import Any

import pytest

from include.distill.config.catalog import Model, load_catalog
from include.distill.config.lifecycle_check import (
    is_retired,
    lifecycle_problem,
    lifecycle_warning,
    missing_problem,
    reported_status,
)
from include.distill.core.errors import RefusedError

CATALOG = load_catalog()
NOVA, LLAMA, OLD = (CATALOG.model(key) for key in ("nova-micro", "llama-3-3-70b", "claude-3-sonnet"))


def reports(status: str | None, **more: Any) -> dict[str, Any]:
    return {"modelLifecycle": {"status": status, **more}}


@pytest.mark.parametrize("model", [NOVA, LLAMA, OLD], ids=lambda model: model.key)
def test_a_model_that_bedrock_reports_as_active_is_no_problem_whatever_the_file_says(model: Model) -> None:
    assert lifecycle_problem(model, reports("ACTIVE"), "x") is None


@pytest.mark.parametrize("status", ["LEGACY", "DEPRECATED"])
def test_a_model_that_bedrock_does_not_report_as_active_is_a_problem_whatever_the_file_says(status: str) -> None:
    end = datetime.datetime(2027, 1, 2, tzinfo=datetime.UTC)
    assert lifecycle_problem(NOVA, reports(status, endOfLifeTime=end), "name nova-lite") == (
        f"model nova-micro is {status}, not ACTIVE, and its end of life is 2027-01-02; name nova-lite"
    )
    assert lifecycle_problem(NOVA, reports(status), "x") == f"model nova-micro is {status}, not ACTIVE; x"


@pytest.mark.parametrize("details", [{}, reports(None), {"modelLifecycle": None}])
def test_without_a_reported_status_the_file_counts(details: dict[str, Any]) -> None:
    assert reported_status(details) is None
    assert lifecycle_problem(NOVA, details, "x") is None
    problem = lifecycle_problem(LLAMA, details, "x")
    assert problem == "model llama-3-3-70b is LEGACY, not ACTIVE, and its end of life is 2027-03-30; x"
    assert lifecycle_warning(LLAMA, details) is None


def test_a_missing_model_that_the_file_lists_as_retired_was_retired_and_others_are_not_in_the_region() -> None:
    error = ValueError("not found.")
    assert missing_problem(OLD, error, "x") == (
        "Bedrock retired model claude-3-sonnet on 2026-07-30, according to include/models.yaml, checked on"
        f" {OLD.source.checked}; x"
    )
    assert missing_problem(NOVA, error, "x") == (
        "model nova-micro (amazon.nova-micro-v1:0) does not exist in this Region: not found. Change aws.region, or x"
    )


@pytest.mark.parametrize(
    ("model", "code", "retired"),
    [
        (OLD, "ResourceNotFoundException", True),
        (OLD, "AccessDeniedException", False),
        (NOVA, "ResourceNotFoundException", False),
    ],
)
def test_only_a_retired_model_that_bedrock_does_not_find_has_reached_its_end(
    model: Model, code: str, retired: bool
) -> None:
    error = RefusedError("refused")
    error.code = code
    assert is_retired(model, error) is retired


def test_a_disagreement_causes_a_warning_only_if_bedrock_reports_the_model_as_active() -> None:
    warning = lifecycle_warning(LLAMA, reports("ACTIVE"))
    assert warning
    assert (
        "lists llama-3-3-70b as legacy with its end of life on 2027-03-30, but Bedrock reports it as ACTIVE" in warning
    )
    assert lifecycle_warning(LLAMA, reports("LEGACY")) is None
    assert lifecycle_warning(NOVA, reports("ACTIVE")) is None
