"""Read the monthly budgets of owners from ``include/budgets.yaml``."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from pydantic import ValidationError

from include.distill.config.budgets import MonthBudget, OwnerBudgets
from include.distill.config.loader import StrictLoader, expand_variables
from include.distill.config.use_case import UseCase
from include.distill.config.use_case_faults import describe_faults
from include.distill.core.errors import FAILED_TASK, UseCaseError
from include.distill.core.paths import INCLUDE
from include.distill.core.shown_values import shown
from include.distill.core.yaml_text import load_yaml

BUDGETS_PATH = INCLUDE / "budgets.yaml"


def load_owner_budgets(path: Path = BUDGETS_PATH, environment: Mapping[str, str] | None = None) -> OwnerBudgets:
    """
    Read the budgets of all owners. If the file does not exist, no owner has a budget.

    :param environment: values of the variables; if ``None``, the environment of the process is used.
    :raises UseCaseError: the file cannot be read or is not valid. A budget that cannot be read cannot be kept, so no
        run starts.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return OwnerBudgets()
    except (OSError, ValueError) as error:
        raise _unusable(path, f"the file cannot be read as text in UTF-8: {error}") from error
    try:
        raw = expand_variables(load_yaml(text, StrictLoader), os.environ if environment is None else environment)
    except UseCaseError as error:
        raise _unusable(path, str(error)) from error
    except ValueError as error:
        raise _unusable(path, f"the file cannot be read as YAML: {error}") from error
    if raw is None:
        return OwnerBudgets()
    if not isinstance(raw, dict):
        raise _unusable(path, f"found {shown(raw)}, expected a mapping with the key owners")
    try:
        return OwnerBudgets.model_validate(raw)
    except ValidationError as error:
        faults = describe_faults(error.errors(), OwnerBudgets)
        raise _unusable(path, "; ".join(fault.text for fault in faults)) from error


def _unusable(path: Path, problem: str) -> UseCaseError:
    return UseCaseError(
        f"{path.name}: {problem.rstrip('.')}. Without this file, the budgets of owners cannot be kept, so no run"
        " starts.",
        billed="Nothing was bought.",
        to_do=f"Correct include/{path.name}.",
        then_clear=FAILED_TASK,
    )


def budgets_of(use_case: UseCase, owners: OwnerBudgets) -> tuple[MonthBudget, ...]:
    """Return the monthly budgets that apply to the runs of a use case; empty if nothing limits them."""
    found = []
    if (month_usd := use_case.budget.month_usd) is not None:
        found.append(MonthBudget("use_case", use_case.name, month_usd, "budget.month_usd", f"{use_case.name}.yaml"))
    if limit := owners.owners.get(use_case.owner):
        key = f"owners.{use_case.owner}.month_usd"
        found.append(MonthBudget("owner", use_case.owner, limit.month_usd, key, f"include/{BUDGETS_PATH.name}"))
    return tuple(found)


def unknown_owner_warnings(budgets: OwnerBudgets, owners: Collection[str]) -> list[str]:
    """
    Return a warning for each owner with a budget that no use case names, because the name may be misspelt.

    :param owners: the owners of all valid use cases.
    """
    known = ", ".join(map(shown, sorted(set(owners)))) or "no owner"
    return [
        f"include/{BUDGETS_PATH.name}: no valid use case has the owner {shown(owner)}, so this budget limits nothing."
        f" The use cases have {known}."
        for owner in budgets.owners
        if owner not in owners
    ]
