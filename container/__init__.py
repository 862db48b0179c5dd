"""Programs that run inside the containers of docker-compose.yaml."""

from __future__ import annotations
