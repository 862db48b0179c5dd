"""Draw a sample of answers for the tests of labeling."""

from __future__ import annotations

from typing import Any

from include.distill.labeling.records import LabelExample
from include.distill.labeling.sample import draw_sample
from tests.distill.conftest import make_row

PAIR = ("tuned", "base")
ROWS = [make_row(number) for number in range(60)]
ANSWERS = {arm: {row["row_id"]: f"{arm} on {row['row']}" for row in ROWS} for arm in PAIR}


def sample(examples: int = 20, **changes: Any) -> list[LabelExample]:
    given = {"answers": ANSWERS, "pair": PAIR, "examples": examples, "seed": 7, "run_key": "r", **changes}
    return draw_sample(ROWS, **given)


def with_new_answers(*changed: int) -> dict[str, dict[str, str]]:
    """Return the answers, with new answers of ``tuned`` for the rows with the numbers ``changed``."""
    new = {ROWS[number]["row_id"]: f"a new answer to {number}" for number in changed}
    return {**ANSWERS, "tuned": {**ANSWERS["tuned"], **new}}
