"""The rules for answers, verdicts and the report find each kind of damage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.tools.simulate.checks.ends import RUN, ledger, met, outcome
from tools.simulate.checks.answers import breaches
from tools.simulate.faults import Way

PLACE = f"s3://b/u/runs/u/{RUN.replace('__', '-')}-0"
ORDERS = ("candidate_first", "baseline_first")
SHARD, ANSWERS = "shards/evaluation-0.jsonl", "answers/tuned/0.jsonl"
VERDICTS, REPORT = "judgments/haiku/tuned--base/verdicts.jsonl", "report/report.json"


def lines(*records: dict[str, Any]) -> bytes:
    return "".join(json.dumps(one) + "\n" for one in records).encode()


def answer(row: str, **changes: Any) -> dict[str, Any]:
    return {"row_id": row, "answer": "yes", "stop_reason": "end_turn", **changes}


def verdict(row: str, order: str, raw: str = "A") -> dict[str, Any]:
    return {"row_id": row, "order": order, "verdict": "tie", "raw": raw}


def report(*, ties: int = 2, tokens: int = 30, candidate: str = "tuned") -> bytes:
    counts = {"wins": 0, "losses": 0, "ties": ties, "unparsable": 0}
    bill = [{"what": f"answers tuned: nova {kind}", "quantity": tokens} for kind in ("input", "output")]
    training = {"what": "training tuned: nova", "quantity": 99}
    compared = {"candidate": candidate, "baseline": "base", **counts}
    return json.dumps({"comparisons": [compared], "cost": {"lines": [*bill, training]}}).encode()


FILES = {
    SHARD: lines({"row_id": "r1"}, {"row_id": "r2"}),
    ANSWERS: lines(answer("r1"), answer("r2")),
    VERDICTS: lines(*(verdict(row, order) for row in ("r1", "r2") for order in ORDERS)),
    REPORT: report(),
}


def end(changed: dict[str, bytes | None] | None = None, *, paid: int = 2, **changes: Any) -> Any:
    files = {f"{PLACE}/{name}": body for name, body in {**FILES, **(changed or {})}.items() if body is not None}
    stored = {f"s3://b/u/responses/{number}.json": b"{}" for number in range(2)}
    billed = {**ledger(), "billed_calls": paid, "by_model": {"nova": {"input_tokens": 30, "output_tokens": 30}}}
    executed = {"tuned.answer", "judge.haiku", "report", "outcome"}
    return outcome(billed, **{"executed": executed, "objects": {**files, **stored}, **changes})


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (end(paid=3), "1 answers were paid again or are not stored"),
        (end(paid=4, met=[met(Way.RETRY, "tuned.answer[0]", what="Converse")]), "can have lost only 1"),
        (end(paid=3, met=[met(Way.RETRY, "tuned.answer[0]")]), "can have lost only 0"),
        (end(paid=3, met=[met(Way.RETRY, "report", what="PutObject")]), "can have lost only 0"),
        (end(paid=1), "1 stored answers were never paid"),
        (end({ANSWERS: lines(answer("r1"))}), "has 1 answers of tuned"),
        (end({ANSWERS: lines(answer("r1"), answer("r1"))}), "has 2 answers of tuned"),
        (end({SHARD: b"", ANSWERS: b""}), "has 0 answers of tuned"),
        (end({ANSWERS: lines(answer("r1"), answer("r2", answer="", stop_reason=None))}), "empty without a reason"),
        (end({VERDICTS: None}), "has judged no pair"),
        (end({VERDICTS: lines(*(verdict(row, ORDERS[0]) for row in ("r1", "r2")))}), "has 2 verdicts"),
        (end({VERDICTS: lines(*(verdict(row, order, "") for row in ("r1", "r2") for order in ORDERS))}), "no reason"),
        (end({REPORT: None}), "succeeded without a report"),
        (end({REPORT: report(ties=1)}), "counts 1 verdicts on tuned"),
        (end({REPORT: report(candidate="other")}), "lacks the comparison tuned--base"),
        (end({REPORT: report(tokens=29)}), "states 29 input tokens, but 30 were billed"),
    ],
)
def test_each_kind_of_damage_is_found(end: Any, words: str) -> None:
    found = list(breaches(end))
    assert any(words in breach for breach in found), found


def test_a_good_end_has_no_breach() -> None:
    assert not [*breaches(end())]
    assert not [*breaches(end({ANSWERS: None}, executed={"tuned.submit"}))]


def test_a_fault_explains_one_answer_that_was_paid_again() -> None:
    assert not [*breaches(end(paid=3, met=[met(Way.RETRY, "judge.haiku[1]", what="Converse")]))]


def test_what_a_person_marked_as_successful_need_not_exist() -> None:
    for task, missing in (("tuned.answer[0]", ANSWERS), ("judge.haiku[0]", VERDICTS), ("report", REPORT)):
        assert not [*breaches(end({missing: None}, met=[met(Way.MARK_SUCCESS, task)]))], task


def test_the_answers_that_an_evaluation_job_pays_are_not_stored() -> None:
    executed = {"tuned.answer", "evaluate.tuned_by_haiku.submit"}
    assert not [*breaches(end(paid=9, executed=executed))]
