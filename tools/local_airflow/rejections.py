"""
Copy a run's rejected rows and pairs from S3 to the report folder, even if the run failed, and describe them.

The AWS simulator stops when ``make run`` ends, so the rejected rows and pairs could not be read in S3 afterwards.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from include.distill.core.errors import DistillError
from tools.local_airflow.account import list_objects, read_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from tools.local_airflow.runs import FollowedRun, RunningStack

PREFLIGHT_TASK = "preflight"
ROWS_FILE, PAIRS_FILE = "rejected_rows.jsonl", "rejected_pairs.jsonl"
SHOWN = 10


@dataclass(frozen=True)
class Rejections:
    """
    What a run rejected: the first messages about rows, and the number of pairs by filter and reason.

    :param rows: number of rejected rows.
    :param files: the copies in the report folder; empty if nothing was rejected.
    :param problem: why the rejected rows and pairs could not be copied; None if there was no problem.
    """

    rows: int = 0
    messages: list[str] = field(default_factory=list)
    pairs: Counter[str] = field(default_factory=Counter)
    files: list[Path] = field(default_factory=list)
    problem: str | None = None


def copy_rejections(stack: RunningStack, run: FollowedRun) -> Rejections:
    """Copy the rejected rows and pairs of a run to the report folder. Copies of an earlier run are removed."""
    import botocore.exceptions

    folder = stack.layout.report
    for name in (ROWS_FILE, PAIRS_FILE):
        (folder / name).unlink(missing_ok=True)
    try:
        manifest = stack.api.returned(run.dag_id, run.run_id, PREFLIGHT_TASK)
        if not isinstance(manifest, dict) or "use_case_uri" not in manifest:
            return Rejections()  # a run that preflight refused has read no row
        uri = str(manifest["use_case_uri"]).rpartition("/")[0]
        rows = _records(f"{uri}/source/rejected.jsonl")
        pairs = _records(f"{uri}/synthetic/rejected-")
        files = [*_write(folder / ROWS_FILE, rows), *_write(folder / PAIRS_FILE, pairs)]
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, DistillError, OSError) as error:
        return Rejections(problem=str(error))
    return Rejections(
        rows=len(rows),
        messages=[str(row["message"]) for row in rows[:SHOWN]],
        pairs=Counter(_kind(pair) for pair in pairs if not pair.get("surplus")),
        files=files,
    )


def describe_rejections(rejections: Rejections) -> str:
    """Describe the rows and pairs that a failed run rejected. The text is empty if the run rejected nothing."""
    lines = []
    if rejections.rows:
        lines.append(f"Rejected rows: {rejections.rows}")
        lines += [f"  {message}" for message in rejections.messages]
        if rejections.rows > len(rejections.messages):
            lines.append(f"  … {rejections.rows - len(rejections.messages)} more")
    if rejections.pairs:
        lines.append(f"Rejected output of the teacher: {rejections.pairs.total()}")
        lines += [f"  {kind}: {count}" for kind, count in rejections.pairs.most_common()]
    return "\n".join([*lines, *describe_files(rejections)])


def describe_files(rejections: Rejections) -> list[str]:
    """Return one line for each file of rejected rows or pairs; if the files are missing, one line that says why."""
    if rejections.problem is not None:
        return [f"The rejected rows and pairs could not be copied to the report folder: {rejections.problem}"]
    return [f"Rejected, with the reasons: {path}" for path in rejections.files]


def _records(prefix: str) -> list[Mapping[str, Any]]:
    texts = [read_object(uri) for uri in list_objects(prefix)]
    return [json.loads(line) for text in texts for line in text.splitlines() if line.strip()]


def _write(path: Path, records: Iterable[Mapping[str, Any]]) -> list[Path]:
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    if not text:
        return []
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", errors="replace")
    return [path]


def _kind(pair: Mapping[str, Any]) -> str:
    return f"{pair['filter']} ({pair['reason']})" if "filter" in pair else f"no answer ({pair['reason']})"
