from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.core.errors import UseCaseError
from include.distill.cost.price_table import Price
from include.distill.cost.prices import BillLine, Prices, load_prices, total_usd, unverified_note
from tests.distill.conftest import make_use_case


def price(usd: float, **more: Any) -> Price:
    return Price(
        **{"usd": usd, "verified": True, "source": "a price list", "checked": datetime.date(2026, 11, 22), **more}
    )


PRICES = Prices(
    {
        "nova-micro": {
            "input_per_million": 1,
            "output_per_million": 2,
            "training_per_thousand": 0.01,
            "throughput_per_hour": 10,
        }
    },
    batch_share=0.5,
    facts={
        "nova-micro": {
            "input_per_million": price(1),
            "output_per_million": price(2),
            "throughput_per_hour": price(10, verified=False, source="a blog"),
        }
    },
)


class TestBill:
    def test_a_line_costs_quantity_times_price_rounded_to_the_hundredth_of_a_cent(self) -> None:
        line = BillLine("w", 3, "token", 0.00003)
        assert line.usd == 0.0001
        assert line.as_record() == {
            "what": "w",
            "quantity": 3,
            "unit": "token",
            "unit_price_usd": 0.00003,
            "usd": 0.0001,
        }

    @given(st.lists(st.builds(BillLine, st.just("w"), st.floats(0, 1e9), st.just("u"), st.floats(0, 100))))
    def test_the_total_is_the_sum_of_the_rounded_lines(self, lines: list[BillLine]) -> None:
        assert total_usd(lines) == pytest.approx(sum(line.as_record()["usd"] for line in lines), abs=1e-4)

    def test_prices_are_per_million_tokens_thousand_training_tokens_and_unit_hour(self) -> None:
        lines = PRICES.token_lines("w", "nova-micro", 1_000_000, 500_000)
        assert [line.usd for line in lines] == [1, 1]
        assert PRICES.training_line("tuned", "nova-micro", 2000).usd == 0.02
        assert PRICES.throughput_line("tuned", "nova-micro", 1.5).usd == 15

    def test_a_batch_token_costs_its_share_of_the_price_and_the_line_is_named_batch(self) -> None:
        lines = PRICES.token_lines("w", "nova-micro", 1_000_000, 500_000, batch=True)
        assert {line.what: line.usd for line in lines} == {
            "w: nova-micro batch input": 0.5,
            "w: nova-micro batch output": 0.5,
        }

    def test_a_token_of_a_deployment_has_its_own_price_and_the_line_names_the_custom_model(self) -> None:
        custom: Any = {"custom_input_per_million": 3, "custom_output_per_million": 4}
        prices = Prices({"nova-micro": {**PRICES.models["nova-micro"], **custom}}, batch_share=0.5)
        lines = prices.token_lines("answers tuned", "nova-micro", 1_000_000, 500_000, deployed=True)
        assert {line.what: line.usd for line in lines} == {
            "answers tuned: nova-micro custom model input": 3,
            "answers tuned: nova-micro custom model output": 2,
        }

    def test_a_deployment_without_a_price_is_never_billed_at_the_price_of_the_base_model(self) -> None:
        assert PRICES.has("nova-micro", "input_per_million")
        assert not PRICES.has("nova-micro", "input_per_million", "custom_input_per_million")
        assert not PRICES.has("nobody", "input_per_million")
        with pytest.raises(UseCaseError, match="no custom_input_per_million for nova-micro"):
            PRICES.token_lines("w", "nova-micro", 1, 1, deployed=True)

    @pytest.mark.parametrize(("model", "name"), [("nobody", "input_per_million"), ("nova-micro", "per_moon")])
    def test_an_unknown_price_raises_an_error(self, model: str, name: Any) -> None:
        with pytest.raises(UseCaseError, match=f"no {name} for {model}.*Add the price"):
            PRICES.price(model, name)


class TestVerification:
    def test_a_line_whose_price_is_not_verified_says_so_and_others_do_not(self) -> None:
        hour = PRICES.throughput_line("tuned", "nova-micro", 1.5)
        assert (hour.verified, hour.as_record()["unverified"]) == (False, True)
        for line in (*PRICES.token_lines("w", "nova-micro", 1, 1), PRICES.training_line("tuned", "nova-micro", 1)):
            assert line.verified
            assert "unverified" not in line.as_record()

    def test_the_note_names_the_unverified_lines_of_a_bill_or_of_a_stored_estimate_with_their_sum(self) -> None:
        lines = [BillLine("a", 2, "token", 1, False), BillLine("b", 1, "token", 5), BillLine("c", 1, "token", 3, False)]
        note = unverified_note(lines)
        assert note == unverified_note([line.as_record() for line in lines])
        assert note
        assert note.startswith("Prices that are not verified: a ($2.00), c ($3.00); together $5.00.")
        assert "https://aws.amazon.com/bedrock/pricing/" in note

    def test_there_is_no_note_if_all_prices_are_verified(self) -> None:
        assert unverified_note(PRICES.token_lines("w", "nova-micro", 1, 1)) is None
        assert unverified_note([]) is None


class TestSources:
    def test_the_source_of_a_price_names_where_and_when_the_price_was_read(self) -> None:
        use_case = make_use_case(teacher="nova-micro", judges=["nova-micro"])
        assert PRICES.sources(use_case) == {
            "nova-micro": "input_per_million, output_per_million: a price list, 2026-11-22;"
            " throughput_per_hour: a blog, 2026-11-22 (not verified)"
        }

    def test_the_shipped_price_table_has_a_source_for_every_model_of_a_use_case(self) -> None:
        use_case = make_use_case()
        assert load_prices().sources(use_case).keys() == set(use_case.models)
        assert not any("not stated" in source for source in load_prices().sources(use_case).values())


class TestHumanWorkers:
    def test_each_answer_has_a_price(self) -> None:
        line = Prices({}, 0.5, human_task=price(0.21, verified=False)).human_line(40)
        assert (line.usd, line.unit, line.verified) == (8.4, "answer", False)

    def test_without_a_price_the_cost_is_not_guessed(self) -> None:
        with pytest.raises(UseCaseError, match=r"no evaluation\.human_task"):
            Prices({}, 0.5).human_line(40)

    def test_the_shipped_table_has_the_price(self) -> None:
        assert load_prices().human_line(1).usd > 0
