from __future__ import annotations

import datetime
import re
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from include.distill.config.expected_values import PATTERNS, accepted_values, unwrapped
from include.distill.config.section import Number, Share, Temperature
from include.distill.config.use_case import UseCase
from tests.distill.config.test_wrong_values import sections


class Part(BaseModel):
    name: str
    size: int = 1


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (bool, "true or false"),
        (int, "a whole number"),
        (Annotated[int, Field(ge=1, le=20_000)], "a whole number from 1 to 20,000"),
        (Annotated[float, Field(gt=0, le=0.5)], "a number above 0 and at most 0.5"),
        (Share, "a number of at least 0 and below 1"),
        (Temperature | None, "a number from 0 to 1, or null"),
        (Number, "a number such as 3 or 0.0001"),
        (str, "a text"),
        (Annotated[str, Field(max_length=9)], "a text of at most 9 characters"),
        (Annotated[str, Field(min_length=1)], "a text that is not empty"),
        (Annotated[str, Field(pattern=r"\S", max_length=9)], "a text that is not blank (at most 9 characters)"),
        (datetime.date, "a date such as 2026-11-27"),
        (Literal["a", "b", "c"], "a, b or c"),
        (int | Literal["all"], "all or a whole number"),
        (tuple[Part, ...] | str, "a text or a list of mappings with the keys name, size"),
        (Annotated[tuple[str, ...], Field(min_length=1)], "a list of 1 or more texts"),
        (Annotated[tuple[str, ...], Field(min_length=2, max_length=3)], "a list of 2 to 3 texts"),
        (Annotated[tuple[Part, ...], Field(max_length=3)], "a list of at most 3 mappings with the keys name, size"),
        (tuple[Annotated[str, Field(pattern=r"\S")], ...], "a list of texts that are not blank"),
        (tuple[int, ...], "a list of entries, each a whole number"),
        (
            Annotated[dict[str, str], Field(max_length=3)],
            "a mapping of at most 3 entries in which each value is a text",
        ),
        (dict[str, Part] | None, "a mapping in which each value is a mapping with the keys name, size, or null"),
    ],
)
def test_the_accepted_values_are_said_in_words(annotation: Any, words: str) -> None:
    assert accepted_values(annotation) == words


def patterns(annotation: Any, metadata: Any = ()) -> set[str]:
    """Return the patterns of a type and of the types in it."""
    annotation, limits = unwrapped(annotation, metadata)
    own = {limit.pattern for limit in limits if getattr(limit, "pattern", None)}
    return own.union(*(patterns(inner) for inner in getattr(annotation, "__args__", ())))


USED = set[str]().union(
    *(
        patterns(field.annotation, field.metadata)
        for part in {*sections(UseCase)}
        for field in part.model_fields.values()
    )
)


def test_every_pattern_of_a_use_case_has_words_and_every_word_is_used() -> None:
    assert set(PATTERNS) == USED


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
def test_the_example_in_the_words_matches_the_pattern(pattern: str) -> None:
    if pattern == r"\S":  # the words need no example
        return
    _, example = PATTERNS[pattern].split("such as ")
    assert all(re.search(pattern, text.strip("'")) for text in example.split(" or "))
