"""Event streams are written so that botocore reads them, checked against the service model, and sent piece by piece."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer
from botocore.parsers import EventStreamJSONParser

from tools.aws_simulator.protocol.event_stream import (
    EventStream,
    EventStreamResponse,
    encode_event,
    encode_message,
    write_stream,
)
from tools.aws_simulator.protocol.rest_json import UnmodelledResultError
from tools.aws_simulator.protocol.specification import SERVICES, Specification, load_service

SPECIFICATION = Specification()
CONVERSE = SPECIFICATION.operation("ConverseStream")
INVOKE = SPECIFICATION.operation("InvokeModelWithResponseStream")
CONVERSE_SHAPE = CONVERSE.output_shape.members["stream"]
INVOKE_SHAPE = INVOKE.output_shape.members["body"]
START = ("messageStart", {"role": "assistant"})


def messages_in(data: bytes) -> list[Any]:
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return list(buffer)


def parsed(shape: Any, data: bytes) -> list[Any]:
    return [EventStreamJSONParser().parse(message.to_response_dict(), shape) for message in messages_in(data)]


def test_botocore_reads_the_headers_and_the_payload_of_a_message() -> None:
    [message] = messages_in(encode_message({":event-type": "é", "x": ""}, b"\x00payload"))
    assert message.headers == {":event-type": "é", "x": ""}
    assert message.payload == b"\x00payload"
    assert [message.headers for message in messages_in(encode_message({}, b"") * 2)] == [{}, {}]


@pytest.mark.parametrize("position", [0, 5, 9, 14, 30, -1])
def test_botocore_refuses_a_message_with_a_changed_byte(position: int) -> None:
    data = bytearray(encode_event(CONVERSE_SHAPE, START))
    data[position] ^= 1
    with pytest.raises(ChecksumMismatch):
        messages_in(bytes(data))


@pytest.mark.parametrize(
    ("shape", "event"),
    [
        pytest.param(CONVERSE_SHAPE, START, id="structure"),
        pytest.param(
            CONVERSE_SHAPE,
            ("contentBlockDelta", {"delta": {"text": "grüße 日本"}, "contentBlockIndex": 0}),
            id="union",
        ),
        pytest.param(
            CONVERSE_SHAPE,
            (
                "contentBlockDelta",
                {"delta": {"reasoningContent": {"redactedContent": b"\xff\x00"}}, "contentBlockIndex": 1},
            ),
            id="blob inside",
        ),
        pytest.param(
            CONVERSE_SHAPE,
            ("messageStop", {"stopReason": "end_turn", "additionalModelResponseFields": {"a": {"b": [1]}}}),
            id="document",
        ),
        pytest.param(INVOKE_SHAPE, ("chunk", {"bytes": b'{"a": 1}'}), id="blob"),
        pytest.param(INVOKE_SHAPE, ("chunk", {"bytes": b""}), id="empty blob"),
    ],
)
def test_botocore_reads_an_event(shape: Any, event: Any) -> None:
    data = encode_event(shape, event)
    assert parsed(shape, data) == [{event[0]: event[1]}]
    assert data == encode_event(shape, event), "the same event has the same bytes"
    [message] = messages_in(data)
    assert message.headers == {
        ":event-type": event[0],
        ":content-type": "application/json",
        ":message-type": "event",
    }
    assert json.loads(message.payload)["p"].startswith("a")


@pytest.mark.parametrize("shape", [CONVERSE_SHAPE, INVOKE_SHAPE], ids=["ConverseStream", "InvokeModel"])
def test_botocore_reads_every_exception_of_a_stream_as_an_error(shape: Any) -> None:
    exceptions = [name for name, member in shape.members.items() if member.metadata.get("exception")]
    assert "modelStreamErrorException" in exceptions
    for name in exceptions:
        [error] = parsed(shape, encode_event(shape, (name, {"message": "no"})))
        assert error["Error"] == {"Code": name, "Message": "no"}


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        pytest.param(("messageBegin", {}), "no event messageBegin", id="unknown event"),
        pytest.param(("messageStart", {}), "role", id="required member"),
        pytest.param(("messageStart", {"role": "assistant", "p": "a"}), "p", id="unmodelled member"),
        pytest.param(("messageStart", {"role": "robot"}), "enum value set", id="enum"),
        pytest.param(
            ("contentBlockDelta", {"delta": {"text": "a", "image": {}}, "contentBlockIndex": 0}),
            "exactly one",
            id="two members of a union",
        ),
        pytest.param(("contentBlockStop", {"contentBlockIndex": "0"}), "integer", id="wrong type"),
        pytest.param(("throttlingException", {"text": "no"}), "text", id="exception"),
    ],
)
def test_an_event_that_the_model_does_not_describe_is_a_defect(event: Any, complaint: str) -> None:
    with pytest.raises(UnmodelledResultError, match=complaint):
        encode_event(CONVERSE_SHAPE, event)
    with pytest.raises(UnmodelledResultError, match=complaint):
        write_stream(CONVERSE, {"stream": EventStream([START, event])}, {})


def test_the_other_members_of_the_output_are_checked() -> None:
    with pytest.raises(UnmodelledResultError, match="contentType"):
        write_stream(INVOKE, {"body": EventStream([])}, {})
    with pytest.raises(UnmodelledResultError, match="cost"):
        write_stream(CONVERSE, {"stream": EventStream([]), "cost": 1}, {})


def test_no_event_of_the_services_has_members_outside_its_json_payload() -> None:
    """The encoder writes every member of an event into the payload."""
    services = [load_service(name) for name in SERVICES]
    operations = [service.operation_model(name) for service in services for name in service.operation_names]
    streams = [operation.get_event_stream_output() for operation in operations if operation.has_event_stream_output]
    events = list(itertools.chain.from_iterable(stream.members.values() for stream in streams))
    assert len(events) >= 10
    for event in events:
        for member in event.members.values():
            assert not {"eventheader", "eventpayload"} & set(member.serialization)


class Client:
    """An ASGI client that records what it is sent, and disconnects when :attr:`gone` is set."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.gone = asyncio.Event()

    async def receive(self) -> Any:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def run(self, response: EventStreamResponse) -> None:
        await response({"type": "http", "client": ("127.0.0.1", 1)}, self.receive, self.send)


def test_a_response_has_one_part_for_each_event_and_the_headers_of_the_output() -> None:
    async def scenario() -> None:
        client = Client()
        result = {"body": EventStream([("chunk", {"bytes": b"1"})] * 3), "contentType": "application/json"}
        await client.run(write_stream(INVOKE, result, {"x-more": "1"}))
        start, *parts, end = client.sent
        headers = dict(start["headers"])
        assert start["status"] == 200
        assert headers[b"content-type"] == b"application/vnd.amazon.eventstream"
        assert headers[b"x-amzn-bedrock-content-type"] == b"application/json"
        assert (headers[b"x-simulated"], headers[b"x-more"]) == (b"true", b"1")
        assert [part["more_body"] for part in parts] == [True] * 3
        assert [len(messages_in(part["body"])) for part in parts] == [1] * 3
        assert end == {"type": "http.response.body", "body": b"", "more_body": False}

    asyncio.run(scenario())


def test_an_event_is_sent_before_the_wait_for_the_next_one_ends_and_a_client_that_leaves_ends_the_wait() -> None:
    async def scenario() -> None:
        client, waiting, outcome = Client(), asyncio.Event(), []

        async def before(number: int) -> None:
            if number == 2:
                waiting.set()
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    outcome.append("cancelled")
                    raise

        response = write_stream(CONVERSE, {"stream": EventStream([START] * 5, before)}, {})
        running = asyncio.ensure_future(client.run(response))
        await waiting.wait()
        assert len([message for message in client.sent if message.get("body")]) == 2
        client.gone.set()
        await running
        assert outcome == ["cancelled"]
        assert len([message for message in client.sent if message.get("body")]) == 2

    asyncio.run(scenario())


def test_without_the_tracked_protocol_a_stream_cannot_be_dropped() -> None:
    response = write_stream(CONVERSE, {"stream": EventStream([START], dropped=True)}, {})
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - a group with the error
        asyncio.run(Client().run(response))
    assert "does not use TrackedProtocol" in repr(caught.value)
