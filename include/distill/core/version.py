"""State the version of the pipeline. Stored records contain it, so messages can name the version that wrote them."""

from __future__ import annotations

VERSION = "0.2.0"
