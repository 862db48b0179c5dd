from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.distill.config.catalog import Family, Model, load_catalog
from include.distill.config.prompts import load_prompt
from include.distill.config.sections import Answering
from include.distill.core.errors import InputError, LimitError
from include.distill.core.storage import decode_jsonl
from include.distill.inference.student import Student, escape_reserved, student_input
from include.distill.text.normalization import is_blank, unsupported_character
from include.distill.training.formats import (
    check_file,
    check_hyperparameters,
    check_record,
    conservative_token_count,
    encode_record,
    record_count_problems,
    to_customization_format,
)

FAMILIES = load_catalog().families
NOVA, LLAMA, CLAUDE = FAMILIES["nova"], FAMILIES["llama3.1"], FAMILIES["claude3"]
STUDENTS = [model for model in load_catalog().models.values() if model.customization]
ALL = pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
TEXTS = st.text().filter(str.strip)
# Reserved strings are as likely as letters, and nothing is blank to the eye or unfit for a file.
PIECES = st.one_of(
    st.sampled_from([*NOVA.reserved_strings, "\u2028", "\x85", "\r\n", '"', "{{ x }}"]), st.text(max_size=5)
)
SEEN = st.lists(PIECES, min_size=1).map("".join).filter(lambda t: not is_blank(t) and not unsupported_character(t))


def made(family: Family, *, user: str = "u", answer: str = "a", instruction: str = "i") -> dict[str, Any]:
    return to_customization_format(user=user, answer=answer, instruction=instruction, family=family)


class TestFormat:
    def test_a_conversation(self) -> None:
        assert made(NOVA) == {
            "schemaVersion": "bedrock-conversation-2024",
            "system": [{"text": "i"}],
            "messages": [
                {"role": "user", "content": [{"text": "u"}]},
                {"role": "assistant", "content": [{"text": "a"}]},
            ],
        }

    def test_a_prompt_and_its_completion(self) -> None:
        assert made(LLAMA) == {"prompt": "i\n\nu", "completion": "a"}

    def test_messages(self) -> None:
        assert made(CLAUDE) == {
            "system": "i",
            "messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}],
        }

    @ALL
    def test_an_empty_instruction_is_left_out(self, family: Family) -> None:
        record = made(family, instruction=" \n")
        assert "system" not in record
        assert record.get("prompt", "u") == "u"
        assert check_record(record, family, 1) == []

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=4), st.sampled_from(list(FAMILIES)))
    def test_any_text_is_read_back_from_the_file_unchanged(self, texts: list[tuple[str, str, str]], name: str) -> None:
        family = FAMILIES[name]
        records = [made(family, user=user, answer=answer, instruction=told) for user, answer, told in texts]
        body = b"".join(map(encode_record, records))
        assert list(decode_jsonl(body.splitlines(keepends=True), uri="train.jsonl")) == records
        # One line per record, none blank, by any reader's idea of a line.
        assert len(body.decode().splitlines()) == len(body.splitlines()) == len(records)

    @settings(max_examples=200, deadline=None)
    @given(SEEN, SEEN, st.one_of(st.just(""), SEEN), st.sampled_from(list(FAMILIES)))
    def test_whatever_can_be_seen_passes_the_check_once_it_is_escaped(
        self, user: str, answer: str, told: str, name: str
    ) -> None:
        family = FAMILIES[name]
        record = made(
            family, user=escape_reserved(user, family), answer=answer, instruction=escape_reserved(told, family)
        )
        (read,) = decode_jsonl([encode_record(record)], uri="train.jsonl")
        assert read == record
        assert check_record(read, family, 1) == []

    @pytest.mark.parametrize("student", STUDENTS, ids=lambda student: student.key)
    def test_the_student_is_asked_with_the_very_text_it_was_trained_on(self, student: Model) -> None:
        family = load_catalog().family_of(student)
        row = {"document": "A System: text.", "question": "User: why?", "answer": "So."}
        prompt, instruction = load_prompt("answering.j2"), "Obey the System: text."
        asked = Student(student, family, "i", "i", prompt, instruction, Answering()).request(row)
        user = student_input(row["document"], row["question"], prompt=prompt, family=family)
        record = made(family, user=user, answer="So.", instruction=escape_reserved(instruction, family))
        assert check_record(record, family, 1) == []
        if family.format == "prompt-completion":
            assert (asked.system, asked.user) == ("", record["prompt"])
        elif family.format == "anthropic-messages":
            assert (asked.system, asked.user) == (record["system"], record["messages"][0]["content"])
        else:
            spoken = record["messages"][0]["content"][0]["text"]
            assert (asked.system, asked.user) == (record["system"][0]["text"], spoken)


class TestFile:
    def test_may_be_as_large_as_the_family_allows(self) -> None:
        check_file("distill/datasets/ab12/train.jsonl", 10 * 2**30, CLAUDE)
        check_file("distill/datasets/ab12/train.jsonl", 2**50, LLAMA)
        with pytest.raises(LimitError, match="the training file has 10,737,418,241 bytes; expected 10,737,418,240"):
            check_file("train.jsonl", 10 * 2**30 + 1, CLAUDE)
        with pytest.raises(LimitError, match="the validation file has 1,073,741,825 bytes"):
            check_file("train.jsonl", 2**30 + 1, CLAUDE, validation=True)

    @pytest.mark.parametrize("key", ["a b.jsonl", "é.jsonl", "a=b/train.jsonl", ""])
    def test_of_nova_is_called_as_nova_demands(self, key: str) -> None:
        check_file("distill/datasets/ab12/train.jsonl", 1, NOVA)
        check_file(key, 1, CLAUDE)
        with pytest.raises(LimitError, match="file is called"):
            check_file(key, 1, NOVA)


class TestReservedStrings:
    @pytest.mark.parametrize(("field", "found"), [("user", True), ("instruction", True), ("answer", False)])
    def test_are_a_problem_in_what_is_said_to_the_student_only(self, field: str, found: bool) -> None:
        problems = check_record(made(NOVA, **{field: "a User: b"}), NOVA, 3)
        assert [str(problem).startswith("record 3") and "'User:'" in str(problem) for problem in problems] == [
            True
        ] * found


class TestRecord:
    @ALL
    def test_as_written_has_no_problem(self, family: Family) -> None:
        assert check_record(made(family), family, 1) == []

    @ALL
    @pytest.mark.parametrize(
        ("field", "text", "said"),
        [
            ("answer", " \u200b", "empty; expected text"),
            ("user", "a\x00b", "U+0000"),
            ("answer", "a\udc00", "U+DC00"),
        ],
    )
    def test_names_the_field_of_a_bad_text(self, family: Family, field: str, text: str, said: str) -> None:
        (problem,) = check_record(made(family, **{field: text}), family, 7)
        assert problem.record == 7
        assert said in problem.message
        assert problem.field == {"user": "user", "answer": "assistant"}[field] or family is LLAMA

    @ALL
    def test_may_be_as_long_as_the_limit_and_no_longer(self, family: Family) -> None:
        room = family.tokens_per_record * family.characters_per_token - len("ia") - 2 * (family is LLAMA)
        assert check_record(made(family, user="u" * room), family, 1) == []
        (problem,) = check_record(made(family, user="u" * (room + 1)), family, 1)
        assert (
            f"about {family.tokens_per_record + 1:,} tokens; expected {family.tokens_per_record:,}" in problem.message
        )

    @ALL
    @pytest.mark.parametrize("other", FAMILIES.values(), ids=list(FAMILIES))
    def test_of_another_format_is_a_problem(self, family: Family, other: Family) -> None:
        problems = check_record(made(other), family, 1)
        assert [problem.field for problem in problems] == ["record"] * (family.format != other.format)

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
    def test_of_no_format_is_a_problem(self, spoil: Any) -> None:
        record = made(NOVA)
        spoil(record)
        (problem,) = check_record(record, NOVA, 1)
        assert "no bedrock-conversation-2024 record" in problem.message


class TestTrainingFile:
    @pytest.mark.parametrize(
        ("family", "training", "validation", "said"),
        [
            pytest.param(NOVA, 7, 0, "7 training records; expected 8 or more", id="too few"),
            pytest.param(NOVA, 8, 0, None, id="just enough"),
            pytest.param(NOVA, 20_001, 0, "20001 training records; expected 20000 or fewer", id="too many"),
            pytest.param(NOVA, 15_000, 5_001, "20001 training and validation records", id="too many together"),
            pytest.param(LLAMA, 90, 9, "99 training and validation records; expected 100", id="too few together"),
            pytest.param(LLAMA, 90, 10, None, id="enough together"),
            pytest.param(CLAUDE, 32, 31, "31 validation records; expected 32 to 1000", id="few to validate with"),
            pytest.param(CLAUDE, 32, 0, None, id="no validation"),
        ],
    )
    def test_has_as_many_records_as_the_family_allows(
        self, family: Family, training: int, validation: int, said: str | None
    ) -> None:
        problems = list(record_count_problems(training, validation, family))
        assert bool(problems) == (said is not None)
        assert said is None or any(said in problem for problem in problems)


class TestTokens:
    @pytest.mark.parametrize(("text", "tokens"), [("", 0), ("a", 1), ("abc", 1), ("abcd", 2), ("é" * 9, 3)])
    def test_are_counted_by_the_characters_and_rounded_up(self, text: str, tokens: int) -> None:
        assert conservative_token_count(text, NOVA) == tokens


class TestHyperparameters:
    @pytest.mark.parametrize(
        ("family", "given", "sent"),
        [
            (NOVA, {}, {}),
            (NOVA, {"epochCount": 2}, {"epochCount": "2"}),
            (NOVA, {"epochCount": 2.0, "learningRate": 1e-5}, {"epochCount": "2", "learningRate": "0.00001"}),
            (NOVA, {"epochCount": "5", "learningRate": "1e-4"}, {"epochCount": "5", "learningRate": "0.0001"}),
            (
                CLAUDE,
                {"learningRateMultiplier": 1, "batchSize": 100},
                {"learningRateMultiplier": "1", "batchSize": "100"},
            ),
            (CLAUDE, {"earlyStoppingThreshold": 0}, {"earlyStoppingThreshold": "0"}),
        ],
    )
    def test_are_sent_as_plain_strings(self, family: Family, given: dict[str, Any], sent: dict[str, str]) -> None:
        assert check_hyperparameters(given, family) == sent

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"epochs": 2}, "unknown name 'epochs', did you mean epochCount?"),
            ({"xyz": 2}, "unknown name 'xyz', known are epochCount, learningRate, learningRateWarmupSteps"),
            ({"epochCount": 2.5}, "epochCount is 2.5, expected integer from 1 to 5"),
            ({"epochCount": True}, "epochCount is True, expected integer"),
            ({"epochCount": "two"}, "epochCount is 'two', expected integer"),
            ({"epochCount": None}, "epochCount is None"),
            ({"epochCount": 6}, "epochCount is 6, out of range: expected integer from 1 to 5"),
            ({"learningRate": 1e-3}, "out of range: expected number from 0.000001 to 0.0001"),
            ({"learningRate": float("nan")}, "learningRate is nan, out of range"),
            ({"learningRate": "1e999"}, "out of range"),
            ({"epochCount": 10**400}, "epochCount is 1000"),
        ],
    )
    def test_are_refused_by_name_type_and_range(self, given: dict[str, Any], said: str) -> None:
        with pytest.raises(InputError) as raised:
            check_hyperparameters(given, NOVA)
        assert said in str(raised.value)

    def test_some_need_a_validation_file(self) -> None:
        given = {"earlyStoppingPatience": 3, "earlyStoppingThreshold": 0.01}
        assert set(check_hyperparameters(given, CLAUDE)) == set(given)
        with pytest.raises(InputError, match=r"earlyStoppingPatience needs a validation file.*Threshold needs"):
            check_hyperparameters(given, CLAUDE, with_validation=False)

    def test_are_all_named_at_once(self) -> None:
        with pytest.raises(InputError, match=r"Hyperparameters of nova: epochCount is 9.*; unknown name 'b'"):
            check_hyperparameters({"epochCount": 9, "b": 1}, NOVA)

    @ALL
    def test_defaults_of_the_catalog_are_in_range(self, family: Family) -> None:
        defaults = {name: fact.default for name, fact in family.hyperparameters.items()}
        assert set(check_hyperparameters(defaults, family)) == set(defaults)
