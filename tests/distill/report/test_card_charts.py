from __future__ import annotations

from typing import Any

import pytest

from include.distill.report.card_charts import grounding_chart, length_chart, topic_chart
from include.distill.training.figures import CardFigures


def card(topic: str = "buckets") -> dict[str, Any]:
    figures = CardFigures(seed=1)
    for number in range(20):
        figures.add_original({"question": "q" * 30, "answer": "a" * 300})
        figures.add_pair(
            {
                "row_id": f"row{number}",
                "pair": 0,
                "question": "q" * 50,
                "answer": "a" * 9_000,
                "topic": topic,
                "grounding": 0.95,
            }
        )
    return {"arm": "<b>tuned</b>", **figures.as_record()}


def test_every_bin_shows_its_share_of_originals_and_pairs() -> None:
    drawn = length_chart(card(), "answer", width=720)
    assert "originals: up to 25 0%" in drawn
    assert "up to 400 100%" in drawn
    assert "more than 6400 100%" in drawn


@pytest.mark.parametrize("width", [330, 720])
def test_text_that_models_wrote_is_escaped(width: int) -> None:
    hostile = card("<script>alert(1)</script>")
    drawn = topic_chart(hostile, width=width) + length_chart(hostile, "question", width=width)
    assert "<script" not in drawn
    assert "<b>" not in drawn
    assert grounding_chart(hostile, width=width).count("<svg") == 1


def test_there_is_no_chart_without_records_and_pairs() -> None:
    nothing = {"arm": "tuned", **CardFigures(seed=1).as_record()}
    assert grounding_chart(nothing, width=720) == ""
    assert length_chart(nothing, "question", width=720) == ""
    assert topic_chart(nothing, width=720) == ""
