"""Name the simulated use cases whose rates ``docs/explanation/drift.md`` states."""

from __future__ import annotations

from tools.drift_rates.simulated_nights import Change, Scenario

# 600 documents at first, 150 more each night, 100 questions that stay, two judges.
USUAL = Scenario("usual")

SCENARIOS = (
    USUAL,
    Scenario("verdicts on a question are independent between nights", persistence=0.0),
    Scenario("verdicts on a question hardly change between nights", persistence=0.9),
    Scenario("one judge", judges=1),
    Scenario("new documents and questions each night", added=None, documents=150, persistence=0.0),
    Scenario("data once a week, stored answers in between", every=7),
    Scenario("data once, then stored answers", every=1000),
    Scenario("a tenth of the documents on weekends", weekend=0.1),
    Scenario("the true half-win rate varies by ±0.03", wobble=0.03),
    Scenario("50 questions, 20 new documents", questions=50, documents=100, added=20),
    Scenario("1,000 questions, 500 new documents", questions=1000, documents=5000, added=500),
)

# By number of questions, and of new documents (four times as many pairs) per night.
SIZES = tuple(
    Scenario(f"{questions} questions, {added} new documents", questions=questions, documents=4 * added, added=added)
    for questions, added in ((25, 25), (50, 50), (75, 100), (100, 150), (200, 300))
)

# Odd nights within the nights that the later ones are compared with.
CONTAMINATED = {
    "one odd night among the nights before": {20: Change(half_win_rate=-0.15, accepted=-0.1, cost=1.25)},
    "five odd nights among the nights before": {
        night: Change(half_win_rate=-0.15, accepted=-0.1, cost=1.25) for night in (10, 15, 20, 25, 30)
    },
}
