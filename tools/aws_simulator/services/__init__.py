"""The services other than Bedrock and S3: IAM, STS, Service Quotas and Pricing, and the refusal of all others."""

from __future__ import annotations
