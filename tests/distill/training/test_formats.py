from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.distill.config.catalog import FORMATS_WITHOUT_SYSTEM_TEXT, Family, Model, RecordFormatName, load_catalog
from include.distill.config.prompts import load_prompt
from include.distill.config.sections import Answering
from include.distill.core.storage import decode_jsonl
from include.distill.inference.student import Student, escape_reserved, student_input
from include.distill.text.normalization import is_blank, unsupported_character
from include.distill.training.formats import DOCUMENTS, FORMATS, encode_record, record_texts, to_customization_format
from include.distill.training.limits import check_record

FAMILIES = load_catalog().families
NOVA, LLAMA, CLAUDE = FAMILIES["nova"], FAMILIES["llama3.1"], FAMILIES["claude3"]
STUDENTS = [model for model in load_catalog().models.values() if model.customization]
ALL = pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
TEXTS = st.text().filter(str.strip)
# Reserved strings are as likely as letters. No text is blank or contains a character that a file cannot store.
PIECES = st.one_of(
    st.sampled_from([*NOVA.reserved_strings, "\u2028", "\x85", "\r\n", '"', "{{ x }}"]), st.text(max_size=5)
)
VISIBLE = st.lists(PIECES, min_size=1).map("".join).filter(lambda t: not is_blank(t) and not unsupported_character(t))


def made(family: Family, *, user: str = "u", answer: str = "a", instruction: str = "i") -> dict[str, Any]:
    return dict(to_customization_format(user=user, answer=answer, instruction=instruction, family=family))


class TestRecordFormats:
    def test_every_record_format_of_the_catalog_can_be_written_and_read(self) -> None:
        assert sorted(FORMATS) == sorted(get_args(RecordFormatName))

    @pytest.mark.parametrize("name", FORMATS)
    @pytest.mark.parametrize("system", ["", "s"])
    def test_reading_gives_the_texts_that_were_written(self, name: RecordFormatName, system: str) -> None:
        record = FORMATS[name].write(system=system, user="u", answer="a")
        texts = list(FORMATS[name].read(record).values())
        assert texts in (["u", "a"], ["s", "u", "a"]), "the answer is not last"
        assert (texts[0] == "s") == bool(system and name not in FORMATS_WITHOUT_SYSTEM_TEXT)

    def test_nova_records_are_bedrock_conversations(self) -> None:
        assert made(NOVA) == {
            "schemaVersion": "bedrock-conversation-2024",
            "system": [{"text": "i"}],
            "messages": [
                {"role": "user", "content": [{"text": "u"}]},
                {"role": "assistant", "content": [{"text": "a"}]},
            ],
        }

    def test_llama_records_have_a_prompt_and_a_completion(self) -> None:
        assert made(LLAMA) == {"prompt": "i\n\nu", "completion": "a"}

    def test_claude_records_are_anthropic_messages(self) -> None:
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
        records = [
            made(family, user=user, answer=answer, instruction=instruction) for user, answer, instruction in texts
        ]
        body = b"".join(map(encode_record, records))
        assert list(decode_jsonl(body.splitlines(keepends=True), dict, uri="train.jsonl")) == records
        # The file has one line per record, whichever characters a reader treats as line ends.
        assert len(body.decode().splitlines()) == len(body.splitlines()) == len(records)

    @pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\r", "\n"], ids=ascii)
    def test_a_record_is_one_line_whichever_characters_a_reader_treats_as_line_ends(self, separator: str) -> None:
        record = made(NOVA, answer=f"a{separator}b")
        line = encode_record(record)
        assert len(line.decode().splitlines()) == 1
        assert list(decode_jsonl([line], dict, uri="train.jsonl")) == [record]

    @settings(max_examples=200, deadline=None)
    @given(VISIBLE, VISIBLE, st.one_of(st.just(""), VISIBLE), st.sampled_from(list(FAMILIES)))
    def test_any_visible_text_passes_the_check_once_it_is_escaped(
        self, user: str, answer: str, instruction: str, name: str
    ) -> None:
        family = FAMILIES[name]
        record = made(
            family, user=escape_reserved(user, family), answer=answer, instruction=escape_reserved(instruction, family)
        )
        (read,) = decode_jsonl([encode_record(record)], dict, uri="train.jsonl")
        assert read == record
        assert check_record(read, family, 1, reserved_in_answers="warn") == []

    @pytest.mark.parametrize("student", STUDENTS, ids=lambda student: student.key)
    def test_the_student_is_called_with_the_text_on_which_it_was_trained(self, student: Model) -> None:
        family = load_catalog().family_of(student)
        row = {"document": "A System: text.", "question": "User: why?", "answer": "So."}
        prompt, instruction = load_prompt("answering.j2"), "Obey the System: text."
        asked = Student(student, family, "i", "i", prompt, instruction, Answering()).request(row)
        user = student_input(row["document"], row["question"], prompt=prompt, family=family)
        record = made(family, user=user, answer="So.", instruction=escape_reserved(instruction, family))
        assert check_record(record, family, 1) == []
        *system, trained, _ = record_texts(record, family).values()
        assert (asked.system, asked.user) == (system[0] if system else "", trained)


class TestDocuments:
    FAMILY = load_catalog().document_families["titan-text-lite-documents"]

    def test_a_record_has_only_a_text(self) -> None:
        record = DOCUMENTS.write("A document.")
        assert record == {"input": "A document."}
        assert record_texts(record, self.FAMILY) == {"input": "A document."}
        assert check_record(record, self.FAMILY, 1) == []

    @pytest.mark.parametrize(
        ("record", "complaint"),
        [
            ({"prompt": "a", "completion": "b"}, "not in the format documents"),
            ({"input": "a", "output": "b"}, "unknown keys"),
            ({"input": 5}, "input is not a string"),
            ({"input": "  "}, "empty; expected text"),
            ({"input": "x" * 8193}, "at most 4,096 are allowed"),
        ],
    )
    def test_invalid_records_are_problems(self, record: dict[str, object], complaint: str) -> None:
        (problem, *_) = check_record(record, self.FAMILY, 7)
        assert complaint in str(problem)
        assert "record 7" in str(problem)
