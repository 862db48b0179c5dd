"""State the version of the pipeline. Stored records name it, so that another version can say who wrote them."""

from __future__ import annotations

VERSION = "0.2.0"
