"""
Run the AWS simulator in a thread of a test process, on a free loopback port.

``start_simulator`` is a context manager. For pytest, ``pytest_plugin.py`` has a fixture. A process can run only one
simulator at a time, because moto's state is global. For the same reason, moto's ``mock_aws`` raises an error while a
simulator is running in the process.
"""

from __future__ import annotations

import json
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
from botocore.config import Config
from moto.core.models import MockAWS

from tools.aws_simulator.server.app import AwsSimulator
from tools.aws_simulator.server.server import bind, new_server

FAST = {
    "job_seconds": 0.2,
    "batch_seconds": 0.2,
    "evaluation_seconds": 0.2,
    "optimization_seconds": 0.2,
    "throughput_seconds": 0.05,
    "deployment_seconds": 0.05,
    "model_units": 10,
}
STOP_SECONDS = 60
ACCESS_KEY = "test"  # the owner's key
ROLE = "arn:aws:iam::123456789012:role/bedrock-jobs"  # a role that exists from the start, for jobs


class AdminError(Exception):
    """Raised if an admin route answers with an error."""


class RunningSimulator:
    """An AWS simulator that answers at :attr:`url`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._clients: dict[tuple[Any, ...], Any] = {}

    def boto(self, service: str, *, region: str = "us-east-1", access_key: str = ACCESS_KEY, **config: Any) -> Any:
        """Return a boto3 client that connects to the simulator.

        Without ``config``, the client makes one attempt per call. All who use a client with the same settings share it,
        because creating one is slow.

        :param access_key: one of ``callers``, or any key if requests are not authorised.
        """
        key = (service, region, access_key, *sorted((name, repr(value)) for name, value in config.items()))
        if key not in self._clients:
            self._clients[key] = self._new_client(service, region, access_key, config)
        return self._clients[key]

    def _new_client(self, service: str, region: str, access_key: str, config: dict[str, Any]) -> Any:
        settings = {"retries": {"total_max_attempts": 1}, "max_pool_connections": 64, **config}
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=access_key,
            aws_secret_access_key="test",  # noqa: S106 - the simulator accepts any key
            config=Config(**settings),
        )

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        """Call an admin route (``ledger``, ``settings`` ...) and return its JSON.

        :raises AdminError: the route answered with an error.
        """
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.url}/_admin/{path.removeprefix('/_admin/').lstrip('/')}"
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, data=data, headers=headers, method=method)  # noqa: S310 - our own
        try:
            with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310 - our own
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise AdminError(f"{error.code}: {error.read().decode()}") from error

    def fail(self, **rule: Any) -> None:
        """Add one rule to the fault plan."""
        self.admin("POST", "faults", [rule])

    @property
    def ledger(self) -> Any:
        """The current ledger."""
        return self.admin("GET", "ledger")


def environment(url: str, current: Mapping[str, str], *, region: str = "us-east-1") -> dict[str, str | None]:
    """
    Return the environment variables that connect AWS's SDKs and tools to the simulator, and to nothing else.

    A variable whose value is None must be unset. Every variable of ``current`` that begins with ``AWS_`` is unset or
    replaced, and the files in ``~/.aws`` are not read, so no real credentials or endpoints are left.
    """
    unset: dict[str, str | None] = dict.fromkeys(name for name in current if name.startswith("AWS_"))
    without_proxy = {
        name: ",".join(filter(None, [current.get(name), "127.0.0.1", "localhost"])) for name in ("no_proxy", "NO_PROXY")
    }
    return {
        **unset,
        **without_proxy,
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _refuse_mock_aws(*_: Any, **__: Any) -> None:
    raise RuntimeError(
        "mock_aws was called while an AWS simulator is running in this process. It would delete the simulator's buckets"
        " and roles. Nothing was changed. Use only one of the two in a test."
    )


@contextmanager
def start_simulator(
    state_dir: str | Path,
    *,
    roles: Collection[str] = (ROLE,),
    policies: Collection[Path] | None = None,
    callers: Mapping[str, str] | None = None,
    **settings: Any,
) -> Iterator[RunningSimulator]:
    """Run an AWS simulator with the settings ``FAST`` until the block ends. ``settings`` override them.

    Environment variables are left alone. :func:`environment` returns the variables that make AWS's SDKs use the
    simulator.

    :param roles: ARNs of roles that the account has from the start. Jobs may use them.
    :param policies: files of stacks. If they are given, even if the list is empty, every request is authorised.
    :param callers: the name of the role that an access key acts for, by access key. The key ``test`` acts for the
        account's owner, unless it is in ``callers``.
    """
    simulator = AwsSimulator(
        Path(state_dir),
        {**FAST, **settings},
        roles=roles,
        policies=policies,
        callers={ACCESS_KEY: "root", **(callers or {})},
    )
    sock = bind("127.0.0.1", 0)
    sock.listen(2048)  # from here on, connections wait instead of being refused
    server = new_server(simulator)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, name="aws-simulator", daemon=True)
    thread.start()
    try:
        with patch.object(MockAWS, "start", _refuse_mock_aws):
            yield RunningSimulator(f"http://127.0.0.1:{sock.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join(timeout=STOP_SECONDS)
        simulator.close()
