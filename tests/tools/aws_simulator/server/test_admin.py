"""The routes under /_admin."""

from __future__ import annotations

import http.client
import re
from typing import Any

import pytest

from tests.fakes.aws_simulator import AdminError, RunningSimulator
from tests.tools.aws_simulator import builders


@pytest.mark.parametrize(
    ("method", "path", "body", "complaint"),
    [
        pytest.param("POST", "faults", [{"kind": "explode"}], "kind", id="unknown kind"),
        pytest.param("POST", "faults", {"kind": "throttle", "when": 1}, "when", id="unknown key"),
        pytest.param("PUT", "settings", {"job_seconds": -1}, "job_seconds", id="setting out of range"),
        pytest.param("PUT", "settings", {"speed": 1}, "speed", id="unknown setting"),
        pytest.param("PUT", "settings", [1], "JSON object", id="no object"),
        pytest.param("GET", "nothing", None, "Not Found", id="unknown route"),
    ],
)
def test_a_wrong_admin_request_is_refused_and_changes_nothing(
    simulator: RunningSimulator, method: str, path: str, body: Any, complaint: str
) -> None:
    before = simulator.admin("GET", "settings")
    with pytest.raises(AdminError, match=complaint):
        simulator.admin(method, path, body)
    assert simulator.admin("GET", "settings") == before
    assert simulator.admin("GET", "faults") == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/_admin/faults", b"[" * 5_000 + b"]" * 5_000),
        ("POST", "/_admin/faults", rb'{"kind": "throttle", "match": "\ud800"}'),
        ("POST", "/_admin/faults", b'{"kind": "throttle", "seconds": NaN}'),
        ("PUT", "/_admin/settings", b'{"a": ' * 5_000 + b"1" + b"}" * 5_000),
        ("PUT", "/_admin/settings", b'{"job_seconds": 1e400}'),
        ("PUT", "/_admin/settings", b'{"job_seconds": Infinity}'),
        ("PUT", "/_admin/settings", b"{"),
    ],
)
def test_what_is_no_json_is_a_bad_request(simulator: RunningSimulator, method: str, path: str, body: bytes) -> None:
    before = simulator.admin("GET", "settings")
    assert send(simulator, method, path, body, {"Content-Type": "application/json"}) == 400
    assert (simulator.admin("GET", "settings"), simulator.admin("GET", "faults")) == (before, [])


ROUTES = [
    ("GET", ""),
    ("GET", "/"),
    ("GET", "/health"),
    ("GET", "/ledger"),
    ("POST", "/ledger/reset"),
    ("GET", "/requests"),
    ("GET", "/settings"),
    ("PUT", "/settings"),
    ("GET", "/faults"),
    ("POST", "/faults"),
    ("DELETE", "/faults"),
    ("DELETE", "/stalls"),
    ("GET", "/human_tasks"),
    ("POST", "/human_answers"),
]
WITH_BODY = [("PUT", "/settings"), ("POST", "/faults"), ("POST", "/human_answers")]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("query", ["foo=1", "foo=", "Match=a", "match=a&foo=1", "limit=5"])
def test_an_unknown_query_parameter_is_refused_by_name(
    simulator: RunningSimulator, method: str, path: str, query: str
) -> None:
    name = next(name for name in ("foo", "Match", "limit") if name in query)
    body = b"{}" if method == "PUT" else FAULT if (method, path) == ("POST", "/faults") else None
    headers = {"Content-Type": "application/json"}
    status, text = ask(simulator, method, f"/_admin{path}?{query}", body, headers)
    assert (status, "The query has the unknown parameters" in text, f"'{name}'" in text) == (400, True, True), text
    assert simulator.admin("GET", "faults") == []


def test_a_stall_ends_only_if_every_parameter_is_known(simulator: RunningSimulator) -> None:
    simulator.fail(kind="job_stalled", times=1)
    job = builders.job_request(simulator)
    arn = simulator.boto("bedrock").create_model_customization_job(**job)["jobArn"]
    for query in ("foo=1", f"match={job['jobName']}&match=other", f"match={job['jobName']}&name=x"):
        assert send(simulator, "DELETE", f"/_admin/stalls?{query}", None, {}) == 400
    assert send(simulator, "DELETE", "/_admin/stalls", b'{"match": "other"}', {}) == 400
    assert builders.job_state(simulator, arn)["status"] == "InProgress"
    assert simulator.admin("DELETE", f"stalls?match={job['jobName']}") == {"ended": 1}
    assert builders.finished_job(simulator, arn)["status"] == "Completed"


@pytest.mark.parametrize(("method", "path"), [route for route in ROUTES if route not in WITH_BODY])
@pytest.mark.parametrize("body", [b'{"match": "x"}', b"[1]", b'"match"', b"0", b"match=x"])
def test_a_body_that_would_have_no_effect_is_refused(
    simulator: RunningSimulator, method: str, path: str, body: bytes
) -> None:
    status, text = ask(simulator, method, f"/_admin{path}", body, {"Content-Type": "application/json"})
    assert (status, "expected no" in text) == (400, True), text


@pytest.mark.parametrize(
    ("method", "path", "body", "name"),
    [
        ("PUT", "settings", b'{"job_seconds": true}', "job_seconds"),
        ("PUT", "settings", b'{"job_seconds": 1e308}', "job_seconds"),
        ("PUT", "settings", b'{"job_seconds": "4"}', "job_seconds"),
        ("PUT", "settings", b'{"stream_latency_ms": 1e10}', "stream_latency_ms"),
        ("PUT", "settings", b'{"model_units": 1%s}' % (b"0" * 400), "model_units"),
        ("PUT", "settings", b'{"as_of": 0}', "as_of"),
        ("PUT", "settings", b'{"quotas": {"nova-micro": {"rpm": true}}}', r"quotas\.nova-micro\.rpm"),
        ("PUT", "settings", b'{"quotas": {"nova-micro": {"rps": 1}}}', r"quotas\.nova-micro\.rps"),
        ("POST", "faults", b'{"kind": "throttle", "times": true}', r"0\.times"),
        ("POST", "faults", b'[{"kind": "throttle"}, {"kind": "throttle", "after": 1e9}]', r"1\.after"),
        ("POST", "faults", b'{"kind": "timeout", "seconds": 1e308}', r"0\.seconds"),
        ("POST", "faults", b'{"kind": "throttle", "foo": 1}', r"0\.foo"),
        ("POST", "human_answers", b'{"job": "j", "answers": []}', "answers"),
        ("POST", "human_answers", b'{"job": 1}', "job"),
    ],
)
def test_the_refusal_of_a_value_names_it(
    simulator: RunningSimulator, method: str, path: str, body: bytes, name: str
) -> None:
    before = simulator.admin("GET", "settings")
    status, text = ask(simulator, method, f"/_admin/{path}", body, {"Content-Type": "application/json"})
    assert (status, len(text) < 300) == (400, True), text
    assert re.search(rf'"message":"{name}: .*Nothing was changed\."', text), text
    assert (simulator.admin("GET", "settings"), simulator.admin("GET", "faults")) == (before, [])


def test_the_health_route_answers(simulator: RunningSimulator) -> None:
    assert simulator.admin("GET", "health") == {"status": "ok", "simulated": True}


FAULT = b'[{"kind": "throttle"}]'


def ask(
    simulator: RunningSimulator, method: str, path: str, body: bytes | None, headers: dict[str, str]
) -> tuple[int, str]:
    """Send a request with exactly these headers, and return the status and the body of the answer."""
    connection = http.client.HTTPConnection(simulator.url.removeprefix("http://"), timeout=10)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def send(simulator: RunningSimulator, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> int:
    return ask(simulator, method, path, body, headers)[0]


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain;application/json", "", None],
)
def test_an_admin_request_with_a_body_must_be_json(simulator: RunningSimulator, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    assert send(simulator, "POST", "/_admin/faults", FAULT, headers) == 415
    assert send(simulator, "PUT", "/_admin/settings", b'{"job_seconds": 9}', headers) == 415
    assert send(simulator, "POST", "/_admin/ledger/reset", b"x=1", headers) == 415
    assert simulator.admin("GET", "faults") == []
    assert simulator.admin("GET", "settings")["job_seconds"] != 9


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8"])
def test_an_admin_request_in_json_is_carried_out(simulator: RunningSimulator, content_type: str) -> None:
    assert send(simulator, "POST", "/_admin/faults", FAULT, {"Content-Type": content_type}) == 200
    assert send(simulator, "POST", "/_admin/ledger/reset", None, {}) == 200
    assert len(simulator.admin("GET", "faults")) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ],
)
def test_every_route_refuses_a_request_of_another_sites_page(
    simulator: RunningSimulator, headers: dict[str, str]
) -> None:
    simulator.boto("s3").create_bucket(Bucket="hostile")
    simulator.boto("s3").put_object(Bucket="hostile", Key="rows.csv", Body=b"secret")
    stated = {**headers, "Content-Type": "application/json"}
    for method, path, body in (
        ("GET", "/_admin/ledger", None),
        ("POST", "/_admin/faults", FAULT),
        ("DELETE", "/_admin/faults", None),
        ("GET", "/hostile/rows.csv", None),
        ("PUT", "/hostile/rows.csv", b"x"),
        ("GET", "/foundation-models", None),
        ("POST", "/model/amazon.nova-micro-v1%3A0/invoke", b"{}"),
    ):
        assert send(simulator, method, path, body, stated) == 403
    assert simulator.admin("GET", "faults") == []
    assert simulator.boto("s3").get_object(Bucket="hostile", Key="rows.csv")["Body"].read() == b"secret"


def test_the_own_pages_may_send_requests(simulator: RunningSimulator) -> None:
    host = simulator.url.removeprefix("http://")
    headers = {"Origin": simulator.url, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
    assert send(simulator, "POST", "/_admin/faults", FAULT, headers) == 200
    localhost = {"Host": host.replace("127.0.0.1", "localhost")}
    assert send(simulator, "GET", "/_admin/ledger", None, localhost) == 200
    assert (
        send(simulator, "GET", "/_admin/ledger", None, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})
        == 200
    )


def test_the_log_of_decisions_can_be_read_and_cleared(simulator: RunningSimulator) -> None:
    assert simulator.admin("GET", "access") == []  # requests are not authorised here
    assert simulator.admin("POST", "access/clear") == []
