"""The report says where applications call the champion, and what a promotion would change."""

from __future__ import annotations

from include.distill.evaluation.champion_parts import ChampionEndpoint, EndpointPrice
from include.distill.report.build import build_report
from include.distill.report.champion_endpoint import endpoint_entry, endpoint_sentences
from include.distill.report.html import render_html
from include.distill.report.records import ReportEndpoint
from tests.distill.conftest import make_use_case
from tests.distill.report.example_report import inputs
from tests.plugins.conftest import make_champion

ENDPOINT = ChampionEndpoint(kind="on_demand", name="n", arn="arn:e", region="us-east-1", created="2026-11-20")
PRICE = EndpointPrice(usd_per_hour=60.5, by="Ada", at="2026-11-20T00:00:00Z")
ENTRY: ReportEndpoint = {"kind": "on_demand", "arn": "arn:e", "model_arn": "arn:m", "usd_per_hour": None}
FIRST: ReportEndpoint = {"kind": "provisioned", "arn": None, "model_arn": None, "usd_per_hour": 60.5}


def test_a_use_case_without_a_standing_endpoint_has_no_entry() -> None:
    assert endpoint_entry(make_use_case(), None) is None
    assert endpoint_entry(make_use_case(), make_champion()) is None
    assert endpoint_sentences(None, promoted="tuned") == []


def test_an_existing_endpoint_is_described_also_if_no_promotion_changes_it_any_more() -> None:
    champion = make_champion(endpoint=ENDPOINT)
    for serve in ("on_demand", "none"):
        entry = endpoint_entry(make_use_case(promotion={"serve": serve}), champion)
        assert entry == {**ENTRY, "model_arn": champion.model_arn}
    paid = make_champion(endpoint=ENDPOINT.model_copy(update={"kind": "provisioned", "approved_price": PRICE}))
    entry = endpoint_entry(make_use_case(promotion={"serve": "provisioned"}), paid)
    assert entry is not None
    assert (entry["kind"], entry["usd_per_hour"]) == ("provisioned", 60.5)


def test_the_endpoint_that_the_first_promotion_creates_is_described_with_its_price() -> None:
    assert endpoint_entry(make_use_case(promotion={"serve": "provisioned"}), None) == FIRST
    on_demand = endpoint_entry(make_use_case(promotion={"serve": "on_demand"}), make_champion())
    assert on_demand == {**FIRST, "kind": "on_demand", "usd_per_hour": None}


def test_the_sentences_say_what_a_promotion_changes() -> None:
    called = "Applications call the champion at arn:e, which answers with arn:m."
    assert endpoint_sentences(ENTRY, promoted=None) == [called]
    assert (
        endpoint_sentences(ENTRY, promoted="tuned")[1] == "Once tuned is promoted, the same ARN answers with its model."
    )
    assert endpoint_sentences(FIRST, promoted="tuned") == [
        "The champion has no standing endpoint yet.",
        "The promotion of tuned creates the endpoint.",
        "The endpoint will cost $60.50 per hour, about $44,165 per month, until a person deletes it.",
    ]


def test_the_report_and_its_page_contain_the_endpoint() -> None:
    report = build_report(**inputs(champion_endpoint={**ENTRY, "arn": "arn:<e>"}))
    assert report["champion_endpoint"]["arn"] == "arn:<e>"
    assert "Applications call the champion at arn:&lt;e&gt;, which answers with arn:m." in render_html(report)
    without = build_report(**inputs())
    assert "champion_endpoint" not in without
    assert "Applications call" not in render_html(without)
