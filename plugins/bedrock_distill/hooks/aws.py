"""boto3 clients from an Airflow connection, with time-outs and attempts stated."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

from bedrock_distill.hooks.aws_errors import named_errors
from include.distill.core.errors import ExpiredCredentialsError

# standard mode retries throttling, 5xx and connection errors. After a read time-out the answer is paid for again: five
# minutes is longer than any takes. As many connections as fan_out.threads may ask for.
PATIENT_CONFIG = {
    "retries": {"mode": "standard", "total_max_attempts": 6},
    "connect_timeout": 10,
    "read_timeout": 300,
    "max_pool_connections": 400,
}
# include/distill/inference/paced_client.py paces and retries calls to models. A retry by botocore would not be counted
# there and would break its account of the quota.
SINGLE_ATTEMPT = {"mode": "standard", "total_max_attempts": 1}
# For a person who waits for a page.
FAIL_FAST_CONFIG = {"retries": {"mode": "standard", "total_max_attempts": 2}, "connect_timeout": 3, "read_timeout": 10}


class AwsClients:
    """
    The boto3 clients of one connection and Region, made when first used.

    :param aws_conn_id: Airflow connection; without it boto3's own credential chain is used.
    :param region_name: Region of the jobs and the buckets; overrides the connection's.
    :param config: time-outs and attempts, as botocore's Config takes them.
    """

    def __init__(
        self,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        *,
        config: Mapping[str, Any] = PATIENT_CONFIG,
    ) -> None:
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self._config = dict(config)
        self._clients: dict[str, Any] = {}
        self._making = threading.Lock()

    def client(self, service: str) -> Any:
        """Return the boto3 client of ``service``; clients may be shared by threads, making them may not."""
        with self._making:
            if service not in self._clients:
                self._clients[service] = AwsBaseHook(
                    aws_conn_id=self.aws_conn_id,
                    region_name=self.region_name,
                    client_type=service,
                    config={**self._config, "retries": SINGLE_ATTEMPT}
                    if service == "bedrock-runtime"
                    else self._config,
                ).conn
            return self._clients[service]

    def call(self, service: str, method: str, what: str = "", **parameters: Any) -> Any:
        """Call ``method`` of a client; every failure is a named error.

        A client keeps the credentials that it was made with. When they have run out it is forgotten, so that the next
        call takes those that the connection has by then: a trigger polls for days with one hook.

        :param what: the object of the call, for messages.
        """
        try:
            with named_errors(f"{method} {what}".strip()):
                return getattr(self.client(service), method)(**parameters)
        except ExpiredCredentialsError:
            with self._making:
                self._clients.clear()
            raise

    def paginate(self, method: str, key: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        """Yield what a List operation of ``bedrock`` says, page after page."""
        while True:
            page = self.call("bedrock", method, **parameters)
            yield from page[key]
            if not page.get("nextToken"):
                return
            parameters["nextToken"] = page["nextToken"]
