from __future__ import annotations

import re

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.cleanup.tag_values import MAX_TAG_VALUE, from_tags, to_tags

MODEL = botocore.session.get_session().get_service_model("bedrock")
TAG_KEY, TAG_VALUE = MODEL.shape_for("TagKey").metadata, MODEL.shape_for("TagValue").metadata
STRANGE = [
    "nightly~2",
    "nightly, again",
    "manual__été",
    "夜間-2026",
    "نسخة",
    "run 🚀",
    "100% done",
    "a|b",
    "a;b&c",
    "(2)",
    "[x]{y}",
    "a\\b",
    'quote"d',
    "it's",
    "a*b?",
    "#1",
    "$HOME",
    "tab\there",
    "line\nbreak",
    " leading",
    "trailing ",
    "aws:run",
    "AWS:run",
    "escaped:already",
    "Escaped:already",
    "escaped:=7E",
    "=7E~",
    "\u017f\u212a",
    "~" * 250,
    "x" * 257,
    "夜" * 250,
    "🚀" * 250,
]
ORDINARY = [
    "manual__2026-11-22T02:00:00+00:00",
    "scheduled__2026-11-22T02:00:00.123456+00:00",
    "asset_triggered__2026-11-22T02:00:00+00:00",
    "two words",
    "a=7E",
    "me@example.com/x",
    "x" * 250,
    "",
]


def assert_accepted(tags: dict[str, str]) -> None:
    for key, value in tags.items():
        assert re.fullmatch(TAG_KEY["pattern"], key)
        assert len(key) <= TAG_KEY["max"]
        assert re.fullmatch(TAG_VALUE["pattern"], value)
        assert len(value) <= TAG_VALUE["max"] == MAX_TAG_VALUE
        assert value == value.strip()
        assert not value.lower().startswith("aws:")
    assert len(tags) <= 13


@pytest.mark.parametrize("text", STRANGE)
def test_a_text_that_aws_does_not_accept_is_escaped_and_read_back(text: str) -> None:
    tags = to_tags("run-id", text)
    assert_accepted(tags)
    assert tags["run-id"].startswith("escaped:")
    assert from_tags({"project": "p", **tags}, "run-id") == text


@pytest.mark.parametrize("text", ORDINARY)
def test_an_ordinary_text_is_stored_as_it_is(text: str) -> None:
    assert to_tags("run-id", text) == {"run-id": text}
    assert from_tags({"run-id": text}, "run-id") == text


@given(st.text(max_size=250))
def test_every_text_can_be_stored_and_read_back(text: str) -> None:
    tags = to_tags("dag-id", text)
    assert_accepted(tags)
    assert from_tags(tags, "dag-id") == text


@given(st.text(max_size=60), st.text(max_size=60))
def test_two_texts_never_have_the_same_tags(first: str, second: str) -> None:
    assert (to_tags("run-id", first) == to_tags("run-id", second)) is (first == second)


def test_the_readable_part_of_an_escaped_text_stays_readable() -> None:
    assert to_tags("run-id", "nightly~2") == {"run-id": "escaped:nightly=7E2"}


def test_a_missing_tag_has_no_text() -> None:
    assert from_tags({}, "run-id") is None
