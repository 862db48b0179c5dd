from __future__ import annotations

from typing import Any

from tests.plugins.conftest import FOLDER
from tests.plugins.workers_run import FLOW, WorkersRun


def test_the_run_of_the_sample_is_used_with_the_current_settings_of_the_workers(workers: WorkersRun) -> None:
    sample = workers.draw()
    task: Any = workers.sensor(sample, {})
    task.pre_execute(workers.context)
    assert task.run_uri == FOLDER.uri
    settings = task.use_case.human_workers
    assert (settings.flow_definition_arn, settings.workers) == (FLOW, 2)
    workers.change(workers=3)
    assert workers.sensor(sample, {}).sample == sample
    later: Any = workers.sensor(sample, {})
    later.pre_execute(workers.context)
    assert later.use_case.human_workers.workers == 3
    assert later.use_case.environment == task.use_case.environment
