from __future__ import annotations

import json
import re
from typing import Any

import pytest

from include.distill.config.layout import RunFolder
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.prompts import Prompt, load_prompt
from include.distill.config.sections import CriticSettings
from include.distill.config.use_case import UseCase
from include.distill.dataset.row_changes import compare_with_last_run, hash_purchase_settings, row_line
from include.distill.dataset.rows import row_id
from tests.distill.conftest import make_use_case
from tests.fakes.memory_store import MemoryStore
from tests.fakes.variables import VARIABLES

ROOT = "s3://bucket/distill/runs"
PROMPTS = {"answering.j2": load_prompt("answering.j2")}


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture(scope="module")
def use_case() -> UseCase:
    return load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES)


def row(number: int, answer: str = "a") -> dict[str, Any]:
    text = {"document": f"d{number}", "question": f"Question {number}?", "answer": answer}
    return {"row_id": row_id(**text), **text}


def run(store: MemoryStore, use_case: UseCase, key: str, *rows: dict[str, Any], **prompts: Prompt) -> dict[str, Any]:
    changes = start(store, use_case, key, *rows, **prompts)
    store.write(RunFolder(f"{ROOT}/{key}").report("json"), b"{}")
    return changes


def start(store: MemoryStore, use_case: UseCase, key: str, *rows: dict[str, Any], **prompts: Prompt) -> dict[str, Any]:
    """Let a run compare its rows, and write no report."""
    folder = RunFolder(f"{ROOT}/{key}")
    store.write(folder.row_list, b"".join(row_line(one) for one in rows))
    changes = compare_with_last_run(store, folder, use_case=use_case, prompts={**PROMPTS, **prompts})
    return dict(changes)


class TestComparison:
    def test_the_comparison_of_a_first_run_has_no_counts(self, store: MemoryStore, use_case: UseCase) -> None:
        changes = run(store, use_case, "one", row(1))
        assert changes == {"since": None, "added": None, "changed": None, "gone": None, "settings": []}

    def test_the_comparison_counts_rows_that_were_added_changed_and_removed(
        self, store: MemoryStore, use_case: UseCase
    ) -> None:
        run(store, use_case, "one", *(row(n) for n in range(10)))
        after = [*(row(n) for n in range(2, 8)), row(8, "another answer"), row(10), row(11), row(12)]
        changes = run(store, use_case, "two", *after)
        assert changes == {"since": "one", "added": 3, "changed": 1, "gone": 3, "settings": []}

    def test_the_comparison_counts_a_question_about_two_documents_twice(
        self, store: MemoryStore, use_case: UseCase
    ) -> None:
        twice = [{**row(1), "row_id": f"{n:016x}"} for n in range(2)]
        run(store, use_case, "one", *twice)
        changes = run(store, use_case, "two", {**row(1), "row_id": "f" * 16})
        assert (changes["added"], changes["changed"], changes["gone"]) == (0, 1, 1)

    def test_an_edited_critic_prompt_is_reported_only_when_there_is_a_critic(
        self, store: MemoryStore, use_case: UseCase
    ) -> None:
        critic = CriticSettings(model="nova-lite", max_spend_usd=1)
        asking = use_case.model_copy(update={"curation": use_case.curation.model_copy(update={"critic": critic})})
        edited = {"critic.j2": Prompt("critic.j2", "Another.")}
        for key, configured, prompts, changed in (
            ("one", use_case, {"critic.j2": load_prompt("critic.j2")}, []),
            ("two", use_case, edited, []),
            ("three", asking, edited, ["curation", "prompts"]),
            ("four", asking, {"critic.j2": load_prompt("critic.j2")}, ["prompts"]),
        ):
            assert run(store, configured, key, row(1), **prompts)["settings"] == changed

    def test_the_comparison_ignores_the_order_of_rows(self, store: MemoryStore, use_case: UseCase) -> None:
        rows = [row(n) for n in range(9)]
        run(store, use_case, "one", *rows)
        changes = run(store, use_case, "two", *rows[::-1])
        assert (changes["added"], changes["changed"], changes["gone"]) == (0, 0, 0)

    def test_a_retry_is_compared_with_the_same_run_as_the_first_attempt(
        self, store: MemoryStore, use_case: UseCase
    ) -> None:
        run(store, use_case, "one", row(1))
        first = run(store, use_case, "two", row(2))
        assert run(store, use_case, "two", row(2)) == first
        assert run(store, use_case, "three", row(2))["since"] == "two"

    def test_a_run_without_a_report_is_passed_over(self, store: MemoryStore, use_case: UseCase) -> None:
        start(store, use_case, "failed at estimate", row(1))
        assert start(store, use_case, "cap", row(1))["since"] is None
        run(store, use_case, "one", row(1))
        start(store, use_case, "cap1", row(1), row(2))
        start(store, use_case, "cap2", row(1), row(2), row(3))
        changes = start(store, use_case, "two", row(2))
        assert (changes["since"], changes["added"], changes["gone"]) == ("one", 1, 1)
        assert start(store, use_case, "two", row(2)) == changes, "a retry is compared with the same run"
        assert run(store, use_case, "two", row(2)) == changes
        assert run(store, use_case, "three", row(2))["since"] == "two"

    def test_a_record_of_an_earlier_version_names_no_run_with_a_report(
        self, store: MemoryStore, use_case: UseCase
    ) -> None:
        run(store, use_case, "one", row(1))
        start(store, use_case, "cap1", row(1))
        uri = RunFolder(f"{ROOT}/one").last_run(use_case.name)
        stored = json.loads(store.read(uri))
        del stored["reported"]
        store.write(uri, json.dumps(stored).encode())
        assert start(store, use_case, "two", row(1))["since"] == "one"

    def test_the_comparison_has_no_counts_when_the_row_list_of_the_last_run_was_deleted(
        self, store: MemoryStore, use_case: UseCase
    ) -> None:
        run(store, use_case, "one", row(1))
        store.delete(RunFolder(f"{ROOT}/one").row_list)
        assert run(store, use_case, "two", row(1))["since"] is None

    def test_the_comparison_names_only_settings_that_change_what_is_bought(
        self, store: MemoryStore, use_case: UseCase
    ) -> None:
        run(store, use_case, "one", row(1))
        other = use_case.model_copy(update={"owner": "another", "max_spend_usd": 7.0, "seed": 8})
        changes = run(store, other, "two", row(1), **{"answering.j2": Prompt("answering.j2", "another")})
        assert changes["settings"] == ["prompts", "seed"]


def test_the_method_of_training_counts_and_fine_tuning_keeps_the_hash_of_earlier_versions() -> None:
    """Another hash would make every upgrade look as if the settings of training had changed."""
    arms = [{"name": "base", "kind": "base"}, {"name": "tuned", "synthetic": 0}]
    tuned, read = (
        hash_purchase_settings(make_use_case(student="titan-text-lite", arms=arms, training={"method": method}), {})
        for method in ("fine_tuning", "continued_pre_training")
    )
    assert tuned["training"] == "670aeb77c19d"
    assert read["training"] != tuned["training"]


def test_a_line_of_the_row_list_has_two_hashes_of_16_hex_digits() -> None:
    assert re.fullmatch(rb"[0-9a-f]{16} [0-9a-f]{16}\n", row_line(row(1)))
    assert row_line(row(1)).split()[1] == row_line({**row(1), "question": " question  1? "}).split()[1]
