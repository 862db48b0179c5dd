"""
Read the input file of a prompt optimization job from S3, and write its results.

Path and keys of the results: https://docs.aws.amazon.com/bedrock/latest/userguide/advanced-prompt-optimization-results.html
and advanced-prompt-optimization/data/xsum/results_live.jsonl of github.com/aws-samples/amazon-bedrock-samples. The
bucket must be in the Region of the job. AWS's page about troubleshooting says "AccessDenied on S3" for missing
permissions. The texts of all errors of this module are UNVERIFIED.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tools.aws_simulator.jobs.job_files import S3AsRole
from tools.aws_simulator.protocol.errors import AccessDeniedException, ResourceNotFoundException, ValidationException
from tools.aws_simulator.s3.uris import split_uri

RESULTS = "advanced_prompt_optimization_results.jsonl"


@dataclass(frozen=True)
class OptimizationFiles:
    """
    The files that one job reads from S3 and writes to S3.

    :param s3: S3 with the permissions of the caller.
    :param arn: the ARN of the job.
    """

    s3: S3AsRole
    arn: str
    input_uri: str
    output_uri: str

    def read(self) -> bytes:
        """Return the body of the input file.

        :raises ApiError: the file does not exist, or the caller may not read it.
        """
        bucket, key = split_uri(self.input_uri)
        self._check_region(bucket)
        if not self.s3.may_read(bucket, key):
            raise AccessDeniedException(f"Access denied: s3:GetObject on {self.input_uri}")
        body = self.s3.read(bucket, key)
        if body is None:
            raise ResourceNotFoundException(f"The input file {self.input_uri} does not exist.")
        return body

    def check_output(self) -> None:
        """Check that the caller may write the results.

        :raises ApiError: the bucket cannot be used.
        """
        bucket, key = self._results
        self._check_region(bucket)
        if not self.s3.may_write(bucket, key):
            raise AccessDeniedException(f"Access denied: s3:PutObject on s3://{bucket}/{key}")

    def write(self, results: Sequence[dict[str, Any]]) -> None:
        """Write the results, one line for each prompt template."""
        self.check_output()  # the bucket may be gone by now
        lines = (json.dumps(result, ensure_ascii=False) + "\n" for result in results)
        self.s3.write(*self._results, "".join(lines).encode())

    @property
    def _results(self) -> tuple[str, str]:
        """The bucket and the key of the results. The service model demands that ``output_uri`` ends with a slash."""
        return split_uri(f"{self.output_uri}{self.arn.rpartition('/')[2]}/{RESULTS}")

    def _check_region(self, bucket: str) -> None:
        region = self.arn.split(":")[3]
        if self.s3.bucket_region(bucket) != region:
            raise ValidationException(f"The Amazon S3 bucket {bucket} does not exist in the Region {region}.")
