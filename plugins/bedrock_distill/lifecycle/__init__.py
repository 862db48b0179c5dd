"""Buy a resource once, tag it, release it, and stop the jobs of an abandoned run."""

from __future__ import annotations
