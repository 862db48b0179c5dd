"""
Count the tokens of texts with the tokenizer of Llama 3, and compare the counts with the stored ones.

Run this module in an environment that has the packages ``llama-models`` and ``tiktoken``, which are not dependencies of
this project: ``python -m tools.token_counts.measure tests/data/token_counts/llama3.jsonl``.
"""

from __future__ import annotations

import argparse
import base64
import importlib
import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path

# How the tokenizer of Llama 3 cuts a text before it looks for tokens.
PIECES = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def load_tokenizer() -> Callable[[str], int]:
    """Return a function that counts tokens with the tokenizer file of the package ``llama-models``."""
    spec = importlib.util.find_spec("llama_models")
    if spec is None or spec.origin is None:
        sys.exit("The package llama-models is not installed. tests/data/token_counts/README.md says how to install it.")
    lines = (Path(spec.origin).parent / "llama3" / "tokenizer.model").read_bytes().splitlines()
    ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line)}
    tiktoken = importlib.import_module("tiktoken")
    encoding = tiktoken.Encoding("llama3", pat_str=PIECES, mergeable_ranks=ranks, special_tokens={})
    return lambda text: len(encoding.encode(text, disallowed_special=()))


def recount(lines: list[str], count: Callable[[str], int]) -> tuple[list[str], list[str]]:
    """Return the lines with measured token counts, and a message for each count that differs from the stored one."""
    measured, differences = [], []
    for number, line in enumerate(lines, start=1):
        record = json.loads(line)
        tokens = count(record["text"])
        if tokens != record.get("tokens"):
            differences.append(f"line {number}: {record.get('tokens')} is stored, {tokens} measured")
        measured.append(json.dumps({**record, "tokens": tokens}, ensure_ascii=False))
    return measured, differences


def main() -> None:
    """Count the tokens of a file's texts. Without ``--write``, exit with 1 if a count differs from the stored one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="JSON Lines file with the keys text and tokens")
    parser.add_argument("--write", action="store_true", help="store the measured counts in the file")
    arguments = parser.parse_args()
    measured, differences = recount(arguments.file.read_text("utf-8").splitlines(), load_tokenizer())
    sys.stdout.write("\n".join([*differences, f"{len(differences)} of {len(measured)} stored counts differ.\n"]))
    if arguments.write:
        arguments.file.write_text("".join(f"{line}\n" for line in measured), "utf-8")
    elif differences:
        sys.exit(1)


if __name__ == "__main__":
    main()
