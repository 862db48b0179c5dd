"""Print the tables of measurements: ``python -m tools.curation_report [TRAINING_CSV EVALUATION_CSV]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError
from include.distill.core.paths import INCLUDE
from include.distill.curation.filters import FILTER_NAMES
from include.distill.curation.refusals import find_refusal
from include.distill.dataset.exact_duplicates import ExactDuplicateIndex, RowLocations
from include.distill.dataset.records import RejectedRow, Role, Row, UngroupedRow
from include.distill.dataset.rows import Duplicates, RowOptions, is_rejected, read_rows
from include.distill.grounding.check import OUTCOMES
from tools.curation_report.critic_comparison import compare_with_critic
from tools.curation_report.detection import filters_that_rejected, found_as_intended, tally
from tools.curation_report.measurements import (
    QUANTILES,
    grounding,
    lengths,
    similar_questions,
    simulator_pairs,
)
from tools.curation_report.planted_defects import DEFECTS, GOOD_PAIRS, PAIRS_PER_DEFECT, plant
from tools.local_airflow.settings import LOCAL_INSTALLATION

SAMPLE = INCLUDE / "data" / "aws_docs_qa"
SEEDS = 25
SIMILAR_QUESTIONS_SHOWN = 12


def read_usable_rows(path: Path) -> list[Row]:
    """Read a CSV, and return the rows that a run would accept."""
    return read_file(path)[0]


def read_file(path: Path) -> tuple[list[Row], list[RejectedRow]]:
    """
    Read a CSV. Return the rows that a run would accept, and the rejected rows.

    Each row gets a document group of its own. A run needs groups only to split a CSV into training and evaluation rows,
    and this command does not split.

    :raises InputError: the file cannot be read, or has no usable row.
    """
    duplicates = Duplicates(ExactDuplicateIndex(RowLocations()))
    try:
        with path.open("rb") as body:
            rows = list(read_rows(body, source=path.name, options=RowOptions(), duplicates=duplicates))
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror}). Nothing was measured. Pass a CSV file that you may read."
        raise InputError(message) from error
    except InputError as error:
        message = (
            f"{error}\nNothing was measured. This command reads no use case, so correct the file: it must be UTF-8"
            " and have the default column names."
        )
        raise InputError(message) from error
    rejected = [row for row in rows if is_rejected(row)]
    if len(rejected) == len(rows):
        listed = "".join(f"\n- {row['message']}" for row in rejected)
        raise InputError(f"{path} has no usable row. Nothing was measured. Correct the file.{listed}")
    return _without_groups(rows), rejected


def _without_groups(rows: Iterable[UngroupedRow | RejectedRow]) -> list[Row]:
    return [
        {
            "row": row["row"],
            "line": row["line"],
            "source": row["source"],
            "document": row["document"],
            "question": row["question"],
            "answer": row["answer"],
            "row_id": row["row_id"],
            "group": row["row_id"],
        }
        for row in rows
        if not is_rejected(row)
    ]


def _report_dropped(path: Path, usable: Sequence[Row], rejected: Sequence[RejectedRow]) -> None:
    sys.stderr.write(f"{path}: {len(usable)} rows are used, {len(rejected)} are dropped.\n")
    for row in rejected:
        sys.stderr.write(f"- {row['message']} ({row['reason']})\n")


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value).replace("|", "\\|")


def _real_rows(train: Sequence[Row], evaluation: Sequence[Row], seed: int) -> Iterable[str]:
    rows = [*train, *evaluation]
    head = ["", *(f"{share:.0%}" for share in QUANTILES)]
    yield f"## Real rows ({len(rows)}): quantiles\n"
    roles: tuple[Role, ...] = ("question", "answer", "document")
    yield table(head, ((f"characters of the {role}", *lengths(rows, role)) for role in roles))
    yield "\n## The grounding check: outcomes\n"
    own, foreign = grounding(rows, seed=seed)
    yield table(
        ["real answers, compared with", *OUTCOMES],
        [
            ("their own document", *(own[outcome] for outcome in OUTCOMES)),
            ("another row's document", *(foreign[outcome] for outcome in OUTCOMES)),
        ],
    )
    refusals = sum(find_refusal(row["answer"]) is not None for row in rows)
    yield f"\nReal answers mistaken for refusals: {refusals} of {len(rows)}.\n"


def _real_questions(rows: Sequence[Row]) -> Iterable[str]:
    similar = similar_questions(rows)
    thresholds = (0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)
    yield "## Different real questions that would be taken for the same question\n"
    yield table(
        ["threshold", *thresholds],
        [("pairs at or above the threshold", *(sum(pair[0] >= at for pair in similar) for at in thresholds))],
    )
    yield "\nThe most similar pairs:\n"
    most_similar = ((one, other, similarity) for similarity, one, other in similar[:SIMILAR_QUESTIONS_SHOWN])
    yield table(["question", "other question", "similarity"], most_similar)


def _simulator(train: Sequence[Row], evaluation: Sequence[Row], use_case: UseCase) -> Iterable[str]:
    pairs = simulator_pairs(train, evaluation, use_case)
    yield f"\n## The AWS simulator's teacher on {len(train)} rows: pairs that each filter drops\n"
    left = pairs["requested"] - pairs["missing"]
    lines: list[tuple[object, ...]] = [
        ("pairs requested", "", pairs["requested"]),
        ("pairs missing from the output", pairs["missing"], left),
    ]
    for name in FILTER_NAMES:
        left -= pairs[name]
        lines.append((f"`{name}`", pairs[name], left))
    yield table(["filter", "dropped", "left"], lines)


def _planted(train: Sequence[Row], evaluation: Sequence[Row], use_case: UseCase) -> Iterable[str]:
    counts_by_kind: dict[str, list[int]] = {kind: [] for kind in ("good", *DEFECTS)}
    for seed in range(SEEDS):
        planted = plant(train, evaluation, use_case, seed=seed)
        for kind, counts in tally(planted, filters_that_rejected(planted, train, evaluation, use_case)).items():
            counts_by_kind[kind].append(counts["kept"] if kind == "good" else found_as_intended(kind, counts))
    yield (
        f"\n## Planted pairs, {SEEDS} random draws: how many of {GOOD_PAIRS} good pairs are kept, and how many of"
        f" {PAIRS_PER_DEFECT} pairs with each defect are found by a filter that is meant to find the defect\n"
    )
    yield table(
        ["planted pairs", "fewest", "mean", "most"],
        ((kind, min(counts), sum(counts) / len(counts), max(counts)) for kind, counts in counts_by_kind.items()),
    )


def _critic_comparison(rows: Sequence[Row], use_case: UseCase) -> Iterable[str]:
    yield "\n## The AWS simulator's critic and the grounding check: answers that each of them keeps\n"
    comparison = compare_with_critic(rows, seed=use_case.seed)
    yield table(["answer compared with", "answers", *OUTCOMES, "kept by the critic"], comparison)


def main() -> int:
    """Print all tables, and the dropped rows to stderr. Return 2 if the files cannot be measured."""
    parser = argparse.ArgumentParser(prog="python -m tools.curation_report", description=__doc__)
    parser.add_argument("files", type=Path, nargs="*", metavar="TRAINING_CSV EVALUATION_CSV")
    files = parser.parse_args().files or [SAMPLE / "train.csv", SAMPLE / "evaluation.csv"]
    if len(files) != 2:
        parser.error("pass both files, TRAINING_CSV and EVALUATION_CSV, or pass no file to measure the sample")
    try:
        read = [read_file(path) for path in files]
        for path, (usable, rejected) in zip(files, read, strict=True):
            _report_dropped(path, usable, rejected)
        _print_tables(*(usable for usable, _ in read))
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _print_tables(train: Sequence[Row], evaluation: Sequence[Row]) -> None:
    if len({row["document"] for row in (*train, *evaluation)}) < 2:
        raise InputError(
            "All usable rows have the same document. Nothing was measured, because each answer must also be compared"
            " with a different document. Use files with at least two documents."
        )
    use_case = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=LOCAL_INSTALLATION)
    parts = (
        _real_rows(train, evaluation, use_case.seed),
        _real_questions([*train, *evaluation]),
        _simulator(train, evaluation, use_case),
        _planted(train, evaluation, use_case),
        _critic_comparison([*train, *evaluation], use_case),
    )
    for part in parts:
        for text in part:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
