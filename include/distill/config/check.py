"""
Check all use-case files and the budgets of owners, without AWS and without the settings of an installation.

Usage: ``python -m include.distill.config.check``
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from include.distill.config.environment import ENVIRONMENT_VARIABLE
from include.distill.config.loader import USE_CASES_FOLDER, UseCases, load_use_cases
from include.distill.config.owner_budgets import BUDGETS_PATH, load_owner_budgets, unknown_owner_warnings
from include.distill.core.errors import UseCaseError

# The values that the check uses for variables that are not set. The shipped use cases need these variables.
PLACEHOLDERS = {
    ENVIRONMENT_VARIABLE: "check",
    "DISTILL_ROLE_ARN": "arn:aws:iam::123456789012:role/placeholder",
    "DISTILL_TRAINING_BUCKET": "placeholder-training",
    "DISTILL_OUTPUT_BUCKET": "placeholder-output",
}


def placeholders(variables: Mapping[str, str]) -> dict[str, str]:
    """Return a placeholder value for each environment variable that is not set or is empty, by variable."""
    return {name: value for name, value in PLACEHOLDERS.items() if not variables.get(name)}


def load_with_placeholders(folder: Path = USE_CASES_FOLDER) -> UseCases:
    """Load all use cases, with :data:`PLACEHOLDERS` for variables that are not set."""
    return load_use_cases(folder, {**os.environ, **placeholders(os.environ)})


def main(folder: Path = USE_CASES_FOLDER, budgets_path: Path = BUDGETS_PATH) -> int:
    """Print the valid use cases, and all problems of the other files and of the budgets. Return 1 if there are any."""
    if used := placeholders(os.environ):
        listed = ", ".join(f"{name}={value}" for name, value in used.items())
        sys.stdout.write(f"For this check only, variables that are not set have these values: {listed}\n")
    use_cases = load_with_placeholders(folder)
    for use_case in use_cases.valid:
        sys.stdout.write(f"valid: {use_case.name}\n")
    problems, warnings = [*use_cases.problems], []
    try:
        budgets = load_owner_budgets(budgets_path)
        warnings = unknown_owner_warnings(budgets, {use_case.owner for use_case in use_cases.valid})
    except UseCaseError as error:
        problems.append(error.happened)
    for kind, texts in (("problem", problems), ("warning", warnings)):
        for text in texts:
            sys.stdout.write(f"{kind}: {text}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
