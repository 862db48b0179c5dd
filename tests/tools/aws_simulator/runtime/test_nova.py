"""Nova bodies are read, and invalid ones are refused."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.tools.aws_simulator import builders
from tools.aws_simulator.models.conversation import Media, Text
from tools.aws_simulator.models.dialogue import Reply
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.runtime.nova import read_nova, write_nova


def body(*blocks: Any, **changes: Any) -> dict[str, Any]:
    content = list(blocks) or [{"text": builders.prompt()}]
    return {"schemaVersion": "messages-v1", "messages": [{"role": "user", "content": content}], **changes}


def test_a_body_is_read() -> None:
    image = {"image": {"format": "png", "source": {"bytes": base64.b64encode(builders.png()).decode()}}}
    config = {"maxTokens": 5, "topK": 20, "stopSequences": ["x"]}
    request = read_nova(body({"text": "Look."}, image, system=[{"text": "Be brief."}], inferenceConfig=config))
    assert request.conversation.system == "Be brief."
    assert request.conversation.turns[0].parts == (Text("Look."), Media("image", "png", 29, tokens=2))
    assert (request.max_tokens, request.stop_sequences) == (5, ("x",))


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        pytest.param(body(schemaVersion="v2"), "'v2' is not 'messages-v1'", id="version"),
        pytest.param(body(toolConfig={}), "Value null at 'toolConfig.tools'", id="no tools"),
        pytest.param(body({"txt": "x"}), r"extraneous key \[txt\]", id="unknown block"),
        pytest.param(body({"image": {"source": {"bytes": "?"}}}), "are not base64", id="not base64"),
    ],
)
def test_an_invalid_body_is_refused(value: Any, complaint: str) -> None:
    with pytest.raises(ValidationException, match=complaint):
        read_nova(value)


def test_an_answer_has_the_form_of_nova() -> None:
    assert write_nova(Reply((Text("Yes."),), "end_turn", 3, 4), "", "") == {
        "output": {"message": {"role": "assistant", "content": [{"text": "Yes."}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7},
    }
