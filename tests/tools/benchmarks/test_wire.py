"""The small HTTP server reads requests that arrive whole or in pieces."""

from __future__ import annotations

import asyncio
import json

from tools.benchmarks.wire import LOOPBACK, Answer, Connection, Request


async def echo(request: Request) -> Answer:
    seen = [request.method, request.path, dict(request.query), request.headers.get("x-name"), request.body.decode()]
    return Answer.of_json(seen, status=201, headers=(("X-Served", "yes"),))


async def exchange(*parts: bytes, answers: int = 1) -> list[tuple[str, bytes]]:
    """Send bytes in parts over one connection; return head and body of each response."""
    server = await asyncio.get_running_loop().create_server(lambda: Connection(echo), LOOPBACK, 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0.01)
    responses = []
    for _ in range(answers):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.lower().partition("content-length: ")[2].split()[0]) if "100 Continue" not in head else 0
        responses.append((head, await reader.readexactly(length)))
    writer.close()
    server.close()
    return responses


def test_a_request_that_arrives_in_pieces_is_read_whole() -> None:
    request = b"PUT /b/a%20b?x=1&y= HTTP/1.1\r\nX-Name: value\r\nContent-Length: 4\r\n\r\nbody"
    ((head, body),) = asyncio.run(exchange(request[:20], request[20:70], request[70:]))
    assert head.startswith("HTTP/1.1 201")
    assert "X-Served: yes" in head
    assert json.loads(body) == ["PUT", "/b/a b", {"x": "1", "y": ""}, "value", "body"]


def test_a_connection_serves_one_request_after_the_other() -> None:
    request = b"GET /one HTTP/1.1\r\n\r\n"
    responses = asyncio.run(exchange(request, request.replace(b"one", b"two"), answers=2))
    assert [json.loads(body)[1] for _, body in responses] == ["/one", "/two"]


def test_a_client_that_waits_for_100_continue_receives_it() -> None:
    request = b"PUT /b HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    first, second = asyncio.run(exchange(request, b"ok", answers=2))
    assert first[0].startswith("HTTP/1.1 100 Continue")
    assert json.loads(second[1])[4] == "ok"


def test_a_response_to_head_states_the_length_of_a_body_that_it_does_not_send() -> None:
    async def head(request: Request) -> Answer:
        return Answer(length=1234)

    async def run() -> bytes:
        server = await asyncio.get_running_loop().create_server(lambda: Connection(head), LOOPBACK, 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"HEAD /b/k HTTP/1.1\r\n\r\n")
        response = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        server.close()
        return response

    assert b"Content-Length: 1234" in asyncio.run(run())
