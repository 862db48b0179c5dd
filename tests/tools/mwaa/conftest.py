from __future__ import annotations

import pytest

from include.distill.config.loader import load_use_case
from include.distill.config.use_case import UseCase
from include.distill.core.paths import PROJECT_ROOT

SETTINGS = {
    "DISTILL_ENVIRONMENT": "prod",
    "DISTILL_ROLE_ARN": "arn:aws:iam::123456789012:role/a-role",
    "DISTILL_TRAINING_BUCKET": "a-training",
    "DISTILL_OUTPUT_BUCKET": "a-output",
}


@pytest.fixture
def settings() -> dict[str, str]:
    return dict(SETTINGS)


@pytest.fixture
def use_case() -> UseCase:
    return load_use_case(PROJECT_ROOT / "include" / "use_cases" / "aws_docs_qa.yaml", SETTINGS)
