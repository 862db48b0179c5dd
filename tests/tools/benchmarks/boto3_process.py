"""Make the same calls with plain boto3 in a thread pool; store nothing and read no answer."""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

from tools.benchmarks.fixtures import rows

MAX_TOKENS = 2048


def main() -> None:
    """Print the CPU seconds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--documents", type=int, required=True)
    parser.add_argument("--concurrency", type=int, required=True)
    parser.add_argument("--retries", choices=["standard", "adaptive"], default="standard")
    options = parser.parse_args()
    config = Config(
        max_pool_connections=options.concurrency,
        read_timeout=300,
        retries={"mode": options.retries, "total_max_attempts": 100},
    )
    client = boto3.client("bedrock-runtime", config=config)

    def ask(row: dict[str, str]) -> None:
        text = [{"type": "text", "text": row["document"]}]
        body = {"max_tokens": MAX_TOKENS, "messages": [{"role": "user", "content": text}]}
        client.invoke_model(modelId="bench", body=json.dumps(body))["body"].read()

    used = time.process_time()
    with ThreadPoolExecutor(options.concurrency) as pool:
        list(pool.map(ask, rows(options.documents)))
    sys.stdout.write(json.dumps({"cpu_seconds": time.process_time() - used}) + "\n")


if __name__ == "__main__":
    main()
