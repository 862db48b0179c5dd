"""Call AWS. Only this package uses boto3, and it raises every failure as one of the pipeline's own errors."""

from __future__ import annotations
