from __future__ import annotations

from bedrock_distill.lifecycle.throughput import hourly_cost_note
from tests.plugins.lifecycle.test_endpoints import provisioned


class TestHourlyCostNote:
    def test_the_note_gives_the_rate_of_all_model_units(self) -> None:
        assert hourly_cost_note(provisioned(usd_per_hour=60.504)) == ", at $60.50 per hour"

    def test_the_note_is_empty_for_a_manifest_of_an_earlier_version(self) -> None:
        assert hourly_cost_note(provisioned()) == ""
