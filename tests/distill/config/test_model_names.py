from __future__ import annotations

import pytest
from pydantic import ValidationError

from include.distill.config.model_names import different_models, model_keys


def test_keys_and_inference_ids_become_keys() -> None:
    assert different_models(["us.amazon.nova-lite-v1:0", "nova-pro"]) == ("nova-lite", "nova-pro")


def test_every_unknown_name_is_reported_in_its_place() -> None:
    with pytest.raises(ValidationError) as raised:
        model_keys(["nova-por", "nova-pro", "x"], lambda index: ("models", index))
    found = [(error["loc"], error["msg"].split(";")[0]) for error in raised.value.errors()]
    assert found == [(("models", 0), "Unknown model 'nova-por'"), (("models", 2), "Unknown model 'x'")]


def test_a_model_under_two_names_is_refused() -> None:
    with pytest.raises(ValidationError, match="which is nova-lite again; expected a different model"):
        different_models(["nova-lite", "us.amazon.nova-lite-v1:0"])
