from __future__ import annotations

import json
from typing import Any

import pytest

from include.distill.config.catalog import Family
from include.distill.config.catalog import load_catalog as pipeline_catalog
from include.distill.training.formats import encode_record, to_customization_format
from tests.tools.aws_simulator.builders import conversation, jsonl, prompt
from tools.aws_simulator.catalog.catalog import TrainingFormat, load_catalog
from tools.aws_simulator.jobs.training_data import DataFaultError, check_counts, read_training_file
from tools.aws_simulator.models.text import count_tokens

NOVA, LLAMA, CLAUDE = (load_catalog().training[key] for key in ("nova", "llama3.1", "claude3"))


def turn(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


def messages(*turns: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"messages": list(turns), **more}


ASKED, SAID = turn("user", [{"text": prompt()}]), turn("assistant", [{"text": "Up to 1,000."}])


@pytest.mark.parametrize(
    ("family", "record"),
    [
        pytest.param(NOVA, conversation(answer="Yes.", system=[{"text": "Be brief."}]), id="nova"),
        pytest.param(LLAMA, {"prompt": prompt("How many rules?"), "completion": "Yes."}, id="llama 3.1"),
        pytest.param(
            CLAUDE,
            messages(turn("user", prompt("How many rules?")), turn("assistant", "Yes."), system="Be brief."),
            id="claude 3",
        ),
    ],
)
def test_each_family_is_read_in_its_format(family: TrainingFormat, record: dict[str, Any]) -> None:
    read = read_training_file(jsonl([record, record]), "train.jsonl", family)
    example = read.examples[0]
    assert (len(read.examples), example.user, example.answer) == (2, prompt("How many rules?"), "Yes.")
    assert example.system == ("" if family is LLAMA else "Be brief.")
    assert read.tokens == 2 * sum(count_tokens(text) for text in (example.system, example.user, example.answer))


@pytest.mark.parametrize("family", pipeline_catalog().families.values(), ids=list(pipeline_catalog().families))
def test_the_pipelines_training_files_for_all_families_are_accepted(family: Family) -> None:
    record = to_customization_format(
        user=prompt("How many rules?"), answer="Yes.", instruction="Be brief.", family=family
    )
    rules = load_catalog().training[family.key]
    (example,) = read_training_file(encode_record(record), "train.jsonl", rules).examples
    assert example.answer == "Yes."
    assert f"{example.system}\n\n{example.user}".lstrip() == f"Be brief.\n\n{prompt('How many rules?')}"


def test_a_line_separator_inside_a_string_does_not_end_a_record() -> None:
    record = conversation(answer="one\u2028two\u0085three")
    read = read_training_file(json.dumps(record, ensure_ascii=False).encode(), "train.jsonl", NOVA)
    assert read.examples[0].answer == "one\u2028two\u0085three"


@pytest.mark.parametrize(
    ("family", "body", "detail"),
    [
        pytest.param(NOVA, b"{\n", "Line 1 is not JSON", id="no json"),
        pytest.param(NOVA, jsonl([conversation()]) + b"\n", "Line 2 is not JSON", id="blank line"),
        pytest.param(
            NOVA,
            jsonl([conversation()]) + b'{"a": ' * 100_000 + b"1" + b"}" * 100_000 + b"\n",
            "Line 2 is not JSON: the value is nested more than 200 levels deep",
            id="nested too deeply",
        ),
        pytest.param(NOVA, b'{"a": NaN}\n', "Line 1 is not JSON: NaN is not a JSON value", id="nan"),
        pytest.param(NOVA, b'{"a": "\\ud800"}\n', "Line 1 is not JSON: no low surrogate", id="surrogate"),
        pytest.param(NOVA, b"\xff\n", "Byte 0 is not UTF-8", id="no utf-8"),
        pytest.param(NOVA, jsonl([[1]]), "the record is a list, not an object", id="no object"),
        pytest.param(NOVA, jsonl([messages(ASKED, schemaVersion="v")]), "at least two", id="one message"),
        pytest.param(NOVA, jsonl([messages(SAID, ASKED, schemaVersion="v")]), "do not alternate", id="order"),
        pytest.param(NOVA, jsonl([conversation(answer="")]), "has no text", id="empty answer"),
        pytest.param(LLAMA, jsonl([{"input": "a", "output": "b"}]), "['input', 'output']", id="old keys"),
        pytest.param(CLAUDE, jsonl([messages(ASKED, SAID)]), "content is not a string", id="blocks for claude 3"),
        pytest.param(LLAMA, jsonl([conversation()]), "not in the format prompt-completion", id="other family's format"),
    ],
)
def test_a_file_that_cannot_be_parsed_is_refused_with_bedrocks_message(
    family: TrainingFormat, body: bytes, detail: str
) -> None:
    with pytest.raises(DataFaultError) as caught:
        read_training_file(body, "train.jsonl", family)
    expected = "Unable to parse Amazon S3 file: train.jsonl. Data files must conform to JSONL format."
    assert str(caught.value).startswith(expected)
    assert detail in str(caught.value)


@pytest.mark.parametrize("reserved", NOVA.reserved_strings)
def test_nova_refuses_reserved_strings_everywhere_in_upper_or_lower_case(reserved: str) -> None:
    for spelling in (reserved, reserved.lower()):
        for record in (
            conversation(f"What is {spelling}?"),
            conversation(system=[{"text": f"{spelling} x"}]),
            conversation(answer=f"It says {spelling}"),
        ):
            with pytest.raises(DataFaultError, match=r"Reserved string .* on line 1 of train\.jsonl"):
                read_training_file(jsonl([record]), "train.jsonl", NOVA)


def test_a_record_of_several_turns_counts_once_and_has_an_example_for_each_answer() -> None:
    turns = [turn("user", [{"text": "One?"}]), turn("assistant", [{"text": "1."}])]
    more = [turn("user", [{"text": "Two?"}]), turn("assistant", [{"text": "2."}])]
    read = read_training_file(jsonl([messages(*turns, *more, system=[{"text": "Count."}])]), "train.jsonl", NOVA)
    assert read.records == 1
    assert [(one.system, one.history, one.user, one.answer) for one in read.examples] == [
        ("Count.", "", "One?", "1."),
        ("Count.", "One?\n1.", "Two?", "2."),
    ]
    assert read.tokens == count_tokens("Count. One? 1. Two? 2.")


@pytest.mark.parametrize("family", [NOVA, LLAMA], ids=lambda family: family.key)
def test_a_record_may_be_exactly_as_long_as_the_limit(family: TrainingFormat) -> None:
    def body(characters: int) -> bytes:
        answer = "a" * (characters - len(prompt()))
        if family is LLAMA:
            return jsonl([{"prompt": prompt(), "completion": answer}])
        return jsonl([messages(ASKED, turn("assistant", [{"text": answer}]), schemaVersion="v")])

    limit = family.tokens_per_record * family.characters_per_token
    assert read_training_file(body(limit), "train.jsonl", family).records == 1
    expected = f"token length {family.tokens_per_record + 1} exceeds limit of {family.tokens_per_record}"
    with pytest.raises(DataFaultError, match=expected):
        read_training_file(body(limit + 1), "train.jsonl", family)


@pytest.mark.parametrize(
    ("family", "training", "validation", "complaint"),
    [
        pytest.param(NOVA, 7, 0, "is 7, expected between 8 and 20000", id="too few"),
        pytest.param(NOVA, 7, 100, "is 7, expected between 8", id="validation does not count for nova"),
        pytest.param(NOVA, 8, 0, None, id="just enough"),
        pytest.param(NOVA, 20_000, 0, None, id="just not too many"),
        pytest.param(NOVA, 20_001, 0, "expected between", id="too many"),
        pytest.param(NOVA, 19_999, 2, "the limit is 20000", id="too many together"),
        pytest.param(LLAMA, 90, 10, None, id="validation counts for llama"),
        pytest.param(LLAMA, 90, 9, "is 99, expected between 100", id="too few together"),
        pytest.param(CLAUDE, 32, 31, "validation records is 31", id="too few to validate"),
        pytest.param(CLAUDE, 32, 1_001, "validation records is 1001", id="too many to validate"),
    ],
)
def test_too_few_and_too_many_records_are_refused(
    family: TrainingFormat, training: int, validation: int, complaint: str | None
) -> None:
    if complaint is None:
        check_counts(training, validation, family, "train.jsonl")
        return
    with pytest.raises(DataFaultError, match=complaint):
        check_counts(training, validation, family, "train.jsonl")
