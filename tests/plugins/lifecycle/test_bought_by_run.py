from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_distill.lifecycle.bought_by_run import has_bought_job
from include.distill.core.errors import NotFoundError
from tests.fakes.fake_bedrock import FakeBedrock
from tests.plugins.conftest import FOLDER

SUBMITTED = {"job_arn": "arn:job", "bought": False}


@pytest.mark.parametrize(("run_key", "bought"), [(FOLDER.run_key, True), ("other", False)])
def test_the_tags_of_the_job_name_the_run_that_bought_it(bedrock: FakeBedrock, run_key: str, bought: bool) -> None:
    bedrock.tags_of["arn:job"] = {"run-key": run_key}
    task: Any = SimpleNamespace(hook=bedrock, folder=FOLDER)
    assert has_bought_job(task, SUBMITTED) is bought


@pytest.mark.parametrize("bought", [True, False])
def test_for_a_job_that_was_deleted_the_result_of_submit_decides(bought: bool) -> None:
    def gone(arn: str) -> dict[str, str]:
        raise NotFoundError(f"{arn} does not exist")

    task: Any = SimpleNamespace(hook=SimpleNamespace(tags=gone), folder=FOLDER)
    assert has_bought_job(task, {**SUBMITTED, "bought": bought}) is bought
