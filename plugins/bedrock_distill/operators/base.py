"""Base classes of the pipeline's operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import BaseOperator

from bedrock_distill.lifecycle.run_task import RunTask
from bedrock_distill.lineage.task import LineageTask, after_execution
from bedrock_distill.run.access import require_run_uri


class DistillOperator(LineageTask, RunTask, BaseOperator):
    """
    Base class of the operators that work in a run's folder.

    :param run_uri: the run's folder, ``s3://…/runs/<use case>/<run_key>``. (templated)
    :param aws_conn_id: Airflow connection for AWS.
    :param region_name: Region of jobs and buckets; ``None`` uses the connection's Region.
    :param bucket_owners: account ids by the name of a bucket, with ``*`` for all other buckets. S3 refuses every
        request for a bucket that another account owns. ``None`` does not check the owner.
    :param kms_key_arn: KMS key for the objects that the task writes to S3; ``None`` for the setting of the bucket.
    """

    template_fields: Sequence[str] = ("run_uri",)

    def __init__(
        self,
        *,
        run_uri: str = "",
        aws_conn_id: str = "aws_default",
        region_name: str | None = None,
        bucket_owners: Mapping[str, str] | None = None,
        kms_key_arn: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(post_execute=after_execution, **kwargs)
        require_run_uri(self.task_id, run_uri)
        self.run_uri = run_uri
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.bucket_owners = bucket_owners
        self.kms_key_arn = kms_key_arn


class ArmOperator(DistillOperator):
    """
    Base class of the operators that work for one arm.

    :param arm: name of an arm of the use case.
    """

    def __init__(self, *, arm: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.arm = arm
