"""Scripts that the containers of docker-compose.yaml run."""

from __future__ import annotations
