from __future__ import annotations

import pytest
from airflow.sdk.exceptions import ParamValidationError

from bedrock_distill.params.check_account import check_account_params
from include.distill.account_check.choice import CheckChoice


def test_by_default_all_use_cases_are_checked() -> None:
    form = check_account_params(["aws_docs_qa"])
    values = {name: param.resolve() for name, param in form.items()}
    assert CheckChoice.model_validate(values) == CheckChoice()


def test_the_form_offers_only_known_use_cases() -> None:
    form = check_account_params(["aws_docs_qa"])
    assert form["use_case"].resolve("aws_docs_qa") == "aws_docs_qa"
    with pytest.raises(ParamValidationError):
        form["use_case"].resolve("payroll")
    check_account_params([])  # a form without use cases is still a form
