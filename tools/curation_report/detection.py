"""Run planted pairs through curation: parse the output, filter the pairs row by row, find repetitions across rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from include.distill.config.use_case import UseCase
from include.distill.curation.records import PairText
from include.distill.curation.repeated_pairs import repeated_pairs
from include.distill.dataset.records import Row
from include.distill.inference.output_parsing import parse_llm_output
from tools.curation_report.measurements import pair_filters
from tools.curation_report.planted_defects import DEFECTS, PlantedPair


def filters_that_rejected(
    planted: Sequence[PlantedPair], rows: Sequence[Row], evaluation: Sequence[Row], use_case: UseCase
) -> list[str]:
    """Return, for each planted pair, the name of the filter that rejected it, or ``kept``."""
    filters = pair_filters(evaluation, use_case)
    results: list[str] = []
    passed: list[PairText] = []
    for number, planted_pair in enumerate(planted):
        output = parse_llm_output(planted_pair.output)
        if not output.pairs:
            results.append("malformed")
            continue
        row_filters = filters.for_row(planted_pair.row)
        rejection = row_filters.check(row_filters.candidate(output.pairs[0]))
        results.append(rejection.filter if rejection else "kept")
        if rejection is None:
            pair = output.pairs[0]
            text: PairText = {
                "row_id": str(number),
                "pair": 0,
                "question": pair["question"],
                "answer": pair["answer"],
                "topic": pair["topic"],
            }
            passed.append(text)
    for repeated in repeated_pairs(rows, passed, threshold=use_case.curation.max_question_similarity):
        results[int(repeated["row_id"])] = repeated["filter"]
    return results


def tally(planted: Sequence[PlantedPair], results: Sequence[str]) -> dict[str, Counter[str]]:
    """Count, for each kind of planted pair, the pairs that each filter rejected and the pairs that were kept."""
    counts: dict[str, Counter[str]] = {}
    for planted_pair, result in zip(planted, results, strict=True):
        counts.setdefault(planted_pair.kind, Counter())[result] += 1
    return counts


def found_as_intended(kind: str, counts: Counter[str]) -> int:
    """Return how many defects of a kind were found by a filter that is meant to find them."""
    return sum(counts[name] for name in DEFECTS[kind].found_by)
