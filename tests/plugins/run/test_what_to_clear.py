"""Check which task to clear after a failure, and that the runbook and the DAG's page say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bedrock_distill.run.what_to_clear import task_to_clear
from include.distill.core.paths import PROJECT_ROOT

PAGES = [PROJECT_ROOT / "docs" / "runbook.md", PROJECT_ROOT / "dags" / "distill.py"]
OTHER_DAGS = ("distill_check_account", "distill_clean_up", "sweep_", "| `outcome`")


@pytest.mark.parametrize(
    ("task", "what"),
    [
        ("tuned.trained", "tuned.trained with downstream"),
        ("tuned.in_service", "tuned.provision with downstream"),
        ("tuned.active", "tuned.deploy with downstream"),
        ("tuned.undeploy", "tuned.undeploy with downstream"),
        ("switch", "switch with downstream"),
        ("switched", "switch with downstream"),
        ("smoke", "switch with downstream"),
        ("settle", "settle with downstream"),
        ("outcome", "outcome"),
        ("delete_leftovers", "delete_leftovers"),
        ("judge_batch.wait", "judge_batch.wait with downstream"),
    ],
)
def test_the_tasks_after_a_failed_task_are_cleared_too(task: str, what: str) -> None:
    assert task_to_clear(task) == what


def test_clearing_an_answer_runs_the_setup_of_its_arm_again() -> None:
    assert "buys a new endpoint" in task_to_clear("tuned.answer", tasks=["tuned.provision"])
    assert "creates a new endpoint for the missing answers)" in task_to_clear("tuned.answer", tasks=["tuned.deploy"])
    assert "buys a new endpoint" not in task_to_clear("base.answer", tasks=["tuned.provision"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_tables_clear_every_task_with_downstream(page: Path) -> None:
    rows = [row for row in page.read_text(encoding="utf-8").splitlines() if row.startswith("| `")]
    rows = [row for row in rows if not any(text in row for text in OTHER_DAGS)]
    cleared = [
        match for row in rows for match in re.findall(r"[Cc]lear (?:the task(?! that)|`[\w.<>]+`)[^|]{0,16}", row)
    ]
    assert len(cleared) > 10
    assert [text for text in cleared if not re.search(r" with(out)? downstream", text)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_after_a_failed_endpoint_provision_is_cleared(page: Path) -> None:
    rows = [row for row in page.read_text(encoding="utf-8").splitlines() if row.startswith("| `<arm>.in_service`")]
    assert rows
    assert all(
        "lear `provision` with downstream" in row or "lear `<arm>.provision` with downstream" in row for row in rows
    )
