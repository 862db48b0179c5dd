"""Call models in Bedrock batch jobs: select the requests, write the input files, and store the answers."""

from __future__ import annotations
