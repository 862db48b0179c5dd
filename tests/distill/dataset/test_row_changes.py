from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.layout import RunFolder
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.prompts import Prompt, load_prompt
from include.distill.config.sections import CriticSettings
from include.distill.config.use_case import UseCase
from include.distill.dataset.row_changes import compare_with_last_run, row_line
from include.distill.dataset.rows import row_id
from tests.fakes.memory_store import MemoryStore

ROOT = "s3://bucket/distill/runs"
PROMPTS = {"answering.j2": load_prompt("answering.j2")}


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture(scope="module")
def use_case() -> UseCase:
    return load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment={})


def row(number: int, answer: str = "a") -> dict[str, Any]:
    text = {"document": f"d{number}", "question": f"Question {number}?", "answer": answer}
    return {"row_id": row_id(**text), **text}


def night(store: MemoryStore, use_case: UseCase, key: str, *rows: dict[str, Any], **prompts: Prompt) -> dict[str, Any]:
    folder = RunFolder(f"{ROOT}/{key}")
    store.write(folder.row_list, b"".join(row_line(found) for found in rows))
    return compare_with_last_run(store, folder, use_case=use_case, prompts={**PROMPTS, **prompts})


class TestComparison:
    def test_a_first_run_has_nothing_to_compare_with(self, store: MemoryStore, use_case: UseCase) -> None:
        found = night(store, use_case, "one", row(1))
        assert found == {"since": None, "added": None, "changed": None, "gone": None, "settings": []}

    def test_rows_are_added_changed_and_gone(self, store: MemoryStore, use_case: UseCase) -> None:
        night(store, use_case, "one", *(row(n) for n in range(10)))
        after = [*(row(n) for n in range(2, 8)), row(8, "another answer"), row(10), row(11), row(12)]
        found = night(store, use_case, "two", *after)
        assert found == {"since": "one", "added": 3, "changed": 1, "gone": 3, "settings": []}

    def test_a_question_asked_of_two_documents_is_counted_twice(self, store: MemoryStore, use_case: UseCase) -> None:
        twice = [{**row(1), "row_id": f"{n:016x}"} for n in range(2)]
        night(store, use_case, "one", *twice)
        found = night(store, use_case, "two", {**row(1), "row_id": "f" * 16})
        assert (found["added"], found["changed"], found["gone"]) == (0, 1, 1)

    def test_an_edit_of_the_critics_prompt_matters_only_where_it_is_asked(
        self, store: MemoryStore, use_case: UseCase
    ) -> None:
        critic = CriticSettings(model="nova-lite", max_spend_usd=1)
        asking = use_case.model_copy(update={"curation": use_case.curation.model_copy(update={"critic": critic})})
        edited = {"critic.j2": Prompt("critic.j2", "Another.")}
        for key, stated, prompts, changed in (
            ("one", use_case, {"critic.j2": load_prompt("critic.j2")}, []),
            ("two", use_case, edited, []),
            ("three", asking, edited, ["curation", "prompts"]),
            ("four", asking, {"critic.j2": load_prompt("critic.j2")}, ["prompts"]),
        ):
            assert night(store, stated, key, row(1), **prompts)["settings"] == changed

    def test_the_order_of_rows_is_no_change(self, store: MemoryStore, use_case: UseCase) -> None:
        rows = [row(n) for n in range(9)]
        night(store, use_case, "one", *rows)
        found = night(store, use_case, "two", *rows[::-1])
        assert (found["added"], found["changed"], found["gone"]) == (0, 0, 0)

    def test_a_retry_compares_with_the_same_run(self, store: MemoryStore, use_case: UseCase) -> None:
        night(store, use_case, "one", row(1))
        first = night(store, use_case, "two", row(2))
        assert night(store, use_case, "two", row(2)) == first
        assert night(store, use_case, "three", row(2))["since"] == "two"

    def test_a_list_that_was_deleted_is_none(self, store: MemoryStore, use_case: UseCase) -> None:
        night(store, use_case, "one", row(1))
        store.delete(RunFolder(f"{ROOT}/one").row_list)
        assert night(store, use_case, "two", row(1))["since"] is None

    def test_settings_that_change_what_is_bought_are_named_and_others_are_not(
        self, store: MemoryStore, use_case: UseCase
    ) -> None:
        night(store, use_case, "one", row(1))
        other = use_case.model_copy(update={"owner": "another", "max_spend_usd": 7.0, "seed": 8})
        found = night(store, other, "two", row(1), **{"answering.j2": Prompt("answering.j2", "another")})
        assert found["settings"] == ["prompts", "seed"]
