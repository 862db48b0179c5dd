from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from include.distill.config.sections import Synthesis
from include.distill.curation.filters import FILTER_NAMES
from include.distill.curation.records import PairCounts
from include.distill.synthesis.shortfall import explain_shortfall, is_empty_answer


def empty_answer(text: str = "") -> dict[str, Any]:
    return {"row_id": "1", "filter": "malformed", "reason": "no_record", "message": "", "text": text}


def unreadable(reason: str) -> dict[str, Any]:
    return {**empty_answer('{"question": "How'), "reason": reason}


def explain(
    rejects: list[dict[str, Any]],
    *,
    missing: int = 0,
    dropped: dict[str, int] | None = None,
    failed: int = 0,
    simulated: bool = False,
    **settings: int,
) -> tuple[str, str]:
    filters = Counter(reject["filter"] for reject in rejects) + Counter(dropped or {})
    rejected = filters.total()
    counts: PairCounts = {
        "documents": 12, "requested": 36, "accepted": 36 - rejected - missing, "rejected": rejected,
        "missing": missing, "surplus": 0,
    }  # fmt: skip
    return explain_shortfall(
        counts,
        failed=failed,
        advice_on_failed_rows="Ask for a higher quota.",
        dropped=dict(filters),
        rejects=rejects,
        settings=Synthesis(**settings),
        simulated=simulated,
    )


@pytest.mark.parametrize(
    "text", ["", "  \n", "[]", "{}", '{"pairs": []}', "```json\n[]\n```", '{"pairs": [{}]}', "None"]
)
def test_an_answer_without_a_pair_is_empty(text: str) -> None:
    assert is_empty_answer(empty_answer(text))


@pytest.mark.parametrize("text", ["I cannot help.", '{"question": "How', "[{}, Sorry, no]"])
def test_other_unreadable_output_is_not_empty(text: str) -> None:
    assert not is_empty_answer(empty_answer(text))


def test_the_row_of_a_failed_call_and_a_rejected_pair_are_not_empty_answers() -> None:
    assert not is_empty_answer({"row_id": "1", "reason": "ServiceError", "message": "", "text": {"question": ""}})


class TestEmptyAnswers:
    rejects = [empty_answer('{"pairs": []}')] * 11

    def test_empty_answers_are_named_as_the_cause_and_explain_the_missing_pairs(self) -> None:
        causes, _ = explain(self.rejects, missing=22)
        assert causes == "Lost pairs: 33 because the teacher's answer contained no pair (for 11 of 12 rows)."

    def test_the_simulated_teacher_is_named_and_no_setting_is_advised(self) -> None:
        _, advice = explain(self.rejects, missing=22, simulated=True)
        assert "simulated teacher" in advice
        assert "documents with more sentences" in advice
        assert not any(word in advice for word in ("synthesis.", "curation", "prompt"))

    def test_more_attempts_are_advised_to_a_real_teacher_unless_they_are_used_up(self) -> None:
        assert "synthesis.attempts" in explain(self.rejects, missing=22)[1]
        assert "synthesis.attempts" not in explain(self.rejects, missing=22, attempts=5)[1]
        assert "curation" not in explain(self.rejects, missing=22)[1]


class TestOtherCauses:
    def test_the_causes_add_up_and_the_largest_comes_first(self) -> None:
        causes, _ = explain(
            [empty_answer(), unreadable("not_json"), unreadable("truncated")],
            missing=9,
            failed=2,
            dropped={"ungrounded": 7, "leak": 1, "malformed": 1},
        )
        assert causes == (
            "Lost pairs: 7 dropped by the filter ungrounded;"
            " 6 because a model gave no answer (for 2 rows);"
            " 3 because the teacher's answer contained no pair (for 1 of 12 rows);"
            " 2 because the teacher's output cannot be read;"
            " 1 because the teacher wrote fewer pairs than requested;"
            " 1 dropped by the filter malformed; 1 dropped by the filter leak."
        )

    def test_the_advice_on_failed_rows_is_given_if_they_are_a_main_cause(self) -> None:
        assert explain([], missing=9, failed=3)[1] == "Ask for a higher quota."
        assert "quota" not in explain([], missing=1, failed=1, dropped={"leak": 20})[1]

    @pytest.mark.parametrize("name", [*FILTER_NAMES, "critic"])
    def test_every_filter_gets_advice_that_names_its_settings(self, name: str) -> None:
        causes, advice = explain([], dropped={name: 20})
        assert causes == f"Lost pairs: 20 dropped by the filter {name}."
        assert name in advice or "max_leak_similarity" in advice
        assert ("curation." in advice) == (name not in ("malformed", "injected", "breaks_job", "leak"))

    def test_neither_prompt_nor_rounds_are_advised_for_the_simulated_teacher(self) -> None:
        _, advice = explain([], dropped={"repeats_pair": 20}, simulated=True)
        assert advice == (
            "For the filter repeats_pair: use documents that are less alike, or raise"
            " curation.max_question_similarity in the use case."
        )
        assert "prompt" in explain([], dropped={"repeats_pair": 20})[1]

    def test_output_that_is_cut_off_needs_more_tokens(self) -> None:
        assert "synthesis.max_tokens" in explain([unreadable("truncated")] * 12, missing=24)[1]
        assert "max_tokens" not in explain([unreadable("not_json")] * 12, missing=24)[1]

    def test_missing_pairs_can_be_requested_again_unless_the_rounds_are_used_up(self) -> None:
        assert "Raise synthesis.rounds" in explain([], missing=20)[1]
        assert explain([], missing=20, rounds=5)[1] == "Lower synthesis.pairs_per_document."

    def test_a_small_cause_gets_no_advice(self) -> None:
        assert "leak" not in explain([], missing=20, dropped={"leak": 2})[1]

    def test_surplus_output_is_no_cause(self) -> None:
        rejects = [{**empty_answer("Sorry, no more."), "surplus": True}]
        counts: PairCounts = {
            "documents": 1, "requested": 3, "accepted": 0, "rejected": 0, "missing": 3, "surplus": 1,
        }  # fmt: skip
        causes, _ = explain_shortfall(
            counts,
            failed=0,
            advice_on_failed_rows="",
            dropped={},
            rejects=rejects,
            settings=Synthesis(),
            simulated=False,
        )
        assert causes == "Lost pairs: 3 because the teacher wrote fewer pairs than requested."
