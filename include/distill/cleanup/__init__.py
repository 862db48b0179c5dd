"""Find and plan the removal of what runs left behind in the account and in S3."""

from __future__ import annotations
