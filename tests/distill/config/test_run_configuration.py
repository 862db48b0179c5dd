from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.parsing import OVERRIDES
from include.distill.config.run_configuration import refuse_unknown_keys
from include.distill.core.errors import InputError

KNOWN = {*OVERRIDES, "dry_run"}


def refuse(given: dict[str, Any], known: Any = KNOWN, **elsewhere: str) -> None:
    refuse_unknown_keys(given, known, dag_id="distill_docs", state="Nothing was bought.", elsewhere=elsewhere)


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("document", "documents"),
        ("Documents", "documents"),
        ("DOCUMENTS", "documents"),
        ("documents ", "documents"),
        ("docments", "documents"),
        ("source.documents", "documents"),
        ("dryrun", "dry_run"),
        ("dry-run", "dry_run"),
        ("Dry run", "dry_run"),
        ("evaluation rows", "evaluation_rows"),
        ("evaluation_row", "evaluation_rows"),
        ("eval_rows", "evaluation_rows"),
        ("max_spend", "max_spend_usd"),
        ("maxSpendUsd", "max_spend_usd"),
        ("pairs_per_doc", "pairs_per_document"),
        ("synthesis.pairs_per_document", "pairs_per_document"),
        ("training-csv", "training_csv"),
        ("train_csv", "training_csv"),
    ],
)
def test_the_nearest_known_key_is_named(key: str, nearest: str) -> None:
    with pytest.raises(InputError, match=rf"did you mean '{nearest}'\?") as caught:
        refuse({key: 8})
    assert repr(key) in str(caught.value)


@pytest.mark.parametrize("key", ["", "x", "rows", "teacher", "文書", "limit", "conf"])
def test_a_key_that_is_like_no_known_key_is_refused_with_the_list_of_keys(key: str) -> None:
    with pytest.raises(InputError, match="accepts the keys documents, dry_run, evaluation_csv") as caught:
        refuse({key: None})
    assert "did you mean" not in str(caught.value)


def test_the_keys_inside_a_section_are_compared_too() -> None:
    with pytest.raises(InputError, match=r"'source' \(did you mean 'documents' and 'training_csv'\?\)"):
        refuse({"source": {"documents": 8, "training_csv": "a.csv"}})


def test_a_key_that_can_be_set_elsewhere_is_refused_with_the_place() -> None:
    with pytest.raises(InputError, match=r"'teacher' \(it can be set only in docs\.yaml\)"):
        refuse({"teacher": "nova-pro"}, teacher="it can be set only in docs.yaml")


def test_the_message_says_where_what_is_left_and_what_to_do() -> None:
    with pytest.raises(InputError) as caught:
        refuse({"document": 8, "dry_run": True})
    message = str(caught.value)
    for part in (
        "this run of distill_docs",
        "Nothing was bought",
        "Clearing a task of this run keeps",
        "Trigger distill_docs",
    ):
        assert part in message


@pytest.mark.parametrize("given", [{}, {"dry_run": True}, dict.fromkeys(KNOWN), {"documents": "many"}])
def test_known_keys_are_accepted_whatever_their_values(given: dict[str, Any]) -> None:
    refuse(given)


def test_a_dag_without_keys_says_so() -> None:
    refuse({}, ())
    with pytest.raises(InputError, match="It accepts no configuration"):
        refuse({"dry_run": True}, ())
