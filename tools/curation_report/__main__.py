"""Print the tables of measurements: ``python -m tools.curation_report [TRAINING_CSV EVALUATION_CSV]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.use_case import UseCase
from include.distill.core.paths import INCLUDE
from include.distill.curation.filters import FILTER_NAMES
from include.distill.curation.refusals import find_refusal
from include.distill.dataset.exact_duplicates import ExactDuplicateIndex, RowLocations
from include.distill.dataset.records import Role, Row
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
from tools.local_airflow.settings import SIMULATED_DEPLOYMENT

SAMPLE = INCLUDE / "data" / "aws_docs_qa"
SEEDS = 25
SIMILAR_QUESTIONS_SHOWN = 12


def read_usable_rows(path: Path) -> list[Row]:
    """
    Read the rows of a CSV that a run would accept.

    The rows are not split into training and evaluation, so each row gets a document group of its own.
    """
    duplicates = Duplicates(ExactDuplicateIndex(RowLocations()))
    with path.open("rb") as body:
        rows = read_rows(body, source=path.name, options=RowOptions(), duplicates=duplicates)
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


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("training", type=Path, nargs="?", default=SAMPLE / "train.csv")
    parser.add_argument("evaluation", type=Path, nargs="?", default=SAMPLE / "evaluation.csv")
    options = parser.parse_args()
    train, evaluation = read_usable_rows(options.training), read_usable_rows(options.evaluation)
    use_case = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=SIMULATED_DEPLOYMENT)
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
    main()
