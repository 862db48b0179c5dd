from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.parsers import ResponseParserError

from bedrock_distill.hooks.aws import AwsClients
from bedrock_distill.hooks.in_flight import IN_FLIGHT
from bedrock_distill.hooks.prompt_optimizations import CREATE_OPERATION, LIST_OPERATION
from include.distill.core.errors import (
    ContractError,
    ExpiredCredentialsError,
    PossiblyBilledError,
    RefusedError,
    ThrottledError,
    TransientError,
    UnknownOperationError,
    UnreadableAnswerError,
)


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The session tokens that the connection has had. A new client uses the last one."""
    tokens = ["old"]

    def hook(**_: Any) -> Any:
        token = tokens[-1]

        def get(**_: Any) -> str:
            if token == "old":
                raise ClientError({"Error": {"Code": "ExpiredTokenException", "Message": "expired"}}, "Get")
            return token

        return SimpleNamespace(aws_conn_id=None, conn=SimpleNamespace(get=get))

    monkeypatch.setattr("bedrock_distill.hooks.aws.AwsBaseHook", hook)
    return tokens


def test_the_next_call_of_the_same_hook_uses_renewed_credentials(connection: list[str]) -> None:
    clients = AwsClients()
    for _ in range(2):
        with pytest.raises(ExpiredCredentialsError, match=r"Renew the credentials.*the next call reads them again"):
            clients.call("bedrock", "get")
    connection.append("new")
    assert clients.call("bedrock", "get") == "new"


@pytest.mark.parametrize(
    ("conn_id", "source"),
    [("team-b/aws", "the Airflow connection team-b/aws"), (None, "AWS's SDK (no Airflow connection is set)")],
)
@pytest.mark.usefixtures("connection")
def test_advice_about_credentials_names_the_connection(conn_id: str | None, source: str) -> None:
    with pytest.raises(ExpiredCredentialsError) as error:
        AwsClients(conn_id).call("bedrock", "get")
    assert f"Renew the credentials of {source}," in error.value.to_do


def test_missing_credentials_name_the_connection_that_may_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    def get(**_: Any) -> None:
        raise NoCredentialsError

    monkeypatch.setattr(
        "bedrock_distill.hooks.aws.AwsBaseHook",
        lambda **_: SimpleNamespace(aws_conn_id=None, conn=SimpleNamespace(get=get)),
    )
    with pytest.raises(RefusedError, match=r"Set them in the Airflow connection team-b/aws \(create it"):
        AwsClients("team-b/aws").call("bedrock", "get")


def test_an_operation_that_the_installed_sdk_lacks_is_named_and_nothing_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "bedrock_distill.hooks.aws.AwsBaseHook", lambda **_: SimpleNamespace(aws_conn_id=None, conn=SimpleNamespace())
    )
    clients = AwsClients()
    assert not clients.has_operation("bedrock", "create_something_new")
    with pytest.raises(
        UnknownOperationError, match=r"create_something_new a-name: .*botocore .* has no operation"
    ) as error:
        clients.call("bedrock", "create_something_new", "a-name")
    assert "Install a newer boto3" in error.value.to_do


def test_the_tested_sdk_has_the_youngest_operations() -> None:
    clients = AwsClients(None, "us-east-1")
    assert clients.has_operation("bedrock", CREATE_OPERATION)
    assert clients.has_operation("bedrock", LIST_OPERATION)


@pytest.mark.parametrize(
    ("service", "extra_seconds", "limit"),
    [
        ("s3", 0, "sent up to 6 times, and given up after about 13 min"),
        ("bedrock-runtime", 110, "sent once, and given up after about 4 min"),
    ],
)
def test_a_call_without_an_answer_says_when_it_is_given_up(
    monkeypatch: pytest.MonkeyPatch, service: str, extra_seconds: int, limit: str
) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(IN_FLIGHT, "_clock", lambda: clock.now)
    lines: list[str] = []

    def get(**_: Any) -> None:
        clock.now += 160
        lines.append(IN_FLIGHT.slowest())

    monkeypatch.setattr(
        "bedrock_distill.hooks.aws.AwsBaseHook",
        lambda **_: SimpleNamespace(aws_conn_id=None, conn=SimpleNamespace(get=get)),
    )
    AwsClients().call(service, "get", "thing", extra_seconds=extra_seconds)
    assert lines[0].startswith("AWS has not answered get thing for 160 s (since ")
    assert lines[0].endswith(f" UTC, {limit})")


def test_expired_credentials_are_a_transient_error() -> None:
    assert issubclass(ExpiredCredentialsError, TransientError)


def test_any_other_error_does_not_drop_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers() -> Iterator[Any]:
        yield ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow"}}, "Get")
        yield "answer"

    coming, made_clients = answers(), []

    def get(**_: Any) -> Any:
        if isinstance(answer := next(coming), ClientError):
            raise answer
        return answer

    def hook(**_: Any) -> Any:
        made_clients.append(1)
        return SimpleNamespace(aws_conn_id=None, conn=SimpleNamespace(get=get))

    monkeypatch.setattr("bedrock_distill.hooks.aws.AwsBaseHook", hook)
    clients = AwsClients()
    with pytest.raises(ThrottledError):
        clients.call("bedrock", "get")
    assert clients.call("bedrock", "get") == "answer"
    assert len(made_clients) == 1


@pytest.fixture
def connected_to(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A function that sends all calls to another address."""

    def connect(url: str) -> None:
        for name, value in (("ENDPOINT_URL", url), ("ACCESS_KEY_ID", "test"), ("SECRET_ACCESS_KEY", "test")):
            monkeypatch.setenv(f"AWS_{name}", value)

    return connect


BAD_HEAD = ClientError({"Error": {"Code": "400", "Message": "Bad Request"}}, "HeadObject")


@pytest.fixture
def head_tokens(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The session tokens of the clients that were made. HEAD requests work only with the token ``valid``."""
    made: list[str] = []
    coming = iter(["expired", "valid", "valid"])

    def hook(**_: Any) -> Any:
        token = next(coming)
        made.append(token)

        def head_object(**parameters: Any) -> str:
            if token == "expired" or parameters.get("Key") == "bad":
                raise BAD_HEAD
            return "object"

        return SimpleNamespace(
            aws_conn_id=None, conn=SimpleNamespace(head_object=head_object, upload_fileobj=head_object)
        )

    monkeypatch.setattr("bedrock_distill.hooks.aws.AwsBaseHook", hook)
    return made


def test_a_head_request_without_a_reason_is_repeated_once_with_a_new_client(head_tokens: list[str]) -> None:
    assert AwsClients().call("s3", "head_object", "s3://b/k", Key="k") == "object"
    assert head_tokens == ["expired", "valid"]


def test_a_head_request_that_is_refused_twice_is_final(head_tokens: list[str]) -> None:
    clients = AwsClients()
    with pytest.raises(RefusedError, match=r"^head_object s3://b/bad: 400: .*twice.*cannot be read") as raised:
        clients.call("s3", "head_object", "s3://b/bad", Key="bad")
    assert raised.value.code == "400"
    assert head_tokens == ["expired", "valid"]


def test_an_upload_is_not_repeated_because_its_file_was_read(head_tokens: list[str]) -> None:
    with pytest.raises(ExpiredCredentialsError):
        AwsClients().call("s3", "upload_fileobj", "s3://b/k")
    assert head_tokens == ["expired"]


def test_a_model_that_answers_too_late_gets_one_request_per_call(connected_to: Callable[[str], None]) -> None:
    """The call goes through the real boto3 client to a server that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        connected_to(f"http://127.0.0.1:{server.getsockname()[1]}")
        config = {"connect_timeout": 1, "read_timeout": 0.2, "retries": {"mode": "standard", "total_max_attempts": 6}}
        clients = AwsClients(None, "us-east-1", config=config)
        with pytest.raises(PossiblyBilledError, match="AWS may bill this call"):
            clients.call("bedrock-runtime", "invoke_model", "m", modelId="m", body=b"{}")
        server.settimeout(0)
        requests = 0
        with suppress(BlockingIOError):
            while server.accept():
                requests += 1
    assert requests == 1


def test_clients_with_different_times_to_wait_are_different(monkeypatch: pytest.MonkeyPatch) -> None:
    timeouts = []

    def hook(*, config: dict[str, Any], **_: Any) -> Any:
        timeouts.append(config["read_timeout"])
        return SimpleNamespace(aws_conn_id=None, conn=object())

    monkeypatch.setattr("bedrock_distill.hooks.aws.AwsBaseHook", hook)
    clients = AwsClients()
    assert clients.client("bedrock-runtime", 100) is clients.client("bedrock-runtime", 100)
    assert clients.client("bedrock-runtime", 100) is not clients.client("bedrock-runtime", 5)
    assert timeouts == [220, 125]


@pytest.mark.parametrize("service", ["bedrock", "bedrock-runtime", "s3", "sts", "iam"])
def test_a_connection_that_does_not_exist_never_falls_back_to_the_identity_of_the_process(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-process")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    with pytest.raises(RefusedError, match="Airflow has no connection aws_promotoin") as error:
        AwsClients("aws_promotoin", "us-east-1").call(service, "any_operation")
    assert "aws.promotion_conn_id" in error.value.to_do


@pytest.mark.parametrize("conn_id", ["aws_default", None])
def test_without_a_chosen_connection_the_identity_of_the_process_is_used(
    conn_id: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_AWS_DEFAULT", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-process")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    client = AwsClients(conn_id, "us-east-1").client("s3")
    assert client._request_signer._credentials.access_key == "of-the-process"


def test_a_connection_that_exists_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_AWS_PROMOTION", "aws://of-the-connection:any@")
    client = AwsClients("aws_promotion", "us-east-1").client("s3")
    assert client._request_signer._credentials.access_key == "of-the-connection"


@pytest.mark.parametrize(
    ("raised", "method", "named", "message"),
    [
        (
            ValueError("no time"),
            "get",
            ContractError,
            r"the response of AWS has an unexpected form \(ValueError: no time\)",
        ),
        (RuntimeError("inf"), "get", ContractError, "RuntimeError: inf"),
        (ValueError("no time"), "converse", UnreadableAnswerError, "The call is billed, but no answer is stored"),
        (ResponseParserError("no XML"), "get", TransientError, "the response is damaged: no XML"),
        (ResponseParserError("no XML"), "converse", PossiblyBilledError, "AWS may bill this call"),
    ],
)
def test_a_response_that_botocore_cannot_read_has_a_named_error(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, method: str, named: type[Exception], message: str
) -> None:
    def fail(**_: Any) -> None:
        raise raised

    monkeypatch.setattr(
        "bedrock_distill.hooks.aws.AwsBaseHook",
        lambda **_: SimpleNamespace(aws_conn_id=None, conn=SimpleNamespace(**{method: fail})),
    )
    with pytest.raises(named, match=message):
        AwsClients().call("bedrock", method)
