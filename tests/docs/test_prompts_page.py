"""Compare the figures on the page about optimized prompts with the code."""

from __future__ import annotations

import pytest

from include.distill.config.prompt_optimization import MOST_SAMPLES, REGIONS
from include.distill.core.paths import PROJECT_ROOT
from include.distill.cost.optimization_assumptions import ROUNDS

PAGE = " ".join((PROJECT_ROOT / "docs/how-to/compare_prompts.md").read_text(encoding="utf-8").split())


@pytest.mark.parametrize(
    "text",
    [
        f"optimizes prompts in {len(REGIONS)} Regions",
        f"the first training rows, at most {MOST_SAMPLES}",
        f"The estimate and the bill assume {ROUNDS} rounds",
    ],
)
def test_the_page_states_the_figures_of_the_code(text: str) -> None:
    assert text in PAGE
