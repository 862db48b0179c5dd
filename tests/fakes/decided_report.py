"""Store a report with decisions of the promotion rule, as the task ``report`` leaves it for later tasks."""

from __future__ import annotations

from typing import Any

from bedrock_distill.run.champion_asset import champion_asset
from include.distill.core.storage import write_json
from include.distill.evaluation.answer_counts import count_endings
from include.distill.evaluation.comparisons import compare
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER

CHAMPION_URI = f"{FOLDER.root}/champions/aws_docs_qa.json"
ASSET = champion_asset("aws_docs_qa")
BASE = {"name": "base", "kind": "base"}
ARMS = [BASE, {"name": "tuned"}, {"name": "more"}, {"name": "best", "kind": "champion"}]
ADA = {"id": "1", "name": "ada"}
TRAINED = {name: {"model_arn": f"arn:model/{name}"} for name in ("tuned", "more")}
JUDGES = ("claude-haiku-4-5", "mistral-large-3")
CUT = count_endings([{"answer": "A.", "stop_reason": "max_tokens"}] * 120)
COMPLETE = count_endings([{"answer": "A.", "stop_reason": "end_turn"}] * 120)
REPORTED = {"report_json_uri": FOLDER.report("json"), "report_html_uri": FOLDER.report("html")}


def decision(candidate: str, bound: float = 0.6, *, promoted: bool = True) -> dict[str, Any]:
    return {
        "candidate": candidate,
        "champion": "best",
        "promoted": promoted,
        "reasons": [f"haiku: lower bound {bound:.1%}"],
        "lower_bound": bound,
    }


def comparison(judge: str, candidate: str, outcomes: list[str], *, groups: int = 120) -> dict[str, Any]:
    verdicts = [
        {"row_id": f"r{n}", "judge": judge, "candidate": candidate, "baseline": "best", "order": order, "verdict": won}
        for n, won in enumerate(outcomes)
        for order in ("candidate_first", "baseline_first")
    ]
    return {**compare(verdicts, {f"r{n}": f"g{n % groups}" for n in range(len(outcomes))})}


CLEAR = ["candidate"] * 90 + ["baseline"] * 30


def decide(
    store: MemoryStore,
    *decisions: dict[str, Any],
    outcomes: list[str] = CLEAR,
    groups: int = 120,
    **more: Any,
) -> None:
    """Store a report with the decisions of the promotion rule, and with comparisons that have ``outcomes``."""
    report = {
        "comparisons": [
            comparison(judge, one["candidate"], outcomes, groups=groups) for one in decisions for judge in JUDGES
        ],
        "answer_endings": dict.fromkeys(("tuned", "more", "best", "base"), COMPLETE),
        "run_key": FOLDER.run_key,
        "dag_id": "d",
        "run_id": "r",
        "simulated": True,
        "verdict": "tuned is better: haiku preferred it.",
        "promotion": {"rule": "r", "false_promotions_a_year": 9, "decisions": list(decisions)},
        **more,
    }
    write_json(store, FOLDER.report("json"), report)
