from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bedrock_distill.hooks.aws import AwsClients
from include.distill.core.errors import ExpiredCredentialsError, RefusedError, ThrottledError, TransientError


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

        return SimpleNamespace(conn=SimpleNamespace(get=get))

    monkeypatch.setattr("bedrock_distill.hooks.aws.AwsBaseHook", hook)
    return tokens


def test_the_next_call_of_the_same_hook_uses_renewed_credentials(connection: list[str]) -> None:
    clients = AwsClients()
    for _ in range(2):
        with pytest.raises(ExpiredCredentialsError, match="reads the credentials from the connection again"):
            clients.call("bedrock", "get")
    connection.append("new")
    assert clients.call("bedrock", "get") == "new"


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
        return SimpleNamespace(conn=SimpleNamespace(get=get))

    monkeypatch.setattr("bedrock_distill.hooks.aws.AwsBaseHook", hook)
    clients = AwsClients()
    with pytest.raises(ThrottledError):
        clients.call("bedrock", "get")
    assert clients.call("bedrock", "get") == "answer"
    assert len(made_clients) == 1


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

        return SimpleNamespace(conn=SimpleNamespace(head_object=head_object, upload_fileobj=head_object))

    monkeypatch.setattr("bedrock_distill.hooks.aws.AwsBaseHook", hook)
    return made


def test_a_head_request_without_a_reason_is_repeated_once_with_a_new_client(head_tokens: list[str]) -> None:
    assert AwsClients().call("s3", "head_object", "s3://b/k", Key="k") == "object"
    assert head_tokens == ["expired", "valid"]


def test_a_head_request_that_is_refused_twice_is_final(head_tokens: list[str]) -> None:
    clients = AwsClients()
    with pytest.raises(RefusedError, match=r"^head_object s3://b/bad: 400: .*twice.*Then clear the task") as raised:
        clients.call("s3", "head_object", "s3://b/bad", Key="bad")
    assert raised.value.code == "400"
    assert head_tokens == ["expired", "valid"]


def test_an_upload_is_not_repeated_because_its_file_was_read(head_tokens: list[str]) -> None:
    with pytest.raises(ExpiredCredentialsError):
        AwsClients().call("s3", "upload_fileobj", "s3://b/k")
    assert head_tokens == ["expired"]
