"""Check what `preflight` checks about the champion of a use case."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.core.errors import InputError
from include.distill.core.storage import write_json
from include.distill.evaluation.champion import champion_snapshot
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, make_champion
from tests.plugins.operators import test_preflight as builders

preflight = builders.preflight  # pytest finds the fixture by its name


def refusal(task: Any, context: Any) -> str:
    with pytest.raises(InputError) as raised:
        task.execute(context)
    return str(raised.value)


def test_a_missing_champion_is_a_problem_if_the_use_case_compares_with_it(
    preflight: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any
) -> None:
    uri = f"{FOLDER.root}/champions/aws_docs_qa.json"
    write_json(store, uri, make_champion().model_dump())
    arms = [{"name": "base", "kind": "base"}, {"name": "tuned"}, {"name": "best", "kind": "champion"}]
    message = refusal(preflight(arms=arms), context)
    assert f"arn:model/champion no longer exists in Bedrock; delete {uri}" in message
    preflight().execute(context)
    bedrock.models.add("arn:model/champion")
    preflight(arms=arms).execute(context)
    assert champion_snapshot(store, FOLDER) == make_champion()


def test_an_unreadable_champion_file_is_listed_with_the_other_problems(
    preflight: Any, store: MemoryStore, context: Any
) -> None:
    store.write(f"{FOLDER.root}/champions/aws_docs_qa.json", b"{")
    message = refusal(preflight(teacher="claude-3-sonnet"), context)
    assert "is not a champion's record" in message
    assert "Bedrock retired model claude-3-sonnet" in message
