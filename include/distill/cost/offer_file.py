"""
Read AWS's public offer files, which list the prices of a service in one Region.

Bedrock has two of them, with the same format. Amazon's and most open models are in ``AmazonBedrock``. Models that are
sold through AWS Marketplace, such as Claude, are in ``AmazonBedrockFoundationModels``:
``https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonBedrock/current/us-east-1/index.json``.

A product (SKU) has attributes such as its usage type. Its price is in ``terms.OnDemand``, by the same SKU. Format:
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file.html
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal, cast, get_args

from include.distill.core.errors import InputError

OfferCode = Literal["AmazonBedrock", "AmazonBedrockFoundationModels"]
FORMAT = "v1.0"
# The file of one Region has a few megabytes. A file of several Regions that is below this limit is refused later, when
# its Regions are counted.
MAX_BYTES = 300_000_000
Quantity = Literal["token", "hour", "month"]
# Units in offer files of 2026, in lower case and without spaces. Each is mapped to a quantity and an amount. "Units"
# occurs only in AmazonBedrockFoundationModels. According to the descriptions in that offer and to cost reports, a unit
# is a million tokens. The spellings of a month are UNVERIFIED.
_UNITS: Mapping[str, tuple[Quantity, int]] = {
    "1ktokens": ("token", 1_000),
    "1mtokens": ("token", 1_000_000),
    "hour": ("hour", 1),
    "hours": ("hour", 1),
    "hrs": ("hour", 1),
    "month": ("month", 1),
    "model/month": ("month", 1),
}
_MARKETPLACE_UNITS: Mapping[str, tuple[Quantity, int]] = {**_UNITS, "units": ("token", 1_000_000)}


@dataclass(frozen=True)
class OfferPrice:
    """
    A price in an offer file.

    :param usd: US dollars for one ``quantity``.
    :param effective: first day on which the price applies.
    """

    usd: Decimal
    quantity: Quantity
    effective: datetime.date


@dataclass(frozen=True)
class Offer:
    """
    The content of one offer file.

    :param path: the file.
    :param published: day on which AWS published the file.
    :param skus: SKUs by the service's name and the usage type.
    :param terms: the content of ``terms.OnDemand``, by SKU.
    """

    path: Path
    code: OfferCode
    version: str
    published: datetime.date
    region: str
    skus: Mapping[tuple[str, str], Sequence[str]]
    terms: Mapping[str, Any]

    def price(self, usage_type: str, *, service: str = "") -> OfferPrice | None:
        """
        Return the price of a usage type; None if the file has no such usage type.

        :param service: the service's name. It is required in the offer ``AmazonBedrockFoundationModels``.
        :raises InputError: the price is not one positive amount in US dollars for a known unit.
        """
        key = service if self.code == "AmazonBedrockFoundationModels" else ""
        found = {self._price_of(sku, usage_type) for sku in self.skus.get((key, usage_type), ())}
        if len(found) > 1:
            amounts = ", ".join(sorted(f"${price.usd:f} per {price.quantity}" for price in found))
            raise self._refusal(f"{usage_type} has several prices: {amounts}")
        return next(iter(found), None)

    def _price_of(self, sku: str, usage_type: str) -> OfferPrice:
        terms = self.terms.get(sku)
        started = [
            (day, term)
            for term in (terms.values() if isinstance(terms, Mapping) else ())
            if (day := self._day(term, "effectiveDate", usage_type)) <= self.published
        ]
        if not started:
            raise self._refusal(f"{usage_type} (SKU {sku}) has no on-demand price that applied on {self.published}")
        newest = max(day for day, _ in started)
        dimensions = [
            dimension
            for day, term in started
            if day == newest
            for dimension in _mapping(term.get("priceDimensions")).values()
        ]
        if len(dimensions) != 1:
            raise self._refusal(
                f"{usage_type} (SKU {sku}) has {len(dimensions)} prices that apply from {newest}; expected one"
            )
        dimension = _mapping(dimensions[0])
        amount = self._amount(dimension.get("pricePerUnit"), usage_type)
        units = _MARKETPLACE_UNITS if self.code == "AmazonBedrockFoundationModels" else _UNITS
        unit = units.get("".join(str(dimension.get("unit")).split()).lower())
        if unit is None:
            known = ", ".join(units)
            raise self._refusal(f"{usage_type} is priced per {dimension.get('unit')!r}; known units: {known}")
        return OfferPrice(amount / unit[1], unit[0], newest)

    def _amount(self, price: Any, usage_type: str) -> Decimal:
        if not isinstance(price, Mapping) or set(price) != {"USD"}:
            found = ", ".join(sorted(price)) if isinstance(price, Mapping) else repr(price)
            raise self._refusal(f"{usage_type} has a price in {found or 'no currency'}; expected a price in USD only")
        try:
            amount = Decimal(str(price["USD"]))
        except InvalidOperation:
            raise self._refusal(f"{usage_type} costs {price['USD']!r}, which is not a number") from None
        if not (amount.is_finite() and amount > 0):
            raise self._refusal(f"{usage_type} costs {price['USD']} USD; expected a positive amount")
        return amount

    def _day(self, term: Any, key: str, usage_type: str) -> datetime.date:
        day = _day(_mapping(term).get(key))
        if day is None:
            raise self._refusal(f"{usage_type} has a price without a valid {key}")
        return day

    def _refusal(self, problem: str) -> InputError:
        return InputError(f"{self.path}: {problem}")


def read_offer(path: Path) -> Offer:
    """
    Read an offer file of one Region. The prices are checked only when they are looked up.

    :raises InputError: the file cannot be read, is not complete, or is not an offer file of Bedrock for one Region.
    """
    raw = _mapping(_load(path))
    code, published = raw.get("offerCode"), _day(raw.get("publicationDate"))
    version, products = raw.get("version"), raw.get("products")
    terms = _mapping(raw.get("terms")).get("OnDemand")
    if raw.get("formatVersion") != FORMAT or not isinstance(products, Mapping) or not isinstance(terms, Mapping):
        raise InputError(
            f"{path} is not an offer file of AWS in format {FORMAT} with products and terms.OnDemand. Download"
            " index.json of one Region, not region_index.json, the CSV file or a GetProducts response."
        )
    if code not in get_args(OfferCode) or published is None or not version:
        raise InputError(
            f"{path} is an offer file of {code!r}, version {version!r}, published {raw.get('publicationDate')!r};"
            f" expected one of {', '.join(get_args(OfferCode))}, with a version and a publication date."
        )
    skus: dict[tuple[str, str], list[str]] = {}
    regions = set()
    for sku, product in products.items():
        attributes = _mapping(_mapping(product).get("attributes"))
        regions.add(attributes.get("regionCode"))
        service = attributes.get("servicename", "") if code == "AmazonBedrockFoundationModels" else ""
        skus.setdefault((str(service), str(attributes.get("usagetype", ""))), []).append(sku)
    named = sorted(str(region) for region in regions if region)
    if len(named) != 1:
        raise InputError(
            f"{path} has prices of {len(named)} Regions ({', '.join(named[:4])}); expected one. Download index.json"
            " of one Region."
        )
    return Offer(path, cast(OfferCode, code), str(version), published, named[0], skus, terms)


def _load(path: Path) -> Any:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(
                f"{path} has {size:,} bytes; an offer file may have at most {MAX_BYTES:,}. Download index.json of one"
                " Region."
            )
        with path.open(encoding="utf-8-sig") as file:
            return json.load(file)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}. Check the path.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not text in UTF-8. If it is compressed, unpack it first.") from error
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path} is not complete JSON (line {error.lineno}, column {error.colno}: {error.msg}). Download it again."
        ) from error
    except RecursionError as error:
        raise InputError(f"{path} is not an offer file: its JSON is nested too deeply. Download it again.") from error


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _day(value: Any) -> datetime.date | None:
    try:
        return datetime.datetime.fromisoformat(value).date() if isinstance(value, str) else None
    except ValueError:
        return None
