"""
The AWS simulator fails a job exactly if AWS's published validator refuses the job's file.

The verdicts follow from nova_ft_dataset_validator.py, commit 7a8cfea591fd, in
https://github.com/aws-samples/amazon-bedrock-samples. ``test_record_formats.py`` compares single records.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tools.aws_simulator.catalog.catalog import load_catalog
from tools.aws_simulator.jobs.training_data import DataFaultError, check_counts, read_training_file


def record(user: str = "Question?", answer: str = "Answer.", **members: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": [{"text": user}]}, {"role": "assistant", "content": [{"text": answer}]}]
    return {"messages": messages, **members}


def jsonl(records: list[Any]) -> bytes:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records).encode()


def accepts(body: bytes) -> bool:
    customization = load_catalog().models["nova-micro"].customization
    assert customization is not None
    rules = load_catalog().training_format(customization)
    try:
        check_counts(read_training_file(body, "train.jsonl", rules).records, 0, rules, "train.jsonl")
    except DataFaultError:
        return False
    return True


EIGHT = [record(f"Question {number}?") for number in range(8)]


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        pytest.param(jsonl(EIGHT), True, id="eight records"),
        pytest.param(jsonl(EIGHT).rstrip(), True, id="no line break at the end"),
        pytest.param(jsonl([*EIGHT, record(schemaVersion="bedrock-conversation-2024")]), True, id="version in one"),
        pytest.param(jsonl([*EIGHT, record(system=[])]), True, id="empty system"),
        pytest.param(jsonl([*EIGHT, record(note="kept out")]), True, id="unknown key"),
        pytest.param(jsonl([*EIGHT, record("Grüße 日本?")]), True, id="other scripts"),
        pytest.param(jsonl(EIGHT * 2500), True, id="20,000 records"),
        pytest.param(jsonl(EIGHT).replace(b"\n", b"\r\n"), True, id="Windows line breaks"),
        pytest.param(b"", False, id="empty file"),
        pytest.param(jsonl(EIGHT[:7]), False, id="seven records"),
        pytest.param(jsonl([*EIGHT * 2500, record()]), False, id="20,001 records"),
        pytest.param(jsonl(EIGHT) + b"\n", False, id="blank line at the end"),
        pytest.param(jsonl(EIGHT[:4]) + b"\n" + jsonl(EIGHT[4:]), False, id="blank line"),
        pytest.param(b"\xef\xbb\xbf" + jsonl(EIGHT), False, id="byte order mark"),
        pytest.param(jsonl([*EIGHT, record("Grüße")]).decode().encode("latin-1"), False, id="Latin-1"),
        pytest.param(json.dumps(EIGHT).encode(), False, id="one JSON array"),
        pytest.param(json.dumps(EIGHT, indent=1).encode(), False, id="indented JSON"),
        pytest.param(jsonl([*EIGHT, {"prompt": "a", "completion": "b"}]), False, id="prompt and completion"),
        pytest.param(jsonl([*EIGHT, record("User: hello")]), False, id="reserved string of the user"),
        pytest.param(jsonl([*EIGHT, record(system=[{"text": "Assistant: hello"}])]), False, id="reserved in system"),
    ],
)
def test_the_simulator_agrees_with_the_validator(body: bytes, verdict: bool) -> None:
    assert accepts(body) is verdict
