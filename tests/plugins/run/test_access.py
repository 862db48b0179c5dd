"""Check a task's access to the frozen use case and prompts, to stored answers, and to its quota and spend cap."""

from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.run.access import RunAccess, require_run_uri
from include.distill.config.prompt_loader import dump_prompts, load_prompts
from include.distill.config.use_case import UseCase
from include.distill.core.errors import NotFoundError, RefusedError, SpendCapError, UseCaseError
from include.distill.core.storage import write_json
from include.distill.cost.estimate import synthesis_lines
from include.distill.cost.prices import load_prices
from include.distill.inference.client import PoolShare
from include.distill.inference.requests import ModelRequest
from tests.fakes.fake_bedrock import RUN_KEY, FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_row

TEACHER = "claude-sonnet-5-5"


class SomeTask(RunAccess):
    """A task with the attributes that Airflow sets."""

    def __init__(self, run_uri: str = RUN_URI) -> None:
        self.run_uri = run_uri
        self.aws_conn_id = "aws_other"
        self.region_name = "eu-west-1"
        self.pool = f"bedrock_123456789012_{TEACHER}_us-east-1"
        self.pool_slots = 2


@pytest.fixture
def task(equip: Any) -> Any:
    return equip(SomeTask())


def question(task: Any, number: int) -> ModelRequest:
    model = task.model(TEACHER)
    return ModelRequest(model, model.inference_id, model.inference_id, f"question {number}", 100)


class TestFrozen:
    def test_a_task_uses_the_use_case_in_the_folder_of_its_run(
        self, task: Any, store: MemoryStore, use_case: UseCase
    ) -> None:
        freeze(store, use_case, max_spend_usd=3.5)
        assert task.use_case.max_spend_usd == 3.5
        assert task.use_case.name == use_case.name

    def test_a_task_reads_the_use_case_once(self, task: Any, store: MemoryStore, use_case: UseCase) -> None:
        before = task.use_case
        freeze(store, use_case, max_spend_usd=3.5)
        assert task.use_case is before

    def test_the_error_about_a_missing_frozen_use_case_names_the_file(self, equip: Any) -> None:
        other = equip(SomeTask(RUN_URI.replace("manual-1", "manual-2")))
        with pytest.raises(NotFoundError, match=r"manual-2-[0-9a-f]{32}/use_case\.yaml"):
            _ = other.use_case

    def test_a_frozen_use_case_of_another_name_is_refused(
        self, equip: Any, store: MemoryStore, use_case: UseCase
    ) -> None:
        freeze(store, use_case, name="payroll")
        with pytest.raises(
            RefusedError, match=r"describes use case payroll, but is in a folder of use case aws_docs_qa"
        ):
            _ = equip(SomeTask(RUN_URI)).use_case

    def test_the_error_about_an_invalid_frozen_use_case_names_the_file(
        self, task: Any, store: MemoryStore, use_case: UseCase
    ) -> None:
        freeze(store, use_case, teachr="x")
        with pytest.raises(UseCaseError, match=r"manual-1-[0-9a-f]{32}/use_case\.yaml.*teachr"):
            _ = task.use_case

    def test_a_task_uses_the_frozen_prompts(self, task: Any, store: MemoryStore, use_case: UseCase) -> None:
        frozen = dump_prompts(load_prompts(use_case.prompts, store)[1])
        name = use_case.prompts.answering
        frozen["prompts"][name]["template"] = "Another template of {{ document }} and {{ question }}"
        write_json(store, FOLDER.prompts, frozen)
        assert task.prompt(name).template.startswith("Another template")

    def test_a_run_of_an_earlier_version_without_frozen_prompts_uses_the_prompt_files_of_its_use_case(
        self, task: Any, store: MemoryStore, use_case: UseCase
    ) -> None:
        assert not store.exists(FOLDER.prompts)
        loaded = load_prompts(use_case.prompts, store)[1]
        assert {name: prompt.template for name, prompt in task.prompts.items()} == {
            name: prompt.template for name, prompt in loaded.items()
        }


def test_a_task_uses_its_own_connection_and_region_for_aws() -> None:
    hook = SomeTask().hook
    assert (hook.aws_conn_id, hook.region_name) == ("aws_other", "eu-west-1")


def test_answers_are_shared_by_all_runs_and_name_the_run_that_paid(
    task: Any, equip: Any, context: Any, bedrock: FakeBedrock
) -> None:
    ask = task.rate_limited_model(context, model=TEACHER)
    assert ask(question(task, 1)).paid_by == RUN_KEY
    tomorrow = equip(SomeTask(RUN_URI.replace("manual-1", "manual-2")))
    assert tomorrow.answers.find(question(task, 1)).paid_by == RUN_KEY
    assert len(bedrock.asked) == 1


class TestSpendCap:
    @pytest.fixture
    def expected(self, use_case: UseCase) -> Any:
        """The estimate of a task's four rows."""
        return synthesis_lines(use_case, [make_row(1)] * 4, load_prices())

    def ask_all(self, task: Any, context: Any, **arguments: Any) -> None:
        ask = task.rate_limited_model(context, model=TEACHER, **arguments)
        for number in range(20):
            ask(question(task, number))

    def write_estimate(self, store: MemoryStore, use_case: UseCase) -> None:
        """Store the estimate of a run of forty rows."""
        lines = synthesis_lines(use_case, [make_row(1)] * 40, load_prices())
        usd = sum(line.usd for line in lines)
        estimate = {
            "lines": [line.as_record() for line in lines],
            "estimated_usd": usd,
            "critic_by_characters_usd": 0.0,
        }
        write_json(store, FOLDER.estimate, estimate)

    def test_a_task_stops_at_its_share_of_the_cap(
        self, task: Any, context: Any, store: MemoryStore, use_case: UseCase, bedrock: FakeBedrock, expected: Any
    ) -> None:
        """A task with a tenth of the rows may spend a tenth of the cap: ten answers, each just under 1 % of the cap."""
        self.write_estimate(store, use_case)
        input_price, _ = load_prices().token_prices(TEACHER)
        bedrock.usage = (int(use_case.max_spend_usd / 101 / input_price), 0)
        with pytest.raises(SpendCapError, match="The spend cap is reached"):
            self.ask_all(task, context, expected=expected, calls=10)
        assert len(bedrock.asked) == 10

    def test_without_an_estimate_of_its_calls_a_task_has_no_cap(
        self, task: Any, context: Any, store: MemoryStore, use_case: UseCase, bedrock: FakeBedrock
    ) -> None:
        self.write_estimate(store, use_case)
        bedrock.usage = (10**9, 0)
        self.ask_all(task, context)
        assert len(bedrock.asked) == 20

    def test_a_task_of_a_dag_without_the_task_estimate_has_no_cap(
        self, task: Any, context: Any, bedrock: FakeBedrock, expected: Any
    ) -> None:
        bedrock.usage = (10**9, 0)
        self.ask_all(task, context, expected=expected, calls=4)
        assert len(bedrock.asked) == 20


@pytest.mark.parametrize(
    ("try_number", "map_index", "is_first"),
    [
        pytest.param(1, 0, True, id="first attempt of a mapped task"),
        pytest.param(1, -1, True, id="first attempt of a task that is not mapped"),
        pytest.param(1, None, True, id="without an index"),
        pytest.param(2, 0, False, id="a retry, whose earlier calls may have used the quota"),
        pytest.param(1, 1000, False, id="a mapped task that follows others in the pool"),
    ],
)
def test_the_pool_slots_of_a_task_decide_its_share_of_the_quota(
    task: Any, context: Any, try_number: int, map_index: int | None, is_first: bool
) -> None:
    context["ti"].try_number, context["ti"].map_index = try_number, map_index
    ask = task.rate_limited_model(context, model=TEACHER)
    assert ask._pool_share == PoolShare(task.pool, 2, is_first=is_first)


def test_the_error_about_a_task_without_a_run_folder_names_the_task() -> None:
    require_run_uri("ingest", RUN_URI)
    with pytest.raises(ValueError, match=r"ingest: run_uri is missing.*default_args"):
        require_run_uri("ingest", "")
