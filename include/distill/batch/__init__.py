"""Call models in Bedrock batch jobs: select the requests, write the input files, collect the answers."""

from __future__ import annotations
