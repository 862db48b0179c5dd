from __future__ import annotations

import pytest

from include.distill.config.alternatives import alternatives, suggestion
from include.distill.config.catalog import Model, load_catalog
from include.distill.cost.prices import load_prices

CATALOG = load_catalog()
COSTS = {key: prices["output_per_million"] for key, prices in load_prices().models.items()}


def takes_batches(model: Model) -> bool:
    return model.batch is not None


def test_models_of_the_same_provider_come_first_and_cheaper_ones_before_others() -> None:
    refused = CATALOG.model("claude-sonnet-5-5")
    assert alternatives(refused, takes_batches, costs=COSTS) == ("claude-haiku-4-5", "claude-sonnet-4-6", "nova-micro")


def test_models_that_the_use_case_uses_are_left_out_and_so_is_the_refused_model() -> None:
    refused = CATALOG.model("claude-sonnet-4-6")
    named = alternatives(refused, takes_batches, used=["claude-haiku-4-5", "nova-micro"], costs=COSTS)
    assert named == ("llama-3-1-8b", "nova-lite", "llama-3-1-70b")


@pytest.mark.parametrize("model", CATALOG.models.values(), ids=list(CATALOG.models))
def test_no_legacy_or_retired_model_is_ever_named(model: Model) -> None:
    named = alternatives(model, lambda _: True)
    assert {CATALOG.models[key].lifecycle for key in named} == {"active"}
    assert model.key not in named


def test_without_an_alternative_the_sentence_says_where_to_look() -> None:
    assert alternatives(CATALOG.model("nova-micro"), lambda _: False) == ()
    assert suggestion(()) == "name another model of include/models.yaml in the use-case file"
    assert suggestion(["a", "b"]).endswith("such as a, b")
