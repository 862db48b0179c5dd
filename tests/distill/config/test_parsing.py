from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.parsing import OVERRIDES, with_overrides
from include.distill.core.errors import UseCaseError
from tests.distill.conftest import make_use_case


class TestOverrides:
    def test_overrides_replace_the_values_of_the_file(self) -> None:
        values = {"training_csv": "other.csv", "documents": 7, "pairs_per_document": 5, "max_spend_usd": 3}
        made = with_overrides(make_use_case(), values)
        assert (made.source.training_csv, made.source.documents) == ("other.csv", 7)
        assert (made.synthesis.pairs_per_document, made.max_spend_usd) == (5, 3)

    @pytest.mark.parametrize(
        "values",
        [
            pytest.param({}, id="none"),
            pytest.param(dict.fromkeys(OVERRIDES), id="all left empty"),
            pytest.param(dict.fromkeys(OVERRIDES, ""), id="all empty texts"),
            pytest.param({"dry_run": True, "teacher": "nova-lite"}, id="keys that are not overrides"),
        ],
    )
    def test_an_empty_form_keeps_the_values_of_the_file(self, values: dict[str, Any]) -> None:
        assert with_overrides(make_use_case(), values) == make_use_case()

    @pytest.mark.parametrize("empty", [None, ""])
    def test_an_emptied_field_clears_only_values_that_may_be_absent(self, empty: str | None) -> None:
        source = {"training_csv": "t.csv", "evaluation_csv": "e.csv", "documents": 5, "evaluation_rows": 6}
        use_case = with_overrides(make_use_case(source=source), dict.fromkeys(OVERRIDES, empty))
        cleared = use_case.source
        assert (cleared.evaluation_csv, cleared.documents, cleared.evaluation_rows) == (None, None, None)
        assert (cleared.training_csv, use_case.max_spend_usd) == ("t.csv", 100)
        assert with_overrides(make_use_case(source=source), {}).source.documents == 5

    @pytest.mark.parametrize("values", [{"documents": 0}, {"pairs_per_document": 21}, {"max_spend_usd": -1}], ids=str)
    def test_overrides_out_of_range_are_refused_with_the_name_of_the_form(self, values: dict[str, Any]) -> None:
        with pytest.raises(UseCaseError, match="tiny with the values of the trigger form: ") as raised:
            with_overrides(make_use_case(), values)
        assert next(iter(values)) in str(raised.value)

    @pytest.mark.parametrize("cap", [0.01, 99.99, 100, None, ""])
    def test_the_form_can_only_lower_the_cap_of_the_file(self, cap: object) -> None:
        made = with_overrides(make_use_case(max_spend_usd=100), {"max_spend_usd": cap})
        assert made.max_spend_usd == (float(str(cap)) if cap else 100)

    @pytest.mark.parametrize("cap", [100.01, 101, 1e300, 10**400, "1e9"])
    def test_a_cap_above_the_cap_of_the_file_is_refused(self, cap: object) -> None:
        with pytest.raises(
            UseCaseError, match=r"tiny with the values of the trigger form: Spend cap, US dollars \(max_spend_usd\)"
        ):
            with_overrides(make_use_case(max_spend_usd=100), {"max_spend_usd": cap})

    def test_the_message_about_a_cap_names_both_amounts_and_what_to_do(self) -> None:
        with pytest.raises(UseCaseError) as raised:
            with_overrides(make_use_case(max_spend_usd=100), {"max_spend_usd": 250})
        for part in (
            "is 250;",
            "at most 100,",
            "100 is max_spend_usd in tiny.yaml",
            "Nothing was bought",
            "Trigger a new run",
        ):
            assert part in str(raised.value)
