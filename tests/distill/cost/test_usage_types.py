from __future__ import annotations

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.cost.price_table import load_price_table
from include.distill.cost.records import PriceName
from include.distill.cost.usage_types import STORAGE, UNITS, extra_usage_type, usage_types

TABLE = load_price_table()


@pytest.mark.parametrize(
    ("model", "price", "usage_type"),
    [
        # Seen in AWS's price list, on bills or in AWS's documentation; see `source` in include/prices.yaml.
        ("nova-micro", "input_per_million", "USE1-NovaMicro-input-tokens"),
        ("nova-2-lite", "training_per_thousand", "USE1-Nova2.0Lite-Customization-Training"),
        ("nova-2-lite", "custom_output_per_million", "USE1-Nova2.0Lite-output-tokens-custom-model"),
        ("nova-2-lite", "throughput_per_hour", "USE1-Nova2.0Lite-ProvisionedThroughput-NoCommit-ModelUnits"),
        ("llama-3-1-70b", "throughput_per_hour", "USW2-Llama3-1-70B-ProvisionedThroughput-NoCommit-ModelUnits"),
        ("llama-3-3-70b", "training_per_thousand", "USW2-Llama3-3-70B-Customization-Training"),
        ("mistral-large-3", "output_per_million", "USE1-Mistral-Large-3-675b-Instruct-output-tokens"),
        ("claude-sonnet-5-5", "input_per_million", "USE1-MP:USE1_input_tokens_standard-Units"),
        ("claude-sonnet-4-6", "output_per_million", "USE1-MP:USE1_OutputTokenCount-Units"),
    ],
)
def test_the_table_names_usage_types_as_the_price_list_does(model: str, price: PriceName, usage_type: str) -> None:
    assert usage_types(TABLE.usage_types, model)[price].name == usage_type


def test_models_of_the_marketplace_have_a_service_and_no_prices_of_custom_models() -> None:
    found = usage_types(TABLE.usage_types, "claude-haiku-4-5")
    assert set(found) == {"input_per_million", "output_per_million"}
    assert {usage_type.service for usage_type in found.values()} == {"Claude Haiku 4.5 (Amazon Bedrock Edition)"}
    assert extra_usage_type(TABLE.usage_types, "claude-haiku-4-5", STORAGE) is None


@pytest.mark.parametrize("model", TABLE.models)
def test_every_model_with_prices_has_usage_types_in_a_region_where_it_is_customized(model: str) -> None:
    names = TABLE.usage_types.models[model]
    assert names.region in TABLE.usage_types.prefixes
    facts = load_catalog().model(model).customization
    assert facts is None or names.region in facts.regions
    assert TABLE.models[model].keys() <= usage_types(TABLE.usage_types, model).keys() <= UNITS.keys()
