from __future__ import annotations

import copy
import datetime
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.distill.core.errors import InputError
from include.distill.cost import offer_file
from include.distill.cost.offer_file import Offer, OfferPrice, read_offer
from tests.distill.cost.offers import NOVA, SONNET, claude, offer, term, write

INPUT, HOUR = "USE1-NovaMicro-input-tokens", "USE1-NovaMicro-ProvisionedThroughput-NoCommit-ModelUnits"
FIRST = "SKU0000000000000"


def read(folder: Path, content: Any) -> Offer:
    return read_offer(write(folder / "index.json", content))


def with_price(usage_type: str, usd: Any, unit: str = "1K tokens") -> dict[str, Any]:
    return offer({**NOVA, usage_type: (usd, unit)})


class TestPrices:
    def test_a_file_states_its_offer_version_day_and_region(self, tmp_path: Path) -> None:
        found = read(tmp_path, offer())
        assert (found.code, found.version, found.region) == ("AmazonBedrock", "20261006144726", "us-east-1")
        assert found.published == datetime.date(2026, 10, 6)

    @pytest.mark.parametrize(
        ("usage_type", "price"),
        [
            (INPUT, OfferPrice(Decimal("3.5e-8"), "token", datetime.date(2026, 10, 1))),
            (HOUR, OfferPrice(Decimal("23.76"), "hour", datetime.date(2026, 10, 1))),
            ("USE1-NovaMicro-Customization-Storage", OfferPrice(Decimal("1.95"), "month", datetime.date(2026, 10, 1))),
        ],
    )
    def test_a_price_is_per_token_hour_or_month(self, tmp_path: Path, usage_type: str, price: OfferPrice) -> None:
        assert read(tmp_path, offer()).price(usage_type) == price

    @pytest.mark.parametrize(("unit", "tokens"), [("1K tokens", 1e3), ("1k tokens", 1e3), ("1M tokens", 1e6)])
    def test_the_spellings_of_units(self, tmp_path: Path, unit: str, tokens: float) -> None:
        price = read(tmp_path, with_price(INPUT, "0.5", unit)).price(INPUT)
        assert price
        assert float(price.usd) == pytest.approx(0.5 / tokens)

    def test_marketplace_models_are_found_by_service_and_a_unit_is_a_million_tokens(self, tmp_path: Path) -> None:
        found = read(tmp_path, claude())
        price = found.price("USE1-MP:USE1_input_tokens_standard-Units", service=SONNET)
        assert price
        assert float(price.usd) == pytest.approx(2.2e-6)
        assert found.price("USE1-MP:USE1_input_tokens_standard-Units", service="Claude Opus 5") is None

    @pytest.mark.parametrize("usage_type", ["USE1-NovaMicro-input-token", "NovaMicro-input-tokens", ""])
    def test_a_usage_type_that_is_not_in_the_file_has_no_price(self, tmp_path: Path, usage_type: str) -> None:
        assert read(tmp_path, offer()).price(usage_type) is None

    def test_of_several_terms_the_newest_that_applied_when_the_file_was_published_counts(self, tmp_path: Path) -> None:
        content = offer()
        content["terms"]["OnDemand"][FIRST] = {
            day: term(FIRST, usd, "1K tokens", effective=f"{day}T00:00:00Z")
            for day, usd in (("2026-01-01", "0.1"), ("2026-09-01", "0.2"), ("2026-12-01", "0.3"))
        }
        price = read(tmp_path, content).price(INPUT)
        assert price == OfferPrice(Decimal("0.0002"), "token", datetime.date(2026, 9, 1))

    def test_two_skus_with_the_same_price_are_one_price(self, tmp_path: Path) -> None:
        assert read(tmp_path, twice("0.0000350000")).price(INPUT)


def twice(usd: str) -> dict[str, Any]:
    content = offer()
    content["products"]["TWIN"] = copy.deepcopy(content["products"][FIRST])
    content["terms"]["OnDemand"]["TWIN"] = {"t": term("TWIN", usd, "1K tokens")}
    return content


def changed_term(**changes: Any) -> dict[str, Any]:
    content = offer()
    (only,) = content["terms"]["OnDemand"][FIRST].values()
    only.update(changes)
    return content


def currency(**price: Any) -> dict[str, Any]:
    content = offer()
    (only,) = content["terms"]["OnDemand"][FIRST].values()
    (dimension,) = only["priceDimensions"].values()
    dimension["pricePerUnit"] = price
    return content


def without_term() -> dict[str, Any]:
    content = offer()
    del content["terms"]["OnDemand"][FIRST]
    return content


class TestBadPrices:
    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            pytest.param(with_price(INPUT, "0.0"), "costs 0.0 USD; expected a positive amount", id="zero"),
            pytest.param(with_price(INPUT, "-1"), "costs -1 USD; expected a positive amount", id="negative"),
            pytest.param(with_price(INPUT, "NaN"), "costs NaN USD; expected a positive", id="not a number"),
            pytest.param(with_price(INPUT, "Infinity"), "expected a positive amount", id="infinite"),
            pytest.param(with_price(INPUT, "free"), "costs 'free', which is not a number", id="text"),
            pytest.param(with_price(INPUT, None), "costs None, which is not a number", id="null"),
            pytest.param(with_price(INPUT, "1", "image"), "is priced per 'image'; known units: 1ktokens", id="unit"),
            pytest.param(with_price(INPUT, "1", "Units"), "is priced per 'Units'", id="a unit of the marketplace"),
            pytest.param(currency(CNY="1"), "has a price in CNY; expected a price in USD only", id="another currency"),
            pytest.param(currency(USD="1", CNY="7"), "has a price in CNY, USD; expected", id="two currencies"),
            pytest.param(currency(), "has a price in no currency", id="no currency"),
            pytest.param(
                twice("0.1"), r"has several prices: \$0\.000000035\d* per token, \$0\.0001 per token", id="two prices"
            ),
            pytest.param(without_term(), r"\(SKU SKU0000000000000\) has no on-demand price", id="no term"),
            pytest.param(changed_term(effectiveDate="2026-12-01T00:00:00Z"), "that applied on 2026-10-06", id="future"),
            pytest.param(changed_term(effectiveDate="soon"), "without a valid effectiveDate", id="no day"),
            pytest.param(
                changed_term(priceDimensions={}), "has 0 prices that apply from 2026-10-01", id="no dimension"
            ),
            pytest.param(
                changed_term(priceDimensions={"a": {"unit": "hour"}, "b": {}}), "has 2 prices", id="two price steps"
            ),
        ],
    )
    def test_a_price_that_makes_no_sense_is_refused_with_file_and_usage_type(
        self, tmp_path: Path, content: Any, problem: str
    ) -> None:
        found = read(tmp_path, content)
        with pytest.raises(InputError, match=problem) as raised:
            found.price(INPUT)
        assert str(raised.value).startswith(f"{tmp_path}/index.json: ")
        assert INPUT in str(raised.value)

    def test_a_bad_price_of_another_usage_type_does_no_harm(self, tmp_path: Path) -> None:
        assert read(tmp_path, with_price("USE1-NovaReel-T2V", "0", "image")).price(INPUT)


def two_regions() -> dict[str, Any]:
    content = offer()
    content["products"][FIRST]["attributes"]["regionCode"] = "us-west-2"
    return content


class TestBadFiles:
    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            pytest.param("", "is not complete JSON", id="empty"),
            pytest.param(json.dumps(offer())[:-100], r"is not complete JSON \(line 1", id="truncated"),
            pytest.param("[]", "is not an offer file", id="a list"),
            pytest.param(offer(formatVersion="v2.0"), "is not an offer file", id="another format"),
            pytest.param({"formatVersion": "v1.0", "regions": {}}, "not region_index.json", id="the list of Regions"),
            pytest.param({"FormatVersion": "aws_v1", "PriceList": []}, "a GetProducts response", id="GetProducts"),
            pytest.param(offer(terms={"Reserved": {}}), "terms.OnDemand", id="no terms on demand"),
            pytest.param(offer(code="AmazonEC2"), "offer file of 'AmazonEC2'", id="another service"),
            pytest.param(offer(publicationDate=None), "published None", id="no day"),
            pytest.param(offer(version=""), "version ''", id="no version"),
            pytest.param(offer({}), "has prices of 0 Regions", id="no products"),
            pytest.param(two_regions(), r"of 2 Regions \(us-east-1, us-west-2\)", id="two Regions"),
            pytest.param("[" * 100_000, "nested too deeply|not complete JSON", id="deep"),
        ],
    )
    def test_a_file_that_is_not_an_offer_of_one_region_is_refused(
        self, tmp_path: Path, content: Any, problem: str
    ) -> None:
        with pytest.raises(InputError, match=problem) as raised:
            read(tmp_path, content)
        assert str(raised.value).startswith(f"{tmp_path}/index.json ")

    def test_a_missing_a_compressed_and_a_huge_file_are_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(InputError, match="cannot be read: No such file"):
            read_offer(tmp_path / "index.json")
        (tmp_path / "index.json.gz").write_bytes(b"\x1f\x8b\x08\x00\xff\xfe")
        with pytest.raises(InputError, match="unpack it first"):
            read_offer(tmp_path / "index.json.gz")
        monkeypatch.setattr(offer_file, "MAX_BYTES", 1000)
        with pytest.raises(InputError, match="bytes; an offer file may have at most 1,000"):
            read(tmp_path, offer())

    def test_a_byte_order_mark_does_no_harm(self, tmp_path: Path) -> None:
        assert read(tmp_path, f"\ufeff{json.dumps(offer())}").price(INPUT)
