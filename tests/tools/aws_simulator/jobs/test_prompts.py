"""The prompts of a distillation job are read one by one, and those that are not valid are rejected with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.aws_simulator.builders import asked, jsonl
from tools.aws_simulator.catalog.catalog import TrainingFormat, load_catalog
from tools.aws_simulator.jobs.prompts import PromptFile, read_prompts, write_record
from tools.aws_simulator.jobs.training_data import DataFaultError


def rules(model: str) -> TrainingFormat:
    customization = load_catalog().models[model].customization
    assert customization is not None
    assert customization.distillation is not None
    return load_catalog().prompt_format(customization, customization.distillation)


NOVA, LLAMA = rules("nova-micro"), rules("llama-3-1-8b")


def read(*records: Any, family: TrainingFormat = NOVA) -> PromptFile:
    return read_prompts(jsonl(list(records)), "p.jsonl", family)


def turns(*texts: str) -> dict[str, Any]:
    roles = ("user", "assistant")
    messages = [{"role": roles[at % 2], "content": [{"text": text}]} for at, text in enumerate(texts)]
    return asked("", messages=messages)


def test_a_prompt_may_have_an_answer_or_none() -> None:
    first, second = read(asked("Why?"), asked("Why?", "So.")).accepted
    assert (first.has_answer, second.has_answer) == (False, True)
    assert [(message.role, message.text) for message in second.record.messages] == [
        ("user", "Why?"),
        ("assistant", "So."),
    ]
    assert (first.record.examples, second.record.examples[0].answer) == ([], "So.")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        pytest.param("no object", "the record is a str", id="no object"),
        pytest.param({"messages": asked("Q")["messages"]}, "schemaVersion is not bedrock-conversation-2024", id="none"),
        pytest.param(asked("Q", schemaVersion="bedrock-conversion-2024"), "schemaVersion is not", id="other version"),
        pytest.param(asked("Q", messages=[]), "not a list of at least one", id="no message"),
        pytest.param(asked("Q", messages=[{"role": "assistant", "content": [{"text": "A"}]}]), "alternate", id="role"),
        pytest.param(
            asked("Q", messages=[{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]),
            "exactly one block",
            id="two blocks",
        ),
        pytest.param(
            asked("Q", messages=[{"role": "user", "content": [{"image": {"format": "png", "source": {}}}]}]),
            "cannot be trained on image",
            id="image",
        ),
        pytest.param(asked(" \n"), "the text of a message is blank", id="blank"),
        pytest.param(asked("Q", system=[]), "system does not have exactly one block", id="empty system"),
        pytest.param(asked("Q", system=[{"text": "a"}, {"text": "b"}]), "more than one block", id="two system blocks"),
        pytest.param(asked("x" * 96_001), "token length 32001 exceeds limit of 32000", id="too long"),
        pytest.param(asked("Q", id=1), "the record has the keys ['id']", id="unknown key"),
        pytest.param(
            asked("Q", messages=[{"role": "user", "content": [{"text": "Q"}], "name": "n"}]),
            "a message has the keys ['name']",
            id="unknown key of a message",
        ),
        pytest.param(
            asked("Q", messages=[{"role": "user", "content": [{"text": "Q", "lang": "en"}]}]),
            "a block has the keys ['lang']",
            id="unknown key of a block",
        ),
        pytest.param(asked("Q", system=[{"text": "a", "b": 1}]), "a system block has the keys ['b']", id="system key"),
        pytest.param({"prompt": "Q", "completion": "A"}, "Required: ['messages']", id="other format"),
    ],
)
def test_an_invalid_prompt_is_rejected_and_the_others_are_kept(record: Any, reason: str) -> None:
    found = read(asked("Before?"), record, asked("After?"))
    assert [prompt.line for prompt in found.accepted] == [1, 3]
    (rejected,) = found.rejected
    assert rejected.line == 2
    assert reason in rejected.reason


def test_a_line_that_is_not_json_is_rejected() -> None:
    found = read_prompts(jsonl([asked("Q")]) + b"\n{\n", "p.jsonl", NOVA)
    assert ([one.line for one in found.accepted], [one.line for one in found.rejected]) == ([1], [2, 3])


def test_a_file_that_is_not_utf_8_cannot_be_used() -> None:
    with pytest.raises(DataFaultError, match=r"Unable to parse Amazon S3 file: p\.jsonl"):
        read_prompts(b"\xff", "p.jsonl", NOVA)


def test_prompts_of_nova_may_have_several_turns_and_those_of_llama_may_not() -> None:
    for record in (turns("Q", "A", "Q"), turns("Q", "A", "Q", "A")):
        assert read(record).accepted
        (rejected,) = read(record, family=LLAMA).rejected
        assert "more than one message of the user" in rejected.reason
    assert len(read(turns("Q"), turns("Q", "A"), family=LLAMA).accepted) == 2


def test_strings_that_nova_reserves_in_training_files_are_allowed_in_prompts() -> None:
    assert read(asked("User: hello")).accepted


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (99, "Input data must have at minimum 100 valid prompts"),
        (100, None),
        (15_000, None),
        (15_001, "Input data must have at maximum 15000 valid prompts"),
    ],
)
def test_the_number_of_valid_prompts_is_limited(number: int, message: str | None) -> None:
    found = read(*[asked("Q")] * number, "rejected")
    if message is None:
        found.check_number()
        return
    with pytest.raises(DataFaultError, match=message):
        found.check_number()


def test_a_prompt_is_written_as_it_was_read() -> None:
    given = asked("Q", "A", system=[{"text": "Be brief."}])
    assert write_record(read(given).accepted[0].record) == given
    assert write_record(read(asked("Q")).accepted[0].record) == asked("Q")
