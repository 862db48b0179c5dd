"""Development tools. Production never imports or installs them."""

from __future__ import annotations
