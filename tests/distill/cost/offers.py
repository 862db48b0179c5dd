"""Write offer files in AWS's format, with prices that are given as usage types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PUBLISHED = "2026-10-06T14:47:26Z"
VERSION = "20261006144726"
NOVA = {
    "USE1-NovaMicro-input-tokens": ("0.0000350000", "1K tokens"),
    "USE1-NovaMicro-output-tokens": ("0.0001400000", "1K tokens"),
    "USE1-NovaMicro-input-tokens-batch": ("0.0000175000", "1K tokens"),
    "USE1-NovaMicro-output-tokens-batch": ("0.0000700000", "1K tokens"),
    "USE1-NovaMicro-Customization-Training": ("0.0010000000", "1K tokens"),
    "USE1-NovaMicro-Customization-Storage": ("1.9500000000", "Month"),
    "USE1-NovaMicro-ProvisionedThroughput-NoCommit-ModelUnits": ("23.7600000000", "hour"),
    "USE1-NovaMicro-input-tokens-custom-model": ("0.0000350000", "1K tokens"),
    "USE1-NovaMicro-output-tokens-custom-model": ("0.0001400000", "1K tokens"),
    "USE1-NovaMicro-cache-read-input-token-count": ("0.0000000000", "1K tokens"),
}
SONNET = "Claude Sonnet 5.5 (Amazon Bedrock Edition)"
CLAUDE = {
    "USE1-MP:USE1_input_tokens_standard-Units": ("2.2000000000", "Units"),
    "USE1-MP:USE1_output_tokens_standard-Units": ("11.0000000000", "Units"),
    "USE1-MP:USE1_input_tokens_global_standard-Units": ("2.0000000000", "Units"),
}


def offer(
    prices: dict[str, tuple[str, str]] = NOVA,
    *,
    code: str = "AmazonBedrock",
    region: str = "us-east-1",
    service: str = "Amazon Bedrock",
    **changes: Any,
) -> dict[str, Any]:
    """Return the content of an offer file. SKUs are numbered in the order of the usage types."""
    products, terms = {}, {}
    for number, (usage_type, (usd, unit)) in enumerate(prices.items()):
        sku = f"SKU{number:013}"
        attributes = {"servicecode": code, "servicename": service, "regionCode": region, "usagetype": usage_type}
        products[sku] = {"sku": sku, "productFamily": "Amazon Bedrock", "attributes": attributes}
        terms[sku] = {f"{sku}.JRTCKXETXF": term(sku, usd, unit)}
    return {
        "formatVersion": "v1.0",
        "disclaimer": "A test, not a price list of AWS.",
        "offerCode": code,
        "version": VERSION,
        "publicationDate": PUBLISHED,
        "products": products,
        "terms": {"OnDemand": terms},
        **changes,
    }


def term(sku: str, usd: str, unit: str, *, effective: str = "2026-10-01T00:00:00Z") -> dict[str, Any]:
    """Return one entry of ``terms.OnDemand.<sku>``."""
    rate = f"{sku}.JRTCKXETXF.6YS6EN2CT7"
    dimension = {
        "rateCode": rate,
        "beginRange": "0",
        "endRange": "Inf",
        "unit": unit,
        "pricePerUnit": {"USD": usd},
        "appliesTo": [],
    }
    return {
        "sku": sku,
        "offerTermCode": "JRTCKXETXF",
        "effectiveDate": effective,
        "priceDimensions": {rate: dimension},
        "termAttributes": {},
    }


def claude(**changes: Any) -> dict[str, Any]:
    return offer(CLAUDE, code="AmazonBedrockFoundationModels", service=SONNET, **changes)


def write(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path
