"""Judge the students' answers, the verdicts and the report: nothing is lost or paid again, and the counts agree."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tools.simulate.checks.outcome import Outcome, folder_of, runs_of, says_it_is_done

ANSWERS, JUDGE, REPORT = ".answer", "judge.", "report"
LOSES = ("Converse", "InvokeModel", "PutObject")  # a fault at any other call finds no answer in flight
ORDERS = ("baseline_first", "candidate_first")  # each judge sees each pair of answers in both orders


def breaches(outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong with the answers of the arms, with the verdicts, and with the report on them."""
    arms = sorted(task.removesuffix(ANSWERS) for task in outcome.executed if task.endswith(ANSWERS))
    judges = sorted(task.removeprefix(JUDGE) for task in outcome.executed if task.startswith(JUDGE))
    if not arms:
        return
    again = outcome.ledgers[-1]["billed_calls"] - sum("/responses/" in uri for uri in outcome.objects)
    if any(task.startswith("evaluate.") for task in outcome.executed):
        again = 0  # the calls of evaluation jobs are billed too, and Bedrock stores their answers
    faults = sum(call.what in LOSES and _asks_a_model(call.task) for _, call in outcome.met)
    if again > faults:  # a task has one call in flight, so a fault loses one answer at most
        yield f"{again} answers were paid again or are not stored, but the faults can have lost only {faults}."
    if again < 0:
        yield f"{-again} stored answers were never paid."
    last = runs_of(outcome)[-1]
    if outcome.ended[-1] != "success" or outcome.must_fail:
        return
    run = _Run(outcome, last)
    for arm in (one for one in arms if not says_it_is_done(outcome, last, f"{one}{ANSWERS}")):
        yield from run.answers(arm)
    for judge in (one for one in judges if not says_it_is_done(outcome, last, one)):
        yield from run.verdicts(judge)
    is_first = len(outcome.ended) == 1 and not says_it_is_done(outcome, last, ANSWERS, *judges)
    if REPORT in outcome.executed and not says_it_is_done(outcome, last, REPORT):
        yield from run.report(judges, outcome.ledgers[-1] if is_first and not again else None)


def _asks_a_model(label: str) -> bool:
    return label.partition("[")[0].endswith(ANSWERS) or label.startswith(JUDGE)


class _Run:
    """The objects of a run."""

    def __init__(self, outcome: Outcome, run: str) -> None:
        self._objects = {uri: body for uri, body in outcome.objects.items() if folder_of(run) in uri}
        self._run = run
        self._rows = {row["row_id"] for row in self._lines("/shards/evaluation-")}

    def _lines(self, part: str) -> list[Mapping[str, Any]]:
        """Return the records in the files whose URI contains ``part``."""
        files = [body for uri, body in sorted(self._objects.items()) if part in uri and uri.endswith(".jsonl")]
        return [json.loads(line) for body in files for line in body.splitlines()]

    def answers(self, arm: str) -> Iterator[str]:
        """Yield the rows that an arm has not answered exactly once."""
        found = self._lines(f"/answers/{arm}/")
        if not self._rows or Counter(line["row_id"] for line in found) != Counter(self._rows):
            yield f"{self._run} has {len(found)} answers of {arm}, but not one to each of {len(self._rows)} rows."
        if empty := sum(not line["answer"] and not line.get("stop_reason") for line in found):
            yield f"{empty} answers of {arm} are empty without a reason."

    def _pairs(self, judge: str) -> list[str]:
        part = f"/judgments/{judge}/"
        return sorted({uri.partition(part)[2].partition("/")[0] for uri in self._objects if part in uri})

    def verdicts(self, judge: str) -> Iterator[str]:
        """Yield the rows that a judge has not judged exactly once in each order."""
        pairs = self._pairs(judge)
        if not pairs:
            yield f"{judge} has judged no pair of arms in {self._run}."
        wanted = Counter((row, order) for row in self._rows for order in ORDERS)
        for pair in pairs:
            found = self._lines(f"/judgments/{judge}/{pair}/")
            if Counter((line["row_id"], line["order"]) for line in found) != wanted:
                yield f"{self._run} has {len(found)} verdicts of {judge} on {pair}, but needs {wanted.total()}."
            if silent := sum(not line["verdict"] or not (line["raw"] or line.get("same")) for line in found):
                yield f"{silent} verdicts of {judge} on {pair} have no reason."

    def report(self, judges: list[str], ledger: Mapping[str, Any] | None) -> Iterator[str]:
        """
        Yield what is wrong with the report.

        :param ledger: what was paid, if this run has paid everything and lost nothing.
        """
        body = next((body for uri, body in self._objects.items() if uri.endswith("/report/report.json")), None)
        if body is None:
            yield f"{self._run} succeeded without a report."
            return
        report = json.loads(body)
        for one in report["comparisons"]:
            counted = one["wins"] + one["losses"] + one["ties"] + one["unparsable"]
            if counted != len(self._rows):
                yield f"The report counts {counted} verdicts on {one['candidate']}, but {len(self._rows)} rows exist."
        compared = {f"{one['candidate']}--{one['baseline']}" for one in report["comparisons"]}
        if missing := {pair for judge in judges for pair in self._pairs(judge) if "-again" not in pair} - compared:
            yield f"The report lacks the comparison {min(missing)}."
        for kind in ("input", "output") if ledger else ():
            billed = sum(counts[f"{kind}_tokens"] for counts in ledger["by_model"].values()) if ledger else 0
            stated = _tokens(report, kind)
            if stated != billed:
                yield f"The report states {stated:.0f} {kind} tokens, but {billed} were billed."


def _tokens(report: Mapping[str, Any], kind: str) -> float:
    """Return how many tokens of answers and verdicts a report lists."""
    lines = [one for one in report["cost"]["lines"] if one["what"].startswith(("answers ", "judging"))]
    return sum(float(one["quantity"]) for one in lines if one["what"].endswith(f" {kind}"))
