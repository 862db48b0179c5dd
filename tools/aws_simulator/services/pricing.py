"""
Answer GetProducts and DescribeServices of AWS Price List from ``catalog/prices.yaml``.

A product has the form of an entry of AWS's price list. Its attributes also name the source of the price and the parts
that are unverified; AWS has no such attributes. There is no product for a price that is not known.
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tools.aws_simulator.catalog.offers import Price, load_prices
from tools.aws_simulator.protocol.errors import ServiceError
from tools.aws_simulator.protocol.specification import load_service
from tools.aws_simulator.services.paging import cut_page
from tools.aws_simulator.services.service import ServiceCall, SimulatedService

SERVICE = "AmazonBedrock"
_FORMAT = "aws_v1"
_BAD_PAGE = "InvalidNextTokenException"
_ON_DEMAND, _PER_UNIT = "JRTCKXETXF", "6YS6EN2CT7"  # codes of the on-demand terms and of their prices in all offers
_PREFIXES = {"us-east-1": "USE1", "us-west-2": "USW2"}
_LOCATIONS = {"us-east-1": "US East (N. Virginia)", "us-west-2": "US West (Oregon)"}
_TOKENS = "1K tokens"
_THROUGHPUT, _THROUGHPUT_FEATURE = "ProvisionedThroughput-NoCommit", "Provisioned Throughput Inference"


class Pricing:
    """The operations on prices."""

    def __init__(self) -> None:
        handlers = {"GetProducts": self.products, "DescribeServices": self.services}
        self.service = SimulatedService(load_service("pricing"), handlers)
        self._products = [product for price in load_prices().models.values() for product in _products(price)]

    def products(self, call: ServiceCall) -> dict[str, Any]:
        """Handle GetProducts."""
        _check(call, call.arguments.get("ServiceCode", ""))
        filters = call.arguments.get("Filters", [])
        chosen = [product for product in self._products if all(_matches(product, rule) for rule in filters)]
        page, token = cut_page([json.dumps(product) for product in chosen], call.arguments, _BAD_PAGE)
        return {"FormatVersion": _FORMAT, "PriceList": page, **token}

    def services(self, call: ServiceCall) -> dict[str, Any]:
        """Handle DescribeServices."""
        _check(call, call.arguments.get("ServiceCode", SERVICE))
        names = sorted({name for product in self._products for name in product["product"]["attributes"]})
        page, token = cut_page([{"ServiceCode": SERVICE, "AttributeNames": names}], call.arguments, _BAD_PAGE)
        return {"FormatVersion": _FORMAT, "Services": page, **token}


def _check(call: ServiceCall, service: str) -> None:
    if call.arguments.get("FormatVersion", _FORMAT) != _FORMAT:
        raise ServiceError("InvalidParameterException", f"The FormatVersion must be {_FORMAT}.")
    if service != SERVICE:
        text = f"The AWS simulator has prices of {SERVICE} only; the request names {service!r}."
        raise ServiceError("NotFoundException", text)


def _matches(product: dict[str, Any], rule: dict[str, str]) -> bool:
    fields = {**product["product"]["attributes"], "productFamily": product["product"]["productFamily"]}
    fields.update(ServiceCode=SERVICE, sku=product["product"]["sku"])
    actual, expected, kind = fields.get(rule["Field"]), rule["Value"], rule["Type"]
    if kind == "NONE_OF":
        return actual not in expected.split(",")
    if actual is None:
        return False
    if kind == "ANY_OF":
        return actual in expected.split(",")
    return expected in actual if kind == "CONTAINS" else actual == expected


def _products(price: Price) -> Iterator[dict[str, Any]]:
    rows = (
        ("input", "input-tokens", "On-demand Inference", "Input tokens", _TOKENS, price.input),
        ("output", "output-tokens", "On-demand Inference", "Output tokens", _TOKENS, price.output),
        ("input", "input-tokens-batch", "On-demand Inference", "Input tokens batch", _TOKENS, _half(price.input)),
        ("output", "output-tokens-batch", "On-demand Inference", "Output tokens batch", _TOKENS, _half(price.output)),
        ("custom", "input-tokens-custom-model", "On-demand Inference", "Input tokens", _TOKENS, price.custom_input),
        ("custom", "output-tokens-custom-model", "On-demand Inference", "Output tokens", _TOKENS, price.custom_output),
        ("training", "Customization-Training", "Model Customization", "", _TOKENS, price.training),
        ("throughput", f"{_THROUGHPUT}-ModelUnits", f"{_THROUGHPUT_FEATURE} - no commit", "", "hour", price.throughput),
        ("storage", "Customization-Storage", "Model Customization", "", "Month", price.storage),
    )
    for region in price.regions:
        for part, suffix, feature, kind, unit, dollars in rows:
            if dollars is not None:
                unverified = [name for name in price.unverified if name in (part, "family")]
                attributes = {
                    "servicecode": SERVICE,
                    "servicename": "Amazon Bedrock",
                    "regionCode": region,
                    "location": _LOCATIONS[region],
                    "locationType": "AWS Region",
                    "usagetype": f"{_PREFIXES[region]}-{price.family}-{suffix}",
                    "operation": "",
                    "model": price.model,
                    "provider": price.provider,
                    "feature": feature,
                    **({"inferenceType": kind} if kind else {}),
                    "simulatedSource": f"{price.source.url}, checked {price.source.checked}",
                    **({"simulatedUnverified": ", ".join(unverified)} if unverified else {}),
                }
                yield _product(attributes, unit, dollars)


def _half(dollars: str | None) -> str | None:
    """Return the price of a token in a batch job: half of the on-demand price.

    https://aws.amazon.com/bedrock/pricing/
    """
    return None if dollars is None else f"{Decimal(dollars) / 2:f}"


def _product(attributes: dict[str, str], unit: str, dollars: str) -> dict[str, Any]:
    sku = hashlib.sha256(attributes["usagetype"].encode()).hexdigest()[:16].upper()
    term, rate = f"{sku}.{_ON_DEMAND}", f"{sku}.{_ON_DEMAND}.{_PER_UNIT}"
    dimension = {
        "unit": unit,
        "beginRange": "0",
        "endRange": "Inf",
        "description": f"${dollars} per {unit} for {attributes['usagetype']} (simulated)",
        "appliesTo": [],
        "rateCode": rate,
        "pricePerUnit": {"USD": dollars},
    }
    offer = {
        "sku": sku,
        "offerTermCode": _ON_DEMAND,
        "effectiveDate": "2026-11-01T00:00:00Z",
        "termAttributes": {},
        "priceDimensions": {rate: dimension},
    }
    return {
        "product": {"productFamily": "Amazon Bedrock", "attributes": attributes, "sku": sku},
        "serviceCode": SERVICE,
        "terms": {"OnDemand": {term: offer}},
        "version": "simulated",
        "publicationDate": "2026-11-26T00:00:00Z",
    }
