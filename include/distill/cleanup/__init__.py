"""Find resources that runs left in the AWS account and in S3, and plan their removal."""

from __future__ import annotations
