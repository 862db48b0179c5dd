"""Compare the figures on the pages about optimized prompts with the code."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.prompt_optimization import MOST_SAMPLES, REGIONS
from include.distill.cost.amounts import usd_text
from include.distill.cost.estimate import estimate
from include.distill.cost.optimization_assumptions import ROUNDS
from include.distill.cost.optimization_lines import optimization_notes
from include.distill.cost.prices import load_prices
from tests.distill.conftest import make_row
from tests.docs.pages import page
from tests.fakes.variables import VARIABLES
from tests.tools.aws_simulator.models.sample_rows import sample_rows

PAGE = " ".join(page("how-to/compare_prompts.md").split())
COSTS = " ".join(page("how-to/estimate_the_cost.md").split())
EXAMPLE = load_use_case(USE_CASES_FOLDER / "compare_prompts.yaml", environment=VARIABLES)


@pytest.fixture(scope="module")
def train() -> list[Any]:
    """The training rows of the example."""
    rows = sample_rows("train.csv", EXAMPLE.source.documents or 0)
    texts = ({"document": row["doc"], "question": row["question"], "answer": row["answer"]} for row in rows)
    return [make_row(number, **row) for number, row in enumerate(texts, start=1)]


@pytest.mark.parametrize(
    "text",
    [
        f"optimizes prompts in {len(REGIONS)} Regions",
        f"the first training rows, at most {MOST_SAMPLES}",
        f"The estimate and the bill assume {ROUNDS} rounds",
        f"with its {EXAMPLE.prompt_optimization.samples} samples",
    ],
)
def test_the_page_states_the_figures_of_the_code(text: str) -> None:
    assert text in PAGE


def test_the_pages_state_what_the_job_and_the_training_of_the_example_cost(train: list[Any]) -> None:
    prices = load_prices()
    [note] = optimization_notes(EXAMPLE, train, prices)
    job, most = (note.partition(before)[2].split()[0].rstrip(",") for before in ("estimated at ", "costs about "))
    assert f"the job is estimated at {job}, and costs at most about {most}." in PAGE
    assert f'the estimate of the job is {job}, and the amount "at most" is {most} ' in COSTS
    lines = estimate(EXAMPLE, train=train, evaluation=train, prices=prices)
    [training] = (line for line in lines if line.what.startswith("training tuned:"))
    assert f"`tuned` is estimated at {usd_text(training.usd)} " in PAGE
