"""Create boto3 clients from an Airflow connection, with explicit time-outs and limits on attempts."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from bedrock_distill.hooks.aws_errors import (
    BAD_HEAD_REQUEST,
    BILLED_METHODS,
    head_refused_twice,
    missing_operation,
    named_errors,
    unreadable_response,
)
from bedrock_distill.hooks.responses import response_of
from bedrock_distill.hooks.s3_encryption import encrypt_objects
from bedrock_distill.hooks.s3_owner import expect_owner
from bedrock_distill.hooks.s3_redirects import stop_redirects_without_a_region
from include.distill.core.errors import FAILED_TASK, DistillError, ExpiredCredentialsError, RefusedError

# "standard" mode retries throttling, 5xx and connection errors. For a call to a model, the time that the model
# needs to write its answer is added to ``read_timeout``, because a request that is sent again after a time-out is
# billed again. A task has at most 400 threads (fan_out.threads), and each thread needs a connection.
PATIENT_CONFIG = {
    "retries": {"mode": "standard", "total_max_attempts": 6},
    "connect_timeout": 10,
    "read_timeout": 120,
    "max_pool_connections": 400,
    # A model may write for longer than the 350 s after which NAT gateways and VPC endpoints drop an idle connection.
    "tcp_keepalive": True,
}
# include/distill/inference/paced_client.py paces and retries calls to models. It does not see retries by botocore. If
# botocore retried these calls, the count of the used quota would be too low.
SINGLE_ATTEMPT = {"mode": "standard", "total_max_attempts": 1}
# Web pages use this configuration. It gives up early, because a person is waiting for the page.
FAIL_FAST_CONFIG = {"retries": {"mode": "standard", "total_max_attempts": 2}, "connect_timeout": 3, "read_timeout": 10}
# The methods that send a HEAD request and can be repeated. `upload_fileobj` cannot: it has already read its file.
_HEAD_METHODS = frozenset({"head_object", "head_bucket", "copy"})
# Installations whose processes have a role, as on MWAA, need not create this connection. Any other id was chosen by a
# person, who wants a certain identity.
_MAY_BE_MISSING = "aws_default"


def credentials_source(aws_conn_id: str | None) -> str:
    """Return where the credentials come from, for messages."""
    return f"the Airflow connection {aws_conn_id}" if aws_conn_id else "AWS's SDK (no Airflow connection is set)"


def _require_connection(hook: AwsBaseHook) -> None:
    """
    Refuse a connection that does not exist.

    Airflow's hook would use the identity of the process in its place. A misspelt id would then give a task the
    permissions of another caller, and errors would name the wrong identity.
    """
    if hook.aws_conn_id in (None, "", _MAY_BE_MISSING) or hook.conn_config:
        return
    raise RefusedError(
        f"Airflow has no connection {hook.aws_conn_id}. No request was sent to AWS, because it would have used the"
        " identity of the Airflow process.",
        to_do=f"Create the connection {hook.aws_conn_id}, or correct its id in the use case (aws.conn_id,"
        " aws.promotion_conn_id, aws.clean_up_conn_id) or in the variable that sets it, such as"
        " DISTILL_PROMOTION_CONN_ID or DISTILL_CHECK_CONN_ID.",
        then_clear=FAILED_TASK,
    )


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags in the format that Bedrock's API expects."""
    return [{"key": key, "value": value} for key, value in sorted(tags.items())]


# botocore documents none of them. Other errors, such as those of Airflow's connection, arise before the request is
# sent.
_OF_PARSERS = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError)


def _sent(operation: Callable[..., Any], parameters: Mapping[str, Any], what: str, *, is_billed: bool) -> Any:
    """
    Call an operation of a boto3 client.

    :raises ContractError: botocore failed while it read the response. It names most faults of a response itself, but
        does not expect a time that is not a time, for example.
    """
    try:
        return operation(**parameters)
    except (BotoCoreError, ClientError, HTTPError, ResponseParserError, DistillError):
        raise
    except _OF_PARSERS as error:
        raise unreadable_response(error, what, is_billed=is_billed) from error


class AwsClients:
    """
    The boto3 clients for one connection and Region. Each client is created when it is first used.

    :param aws_conn_id: Airflow connection; ``None`` uses boto3's own credential chain.
    :param region_name: Region of jobs and buckets; ``None`` uses the connection's Region.
    :param bucket_owners: account ids by the name of a bucket, for :func:`bedrock_distill.hooks.s3_owner.expect_owner`.
    :param kms_key_arn: KMS key for the objects that are written to S3; ``None`` for the setting of the bucket.
    :param config: arguments of botocore's ``Config``: the time-outs and the maximum number of attempts.
    """

    def __init__(
        self,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        *,
        bucket_owners: Mapping[str, str] | None = None,
        kms_key_arn: str | None = None,
        config: Mapping[str, Any] = PATIENT_CONFIG,
    ) -> None:
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.bucket_owners = dict(bucket_owners or {})
        self.kms_key_arn = kms_key_arn
        self._config = dict(config)
        self._clients: dict[tuple[str, int], Any] = {}
        self._creation_lock = threading.Lock()

    def client(self, service: str, extra_seconds: int = 0) -> Any:
        """Return the boto3 client for ``service``, which all threads may share.

        Creating a client in boto3 is not thread-safe, so this method holds a lock.

        :param extra_seconds: added to the read timeout. Each value has its own client, because a client's
            timeout cannot change.
        """
        with self._creation_lock:
            if (service, extra_seconds) not in self._clients:
                config = {**self._config, "read_timeout": self._config["read_timeout"] + extra_seconds}
                if service == "bedrock-runtime":
                    config["retries"] = SINGLE_ATTEMPT
                hook = AwsBaseHook(
                    aws_conn_id=self.aws_conn_id, region_name=self.region_name, client_type=service, config=config
                )
                _require_connection(hook)
                client = hook.conn
                if service == "s3" and isinstance(client, BaseClient):
                    stop_redirects_without_a_region(client)
                    expect_owner(client, self.bucket_owners)
                    if self.kms_key_arn:
                        encrypt_objects(client, self.kms_key_arn)
                self._clients[service, extra_seconds] = client
            return self._clients[service, extra_seconds]

    def has_operation(self, service: str, method: str) -> bool:
        """Return whether the installed SDK has an operation. An older SDK lacks the youngest ones."""
        return hasattr(self.client(service), method)

    def call(self, service: str, method: str, what: str = "", *, extra_seconds: int = 0, **parameters: Any) -> Any:
        """Call ``method`` on the boto3 client for ``service`` and return the response.

        A client keeps the credentials that it was created with. When they expire, all clients are dropped, so the
        next call reads the connection again. A trigger needs this, because it may poll for days with the same hook.
        S3 gives no reason when it refuses a HEAD request. Expired credentials may be the reason, so such a request is
        repeated once with new clients.

        :param service: boto3's name, such as ``bedrock``.
        :param what: name, ARN or URI of the resource, for error messages.
        :param extra_seconds: how much longer than the read timeout to wait for the response.
        :raises ServiceError: the call failed; :mod:`bedrock_distill.hooks.aws_errors` chooses the subclass.
        """
        try:
            return self._call_once(service, method, what, parameters, extra_seconds)
        except ExpiredCredentialsError as error:
            if error.code != BAD_HEAD_REQUEST or method not in _HEAD_METHODS:
                raise
        try:
            return self._call_once(service, method, what, parameters, extra_seconds)
        except ExpiredCredentialsError as error:
            if error.code != BAD_HEAD_REQUEST:
                raise
            raise head_refused_twice(
                error, f"{method} {what}".strip(), connection=credentials_source(self.aws_conn_id)
            ) from error

    def _limit(self, service: str, extra_seconds: int) -> str:
        """Describe when botocore gives up on a request, such as "sent once, and given up after about 6 min"."""
        config = SINGLE_ATTEMPT if service == "bedrock-runtime" else self._config["retries"]
        sent = config["total_max_attempts"]
        seconds = sent * (self._config["connect_timeout"] + self._config["read_timeout"] + extra_seconds)
        times = "once" if sent == 1 else f"up to {sent} times"
        return f"sent {times}, and given up after about {math.ceil(seconds / 60)} min"

    def _call_once(
        self, service: str, method: str, what: str, parameters: Mapping[str, Any], extra_seconds: int
    ) -> Any:
        called = f"{method} {what}".strip()
        try:
            with named_errors(
                called,
                is_billed=method in BILLED_METHODS,
                connection=credentials_source(self.aws_conn_id),
                limit=self._limit(service, extra_seconds),
            ):
                operation = getattr(self.client(service, extra_seconds), method, None)
                if operation is None:
                    raise missing_operation(service, method, called)
                answer = _sent(operation, parameters, called, is_billed=method in BILLED_METHODS)
                return response_of(answer, called)
        except ExpiredCredentialsError:
            with self._creation_lock:
                self._clients.clear()
            raise

    def pages(
        self, service: str, method: str, what: str = "", *, marker: str, **parameters: Any
    ) -> Iterator[Mapping[str, Any]]:
        """Yield every page of the answer to :meth:`call`.

        :param marker: the field of requests and responses that says where the next page begins.
        """
        while True:
            page = self.call(service, method, what, **parameters)
            yield page
            if not page.get(marker):
                return
            parameters[marker] = page[marker]

    def paginate(self, method: str, key: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        """Yield the entries from all pages that one of Bedrock's List operations returns.

        :param method: boto3's name of the List operation.
        :param key: the field of each response that contains the entries.
        """
        for page in self.pages("bedrock", method, marker="nextToken", **parameters):
            yield from page[key]
