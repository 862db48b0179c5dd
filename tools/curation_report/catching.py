"""Pass planted pairs through all filters: reading the answer, the filters of a row, repeats among all rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from include.distill.config.sections import Curation
from include.distill.core.storage import Record
from include.distill.curation.filters import PairFilterFactory, index_evaluation_questions
from include.distill.curation.repeated_pairs import repeated_pairs
from include.distill.inference.output_parsing import parse_llm_output
from tools.curation_report.planted import Planted

# The filters that are meant to find each kind of defect.
OWN = {
    "duplicate": {"repeats_original", "repeats_pair"},
    "leak": {"leak"},
    "ungrounded": {"ungrounded"},
    "refusal": {"refusal"},
    "over-long": {"length"},
    "malformed": {"malformed"},
}


def verdicts(
    planted: Sequence[Planted], rows: Sequence[Record], evaluation: Sequence[Record], settings: Curation
) -> list[str]:
    """Return for each planted pair the name of the filter that dropped it, or ``kept``."""
    curator = PairFilterFactory(settings, index_evaluation_questions(evaluation, settings), lambda _: None)
    names: list[str] = []
    passed: list[Record] = []
    for number, one in enumerate(planted):
        output = parse_llm_output(one.output)
        pair = output.pairs[0] if output.pairs else None
        drop = curator.for_row(one.row).check(pair) if pair else None
        names.append(drop.filter if drop else "kept" if pair else "malformed")
        if pair and not drop:
            passed.append({"row_id": str(number), "pair": 0, **pair})
    for record in repeated_pairs(rows, passed, threshold=settings.max_question_similarity):
        names[int(record["row_id"])] = record["filter"]
    return names


def tally(planted: Sequence[Planted], names: Sequence[str]) -> dict[str, Counter[str]]:
    """
    Count for each kind of planted pair how many each filter dropped and how many were kept.

    :param names: what :func:`verdicts` returned for the planted pairs.
    """
    counts: dict[str, Counter[str]] = {}
    for pair, name in zip(planted, names, strict=True):
        counts.setdefault(pair.kind, Counter())[name] += 1
    return counts


def found_by_own(kind: str, counts: Counter[str]) -> int:
    """Count how many defects of a kind were found by the filters that are meant to find them."""
    return sum(counts[name] for name in OWN[kind])
