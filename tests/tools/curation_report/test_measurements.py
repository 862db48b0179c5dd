"""Real rows are measured as the filters measure them."""

from __future__ import annotations

from typing import Any

from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.curation.filters import FILTER_NAMES
from tests.fakes.variables import VARIABLES
from tests.tools.aws_simulator.models.short_rows import SHORT_ROWS
from tools.curation_report.__main__ import SAMPLE, read_usable_rows
from tools.curation_report.measurements import (
    QUANTILES,
    grounding,
    lengths,
    quantiles,
    similar_questions,
    simulator_pairs,
)

ROWS: list[dict[str, Any]] = [
    {"document": "Zebras graze on the plains.", "question": "Where do zebras graze?", "answer": "On the plains."},
    {"document": "Otters swim in rivers.", "question": "Where do otters swim?", "answer": "In rivers."},
    {"document": "Otters swim in rivers.", "question": "Where do otters swim then?", "answer": "In rivers."},
]


def test_quantiles_begin_with_the_smallest_and_end_with_the_largest_value() -> None:
    values = quantiles(range(101))
    assert len(values) == len(QUANTILES)
    assert (values[0], values[5], values[-1]) == (0, 50, 100)
    assert lengths(ROWS, "answer")[-1] == len("On the plains.")


def test_an_answer_is_grounded_in_its_own_document_and_not_in_another_one() -> None:
    own, foreign = grounding(ROWS, seed=1)
    assert own == {"kept": len(ROWS)}
    assert foreign["kept"] < own["kept"]
    assert grounding(ROWS, seed=1) == (own, foreign)


def test_only_similar_questions_are_listed_the_most_similar_first() -> None:
    pairs = similar_questions(ROWS)
    assert pairs[0][1:] == ("Where do otters swim then?", "Where do otters swim?") or pairs[0][1:] == (
        "Where do otters swim?",
        "Where do otters swim then?",
    )
    assert [pair[0] for pair in pairs] == sorted((pair[0] for pair in pairs), reverse=True)
    assert all(0.5 <= pair[0] < 1 for pair in pairs)


def test_every_pair_of_the_simulated_teacher_is_kept_or_dropped_by_one_filter() -> None:
    use_case = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES)
    rows = read_usable_rows(SAMPLE / "train.csv")[:10]
    counts = simulator_pairs(rows, read_usable_rows(SAMPLE / "evaluation.csv")[:10], use_case)
    assert counts["requested"] == 10 * use_case.synthesis.pairs_per_document
    assert counts["kept"] > 0
    accounted_for = counts["missing"] + counts["kept"] + sum(counts[name] for name in FILTER_NAMES)
    assert accounted_for == counts["requested"]


def test_nearly_all_pairs_from_short_documents_of_many_languages_are_kept() -> None:
    use_case = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES)
    rows: list[Any] = [
        {"row_id": str(number), "document": document, "question": question, "answer": answer}
        for number, (document, question, answer) in enumerate(SHORT_ROWS)
    ]
    counts = simulator_pairs(rows, [], use_case)
    assert counts["kept"] >= 0.9 * counts["requested"]
