"""Test the sentence about changes since the last run."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.report.change_notes import changes_sentence, describe_changes

FIRST: Any = {"since": None, "added": None, "changed": None, "gone": None, "settings": []}
SAME: Any = {"since": "one", "added": 0, "changed": 0, "gone": 0, "settings": []}


@pytest.mark.parametrize(
    ("changes", "usd", "words"),
    [
        pytest.param(SAME, 0, "Nothing was bought: rows, prompts, models and settings are the same as in", id="same"),
        pytest.param({**SAME, "gone": 2}, 0, "Since the last run with a report (one): 2 rows gone.", id="gone"),
        pytest.param(
            {**SAME, "added": 1200, "changed": 1, "settings": ["prompts"]},
            3.5,
            "Since the last run with a report (one): 1,200 rows added, 1 row changed, settings changed (prompts).",
            id="bought",
        ),
        pytest.param(
            SAME,
            3.5,
            "Since the last run with a report (one): no row or setting changed.",
            id="bought although nothing changed",
        ),
        pytest.param(None, 0, "Nothing was bought: earlier runs stored", id="a report of an earlier version"),
        pytest.param(FIRST, 0, "Nothing was bought: earlier runs stored", id="first, free"),
    ],
)
def test_the_sentence_states_what_changed_and_why_nothing_was_bought(changes: Any, usd: float, words: str) -> None:
    line = changes_sentence(changes, actual_usd=usd)
    assert line is not None
    assert words in line
    assert "\n" not in line


def test_there_is_no_sentence_for_a_first_run_that_bought_something() -> None:
    assert changes_sentence(FIRST, actual_usd=1) is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (SAME, "no row or setting changed"),
        ({**FIRST, "since": "one"}, "changed rows are unknown, because the list of that run's rows was deleted"),
        ({**FIRST, "since": "one", "settings": ["teacher"]}, "settings changed (teacher), changed rows are unknown"),
    ],
)
def test_changes_are_listed_in_words(changes: Any, words: str) -> None:
    assert describe_changes(changes).startswith(words)
