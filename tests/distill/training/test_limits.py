from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.catalog import Family, RecordFormatName, load_catalog
from include.distill.core.errors import LimitError
from include.distill.text.token_count import conservative_token_count
from include.distill.training.formats import record_texts, to_customization_format
from include.distill.training.limits import (
    TEMPLATE_TOKENS,
    check_file,
    check_record,
    record_count_problems,
    token_limit_count,
)

FAMILIES = load_catalog().families
NOVA, LLAMA, CLAUDE = FAMILIES["nova"], FAMILIES["llama3.1"], FAMILIES["claude3"]
PROSE = (
    "The library is open every day except Sunday. Members can borrow up to five books for two weeks. If a book is"
    " returned late, the member pays a small fee for each day. Please keep your card with you when you visit us. "
)
ALL = pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
# The field names of the user's text and of the answer in each record format.
FIELDS: dict[RecordFormatName, dict[str, str]] = {
    "prompt-completion": {"user": "prompt", "answer": "completion"},
    "anthropic-messages": {"user": "user", "answer": "assistant"},
    "bedrock-conversation-2024": {"user": "user", "answer": "assistant"},
}


def made(family: Family, *, user: str = "u", answer: str = "a", instruction: str = "i") -> dict[str, Any]:
    return dict(to_customization_format(user=user, answer=answer, instruction=instruction, family=family))


class TestCheckRecord:
    @ALL
    def test_a_record_that_the_pipeline_writes_has_no_problem(self, family: Family) -> None:
        assert check_record(made(family), family, 1) == []

    @ALL
    @pytest.mark.parametrize(
        ("field", "text", "message"),
        [
            ("answer", " \u200b", "empty; expected text"),
            ("user", "a\x00b", "U+0000"),
            ("answer", "a\udc00", "U+DC00"),
        ],
    )
    def test_a_problem_names_the_field_of_a_bad_text(self, family: Family, field: str, text: str, message: str) -> None:
        (problem,) = check_record(made(family, **{field: text}), family, 7)
        assert problem.record == 7
        assert message in problem.message
        assert problem.field == FIELDS[family.format][field]

    @ALL
    def test_a_record_may_have_as_many_characters_as_the_validators_of_aws_accept_but_no_more(
        self, family: Family
    ) -> None:
        others = sum(map(len, record_texts(made(family, user=""), family).values()))
        room = family.tokens_per_record * family.characters_per_token - others
        prose = PROSE * (room // len(PROSE) + 1)
        assert check_record(made(family, user=prose[:room]), family, 1) == []
        (problem,) = check_record(made(family, user=f"{prose[:room]}."), family, 1)
        assert f"about {family.tokens_per_record + 1:,} tokens; at most {family.tokens_per_record:,}" in problem.message

    @ALL
    @pytest.mark.parametrize(
        "text", ["東京都の図書館は毎日開いている。", "a[i] = (x << 3) ^ 0x1F; ", "3.14159,2.71828\n"]
    )
    def test_a_record_whose_real_tokens_exceed_the_limit_is_refused_although_its_characters_do_not(
        self, family: Family, text: str
    ) -> None:
        user = text * (family.tokens_per_record * 2 // len(text))
        (problem,) = check_record(made(family, user=user), family, 1)
        assert problem.field == "record"

    @ALL
    @pytest.mark.parametrize("other", FAMILIES.values(), ids=list(FAMILIES))
    def test_a_record_of_another_format_is_a_problem(self, family: Family, other: Family) -> None:
        problems = check_record(made(other), family, 1)
        assert [problem.field for problem in problems] == ["record"] * (family.format != other.format)
        expected = f"the record is not in the format {family.format} ("
        assert all(problem.message.startswith(expected) for problem in problems)

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda record: record.pop("messages"),
            lambda record: record.update(extra=1),
            lambda record: record.update(schemaVersion="1"),
            lambda record: record["messages"].reverse(),
            lambda record: record["messages"].pop(),
            lambda record: record["messages"][0].update(content="text"),
            lambda record: record["messages"][0].update(content=[{"text": None}]),
            lambda record: record.update(system=[]),
        ],
    )
    def test_a_malformed_record_is_a_problem(self, spoil: Any) -> None:
        record = made(NOVA)
        spoil(record)
        (problem,) = check_record(record, NOVA, 1)
        assert problem.message.startswith("the record is not in the format bedrock-conversation-2024 (")

    @ALL
    def test_a_record_with_another_key_is_a_problem(self, family: Family) -> None:
        (problem,) = check_record({**made(family), "extra": 1}, family, 1)
        assert "unknown keys ['extra']" in problem.message

    @ALL
    @pytest.mark.parametrize("spelling", ["User:", "USER:", "user:"])
    @pytest.mark.parametrize("field", ["user", "instruction", "answer"])
    def test_a_reserved_string_is_a_problem_in_every_field_and_in_any_case(
        self, family: Family, field: str, spelling: str
    ) -> None:
        reserving = family.model_copy(update={"reserved_strings": ("User:",)})
        record = made(reserving, **{field: f"a {spelling} b"})
        (problem,) = map(str, check_record(record, reserving, 3))
        assert problem.startswith("record 3, ")
        assert repr(spelling) in problem
        kept = check_record(record, reserving, 3, reserved_in_answers="warn")
        assert len(kept) == (field != "answer")


class TestCheckFile:
    def test_a_file_may_be_as_large_as_the_family_allows(self) -> None:
        check_file("distill/datasets/ab12/train.jsonl", 10 * 2**30, CLAUDE)
        check_file("distill/datasets/ab12/train.jsonl", 2**50, LLAMA)
        with pytest.raises(LimitError, match="the training file has 10,737,418,241 bytes; the limit is 10,737,418,240"):
            check_file("train.jsonl", 10 * 2**30 + 1, CLAUDE)
        with pytest.raises(LimitError, match="the validation file has 1,073,741,825 bytes"):
            check_file("train.jsonl", 2**30 + 1, CLAUDE, validation=True)

    @pytest.mark.parametrize("key", ["a b.jsonl", "é.jsonl", "a=b/train.jsonl", ""])
    def test_a_file_of_nova_needs_a_name_that_nova_accepts(self, key: str) -> None:
        check_file("distill/datasets/ab12/train.jsonl", 1, NOVA)
        check_file(key, 1, CLAUDE)
        with pytest.raises(LimitError, match=r"file's name .* does not match"):
            check_file(key, 1, NOVA)


class TestRecordCounts:
    @pytest.mark.parametrize(
        ("family", "training", "validation", "problem"),
        [
            pytest.param(NOVA, 7, 0, "7 training records; at least 8 are required", id="too few"),
            pytest.param(NOVA, 7, 1, "7 training records; at least 8 are required", id="validation does not count"),
            pytest.param(NOVA, 8, 0, None, id="just enough"),
            pytest.param(NOVA, 20_001, 0, "20001 training records; at most 20000 are allowed", id="too many"),
            pytest.param(NOVA, 15_000, 5_001, "20001 training and validation records", id="too many together"),
            pytest.param(LLAMA, 90, 9, "99 training and validation records; at least 100", id="too few together"),
            pytest.param(LLAMA, 90, 10, None, id="enough together"),
            pytest.param(CLAUDE, 32, 31, "31 validation records; 32 to 1000 are allowed", id="too few for validation"),
            pytest.param(CLAUDE, 32, 0, None, id="no validation"),
        ],
    )
    def test_a_job_has_as_many_records_as_the_family_allows(
        self, family: Family, training: int, validation: int, problem: str | None
    ) -> None:
        problems = list(record_count_problems(training, validation, family))
        assert bool(problems) == (problem is not None)
        assert problem is None or any(problem in found for found in problems)


class TestTokens:
    def test_texts_that_fit_are_counted_as_the_validators_of_aws_count_them(self) -> None:
        assert token_limit_count(["abc", "d"], NOVA) == 2

    def test_texts_that_may_not_fit_are_estimated_conservatively(self) -> None:
        text = "東京都の図書館は毎日開いている。" * 2000
        assert token_limit_count([text], NOVA) == conservative_token_count(text) + TEMPLATE_TOKENS
