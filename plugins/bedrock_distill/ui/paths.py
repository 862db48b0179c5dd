"""Where Airflow's UI lies; imports nothing heavy, for every process of Airflow loads it."""

from __future__ import annotations

from urllib.parse import urlsplit

from airflow.configuration import conf


def ui_path(path: str) -> str:
    """Return ``path`` below the root of Airflow's UI, which need not be the root of its host."""
    root = urlsplit(conf.get("api", "base_url", fallback="/")).path.rstrip("/")
    return f"{root}/{path}"
