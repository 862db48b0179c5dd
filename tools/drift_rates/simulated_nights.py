"""
Simulate the nights of a use case, question by question and document by document, as records of its history.

A judge's verdict on a question follows a latent figure with four parts. One part belongs to the question and one to the
judge's view of the question; both stay from night to night. The other two are drawn again whenever the student is
trained again: one for the new answer, and one for the judge's view of this answer. The parts are such that the latent
figures of one question have a given correlation between nights, and a given correlation between judges.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from include.distill.history.records import HistoryEntry, JudgedRate, Measure

Floats = NDArray[np.float64]

PAIRS_PER_DOCUMENT = 4
ROWS_PER_DOCUMENT = 3
_FIRST_NIGHT = datetime.datetime(2026, 1, 1, 2, tzinfo=datetime.UTC)
_CI95_QUANTILE = 1.98


@dataclass(frozen=True)
class Scenario:
    """
    How a use case is run, and what is true of its models and its data.

    :param persistence: correlation of a question's latent figure between two nights.
    :param agreement: correlation of the latent figures of two judges in one night.
    :param documents: documents of the first night; or of each night, if each night has new documents.
    :param added: documents that are added per delivery. ``None`` if all documents and questions are new each night.
    :param every: nights between two deliveries. In between, all answers are stored, and nothing changes.
    :param weekend: part of the documents that are added on Saturdays and Sundays.
    :param together: correlation of the outcomes of pairs, and of rows, of one document.
    :param wobble: standard deviation of a night's true half-win rate, as from training that is not reproducible.
    """

    name: str
    questions: int = 100
    judges: int = 2
    ties: float = 1 / 3
    persistence: float = 0.5
    agreement: float = 0.6
    documents: int = 600
    added: int | None = 150
    every: int = 1
    weekend: float = 1.0
    half_win_rate: float = 0.6
    accepted: float = 0.8
    rejected_rows: float = 0.02
    together: float = 0.1
    length_variation: float = 0.8
    wobble: float = 0.0


@dataclass(frozen=True)
class Change:
    """A planted change of the true half-win rate, of the true accepted share, and a factor of the cost of pairs."""

    half_win_rate: float = 0.0
    accepted: float = 0.0
    cost: float = 1.0


NO_CHANGE = Change()
# The changes that must be detected on the first night in 9 of 10 simulations.
REQUIRED: dict[Measure, Change] = {
    "half_win_rate": Change(half_win_rate=-0.15),
    "accepted_share": Change(accepted=-0.10),
    "usd_per_pair": Change(cost=1.25),
}


@dataclass
class _Documents:
    """The documents so far, with what became of their pairs and rows."""

    characters: float = 0.0
    number: int = 0
    accepted: int = 0
    rejected_rows: int = 0


class SimulatedNights:
    """
    The nights of one simulated use case, in the order of time.

    :param random: source of all random numbers.
    """

    def __init__(self, scenario: Scenario, random: np.random.Generator) -> None:
        self.scenario = scenario
        self._random = random
        self._night = 0
        self._documents = _Documents()
        self._draw_questions()
        self._draw_answers()

    def run(self, change: Change = NO_CHANGE) -> HistoryEntry:
        """Simulate the next night, and return its record."""
        day = _FIRST_NIGHT + datetime.timedelta(days=self._night)
        entry = _empty_entry(self._night, day)
        if self._night % self.scenario.every == 0 or change != NO_CHANGE:
            self._deliver(entry, day, change)
        self._add_results(entry, change)
        self._night += 1
        return entry

    def quiet(self, nights: int) -> Iterator[HistoryEntry]:
        """Simulate nights without a change."""
        for _ in range(nights):
            yield self.run()

    def _deliver(self, entry: HistoryEntry, day: datetime.datetime, change: Change) -> None:
        """Add documents, buy their pairs, and train the student again."""
        scenario = self.scenario
        if scenario.added is None:
            self._documents = _Documents()
            self._draw_questions()
        self._draw_answers()
        new = scenario.documents if scenario.added is None or self._night == 0 else scenario.added
        if self._night and day.weekday() >= 5:
            new = round(new * scenario.weekend)
        if new:
            self._buy_pairs(entry, new, change)

    def _buy_pairs(self, entry: HistoryEntry, new: int, change: Change) -> None:
        documents, scenario = self._documents, self.scenario
        spread = math.sqrt(math.log(1 + scenario.length_variation**2))
        lengths = self._random.lognormal(math.log(2000) - spread**2 / 2, spread, new)
        documents.number += new
        documents.characters += float(lengths.sum())
        accepted = self._outcomes(new, PAIRS_PER_DOCUMENT, scenario.accepted + change.accepted)
        documents.accepted += accepted
        documents.rejected_rows += self._outcomes(new, ROWS_PER_DOCUMENT, scenario.rejected_rows)
        # Half of the price of a document of average length does not depend on the length.
        prices = 0.004 * (1 + lengths / 2000) / 2 * self._random.lognormal(0, 0.2, new) * change.cost
        entry["new_pairs"] = {
            "documents": new,
            "requested": new * PAIRS_PER_DOCUMENT,
            "accepted": accepted,
            "usd": float(prices.sum()),
        }

    def _outcomes(self, documents: int, each: int, share: float) -> int:
        """Draw how many pairs or rows have an outcome, if those of one document are correlated."""
        strength = 1 / self.scenario.together - 1
        shares = self._random.beta(share * strength, (1 - share) * strength, documents)
        return int(self._random.binomial(each, shares).sum())

    def _draw_questions(self) -> None:
        self._lasting = self._parts(self.scenario.persistence)

    def _draw_answers(self) -> None:
        self._latent = self._lasting + self._parts(1 - self.scenario.persistence)
        self._wobble = float(self._random.normal(0, self.scenario.wobble)) if self.scenario.wobble else 0.0

    def _parts(self, variance: float) -> Floats:
        """Draw two parts of the latent figures, of which the judges share one. ``variance`` is that of their sum."""
        scenario, draw = self.scenario, self._random.standard_normal
        common = math.sqrt(variance * scenario.agreement) * draw(scenario.questions)
        own = math.sqrt(variance * (1 - scenario.agreement)) * draw((scenario.judges, scenario.questions))
        return common + own

    def _add_results(self, entry: HistoryEntry, change: Change) -> None:
        documents = self._documents
        requested = documents.number * PAIRS_PER_DOCUMENT
        read = documents.number * ROWS_PER_DOCUMENT
        entry["judges"] = self._judged(self.scenario.half_win_rate + change.half_win_rate + self._wobble)
        entry["pairs"] = {
            "requested": requested,
            "accepted": documents.accepted,
            "rejected": requested - documents.accepted,
            "missing": 0,
            "dropped": {},
        }
        entry["rows"] = {
            "read": read,
            "accepted": read - documents.rejected_rows,
            "rejected": documents.rejected_rows,
            "training": read - documents.rejected_rows,
            "evaluation": self.scenario.questions,
            "documents": documents.number,
            "mean_document_characters": documents.characters / documents.number,
        }

    def _judged(self, rate: float) -> list[JudgedRate]:
        half_tied = self.scenario.ties / 2
        normal = NormalDist()
        wins = self._latent > normal.inv_cdf(1 - min(max(rate - half_tied, 0.001), 0.999))
        losses = self._latent < normal.inv_cdf(min(max(1 - rate - half_tied, 0.001), 0.999))
        scores = (1.0 + wins - losses) / 2
        judged: list[JudgedRate] = []
        for judge, of_judge in enumerate(scores):
            mean = float(of_judge.mean())
            margin = _CI95_QUANTILE * float(of_judge.std()) / math.sqrt(len(of_judge))
            interval = [max(0.0, mean - margin), min(1.0, mean + margin)]
            judged.append(
                {
                    "judge": f"judge-{judge}",
                    "half_win_rate": mean,
                    "half_win_ci95": interval,
                    "questions": len(of_judge),
                }
            )
        return judged


def _empty_entry(night: int, day: datetime.datetime) -> HistoryEntry:
    return {
        "run_key": f"night-{night:04d}",
        "use_case": "simulated",
        "dag_id": "distill_simulated",
        "run_id": f"scheduled__{day.isoformat()}",
        "owner": "nobody",
        "started_at": day.isoformat(),
        "ended_at": day.isoformat(),
        "state": "succeeded",
        "scheduled": True,
        "estimated_usd": None,
        "spent_usd": None,
        "spent_by_kind": {},
        "simulated": True,
    }
