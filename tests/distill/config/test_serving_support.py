from __future__ import annotations

import pytest

from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.sections import ServingSetting
from include.distill.config.serving_support import may_be_on_demand
from tests.fakes.variables import VARIABLES

USE_CASE = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES)


@pytest.mark.parametrize(
    ("mode", "student", "possible"),
    [
        ("auto", "nova-micro", True),
        ("on_demand", "nova-micro", True),
        ("provisioned", "nova-micro", False),
        ("auto", "llama-3-1-8b", False),
    ],
)
def test_arms_may_be_on_demand_if_the_setting_and_the_student_allow_it(
    mode: ServingSetting, student: str, possible: bool
) -> None:
    serving = USE_CASE.serving.model_copy(update={"mode": mode})
    assert may_be_on_demand(USE_CASE.model_copy(update={"serving": serving, "student": student})) is possible
