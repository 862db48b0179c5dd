"""
Compute once per process what is the same in every schedule and takes most of its time.

Nothing here changes what a task does. A task of a real installation computes each of these in its own process.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

import botocore.utils
from airflow.sdk.definitions import param
from airflow.sdk.execution_time import task_runner
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from bedrock_distill.hooks.aws import AwsClients
from bedrock_distill.run import access, explained_task
from bedrock_distill.triggers import polling
from include.distill.config import frozen_use_case
from tools.aws_simulator.account.ledger import Ledger

_LONGER_THAN_ANY_WAIT = 10.0**9


@contextmanager
def computed_once() -> Iterator[None]:
    """
    Inside the block, share what the schedules have in common.

    - boto3 clients: all hooks with the same settings share theirs.
    - the frozen use case: the same bytes give the same use case, which cannot be changed.
    - the parameters of a run, which Airflow validates for each task. All runs have the same.
    - signatures: the AWS simulator checks the form of a signature, but not the signature itself.
    - the reading of a time stamp, which botocore repeats for each field of each answer.
    - the simulator's list of requests, which nothing in a schedule reads. It is left out.
    - the heartbeats of tasks and triggers, which write a line to the log each minute. They are left out.
    """
    with ExitStack() as stack:
        restore = functools.lru_cache(maxsize=64)(frozen_use_case.restore_use_case)
        stack.enter_context(patch.object(access, "restore_use_case", restore))
        stack.enter_context(patch.object(Ledger, "record_request", lambda *_: None))
        stack.enter_context(patch.object(explained_task, "heartbeat", lambda line, write: nullcontext()))
        stack.enter_context(patch.object(polling, "INTERVAL_SECONDS", _LONGER_THAN_ANY_WAIT))
        stack.enter_context(patch.object(task_runner, "process_params", _params_once()))
        stack.enter_context(patch.object(AwsClients, "__init__", _with_shared_clients()))
        stack.enter_context(patch.object(SigV4Auth, "add_auth", _add_constant_signature))
        read_time = functools.lru_cache(maxsize=4096)(botocore.utils._parse_timestamp_with_tzinfo)
        stack.enter_context(patch.object(botocore.utils, "_parse_timestamp_with_tzinfo", read_time))
        yield


def _with_shared_clients() -> Any:
    shared: dict[str, dict[tuple[str, int], Any]] = {}
    original = AwsClients.__init__

    def init(self: AwsClients, *arguments: Any, **named: Any) -> None:
        original(self, *arguments, **named)
        key = repr((self.aws_conn_id, self.region_name, self.bucket_owners, self.kms_key_arn, self._config))
        self._clients = shared.setdefault(key, {})

    return init


def _add_constant_signature(signer: SigV4Auth, request: AWSRequest) -> None:
    scope = f"any/20261125/{signer._region_name}/{signer._service_name}/aws4_request"
    request.headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}"
    request.headers["X-Amz-Date"] = "20261125T020000Z"
    if signer._service_name == "s3":
        request.headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"


def _params_once() -> Any:
    original = param.process_params
    known: dict[str, dict[str, Any]] = {}

    def process(dag: Any, task: Any, conf: Any, *, suppress_exception: bool) -> dict[str, Any]:
        key = repr((dag.dag_id, task.task_id, sorted((conf or {}).items())))
        if key not in known:
            known[key] = original(dag, task, conf, suppress_exception=suppress_exception)
        return dict(known[key])

    return process
