"""Check that a failed task's note is stored and read, and that a missing note is not an error."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_distill.run.failure_notes import FailureNote, read_note, store_note

NOTE: FailureNote = {"to_do": "Wait.", "billed": "Nothing."}


def test_a_note_is_read_as_it_was_stored() -> None:
    stored: dict[str, Any] = {}
    store_note(SimpleNamespace(xcom_push=lambda key, value: stored.update({key: value})), NOTE)
    assert read_note(SimpleNamespace(xcom_pull=lambda task_ids, key: stored[key]), "curate") == NOTE


def test_the_note_of_one_instance_of_a_mapped_task_is_read() -> None:
    ti = SimpleNamespace(xcom_pull=lambda task_ids, key, map_indexes: NOTE if map_indexes == 3 else None)
    assert read_note(ti, "synthesize", 3) == NOTE
    assert read_note(ti, "synthesize", 4) is None


@pytest.mark.parametrize("value", [None, "text", {"to_do": "Wait."}, []])
def test_anything_else_is_no_note(value: Any) -> None:
    assert read_note(SimpleNamespace(xcom_pull=lambda task_ids, key: value), "curate") is None


def test_an_unreachable_database_is_no_error() -> None:
    ti = SimpleNamespace()  # neither method exists
    store_note(ti, NOTE)
    assert read_note(ti, "curate") is None
