"""
Compare ``include/prices.yaml`` with downloaded AWS offer files, and update the prices that differ.

Usage: ``python -m include.distill.cost.refresh_prices [--dry-run] FILE...``
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import yaml

from include.distill.core.errors import InputError
from include.distill.cost.offer_file import Offer, OfferPrice, Quantity, read_offer
from include.distill.cost.price_table import PRICES_PATH, Price, PriceTable, parse_price_table
from include.distill.cost.price_text import replace_prices
from include.distill.cost.usage_types import BATCH, STORAGE, UNITS, UsageType, extra_usage_type, usage_types

# A price that changes by this factor is more likely a misread unit than a new price.
LARGEST_FACTOR = 100
STORAGE_KEY = ("storage", "custom_model_per_month")


@dataclass
class Refresh:
    """
    What a refresh changes.

    :param prices: the new prices, by their place in the file.
    :param changes: a sentence for each price that changes or is new.
    :param kept: a sentence for each price that stays as it is, because no file has it.
    :param problems: why nothing may be written.
    """

    prices: dict[tuple[str, ...], Price] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def compare(table: PriceTable, offers: Sequence[Offer]) -> Refresh:
    """Compare all prices of the table with the offers."""
    refresh = Refresh()
    by_file: dict[tuple[str, str], Offer] = {}
    wanted = {(names.offer, names.region) for names in table.usage_types.models.values()}
    for offer in offers:
        file = (offer.code, offer.region)
        if file not in wanted:
            needed = ", ".join(f"{code} {region}" for code, region in sorted(wanted))
            refresh.problems.append(
                f"{offer.path} is the offer file of {offer.code} in {offer.region}, but the price table uses only"
                f" {needed}"
            )
        elif file in by_file:
            refresh.problems.append(f"{offer.path} and {by_file[file].path} are the same offer of the same Region")
        by_file[file] = offer
    for model, names in table.usage_types.models.items():
        offer_of_model = by_file.get((names.offer, names.region))
        if offer_of_model is None:
            refresh.kept.append(f"{model}: no offer file of {names.offer} in {names.region} was passed")
        else:
            _compare_model(refresh, table, model, offer_of_model)
    for model in table.models.keys() - table.usage_types.models.keys():
        refresh.kept.append(f"{model}: usage_types does not say how the price list names it")
    return refresh


def _compare_model(refresh: Refresh, table: PriceTable, model: str, offer: Offer) -> None:
    present = table.models.get(model, {})
    for name, usage_type in usage_types(table.usage_types, model).items():
        price = _look_up(refresh, offer, usage_type, *UNITS[name])
        if price is not None:
            _take_over(refresh, ("models", model, name), present.get(name), price, offer, usage_type)
        elif name in present:
            doubt = "" if table.usage_types.models[model].verified else ", a spelling that is not verified"
            refresh.kept.append(f"{model}.{name}: {offer.path} has no usage type {usage_type.name}{doubt}")
    storage = extra_usage_type(table.usage_types, model, STORAGE)
    if storage and (price := _look_up(refresh, offer, storage, "month", 1)):
        _take_over(refresh, STORAGE_KEY, table.storage.custom_model_per_month, price, offer, storage)
    for name, suffix in BATCH.items():
        batch = extra_usage_type(table.usage_types, model, suffix)
        full = refresh.prices.get(("models", model, name))
        if batch and full and (price := _look_up(refresh, offer, batch, *UNITS[name])):
            share = float(price.usd) / full.usd
            if abs(share - table.batch.share_of_on_demand) > 0.005:
                refresh.kept.append(
                    f"batch.share_of_on_demand: {table.batch.share_of_on_demand:g}, but {batch.name} costs {share:.3f}"
                    " of the on-demand price"
                )


def _look_up(
    refresh: Refresh, offer: Offer, usage_type: UsageType, quantity: Quantity, amount: int
) -> OfferPrice | None:
    """
    Return an offer's price for a usage type; ``None`` if the offer has no such price, or has one that cannot be used.

    The price is in US dollars for ``amount`` units of ``quantity``, such as 1,000,000 tokens. A price that cannot be
    used is added to ``refresh.problems``.
    """
    try:
        found = offer.price(usage_type.name, service=usage_type.service)
    except InputError as error:
        refresh.problems.append(str(error))
        return None
    if found is None:
        return None
    if found.quantity != quantity:
        refresh.problems.append(
            f"{offer.path}: {usage_type.name} is priced per {found.quantity}; expected a price per {quantity}"
        )
        return None
    return OfferPrice(found.usd * amount, quantity, found.effective)


def _take_over(
    refresh: Refresh, key: tuple[str, ...], old: Price | None, price: OfferPrice, offer: Offer, usage_type: UsageType
) -> None:
    name, usd = ".".join(key[1:]), float(price.usd)
    if old is not None and not 1 / LARGEST_FACTOR < usd / old.usd < LARGEST_FACTOR:
        refresh.problems.append(
            f"{offer.path}: {usage_type.name} would change {name} from {_dollars(old.usd)} to {_dollars(usd)}, by a"
            f" factor of {LARGEST_FACTOR} or more. If this is right, correct the price by hand"
        )
        return
    if (twin := refresh.prices.get(key)) is not None and twin.usd != usd:
        refresh.problems.append(f"{offer.path}: {usage_type.name} costs {_dollars(usd)}, but {twin.source} differs")
        return
    source = f"{offer.code} {offer.region}, version {offer.version}, {usage_type.name}, effective {price.effective}"
    refresh.prices[key] = Price(usd=usd, verified=True, source=source, checked=offer.published)
    if old is None:
        refresh.changes.append(f"{name}: new, {_dollars(usd)}")
    elif old.usd != usd:
        refresh.changes.append(f"{name}: {_dollars(old.usd)} -> {_dollars(usd)}")
    elif not old.verified:
        refresh.changes.append(f"{name}: {_dollars(usd)}, now verified")


def _dollars(usd: float) -> str:
    return f"${Decimal(str(usd)).normalize():f}"


def _lines(refresh: Refresh) -> Iterator[str]:
    confirmed = len(refresh.prices) - len(refresh.changes)
    yield f"Prices that the offer files confirm: {confirmed}"
    for title, sentences in (("Changed prices", refresh.changes), ("Kept as they are", refresh.kept)):
        yield f"{title}: {len(sentences)}"
        yield from (f"  {sentence}" for sentence in sentences)


def refresh_prices(files: Sequence[Path], *, path: Path = PRICES_PATH, dry_run: bool = False) -> list[str]:
    """
    Update the price table with the prices of offer files, and return what to print.

    :raises InputError: a file or a price cannot be used. The message lists all problems; nothing was written.
    """
    before = path.read_text(encoding="utf-8")
    table = parse_price_table(yaml.safe_load(before), path)
    refresh = compare(table, [read_offer(file) for file in files])
    if refresh.problems:
        listed = "\n".join(f"  {number}. {problem}" for number, problem in enumerate(refresh.problems, start=1))
        raise InputError(
            f"The prices cannot be updated. Number of problems: {len(refresh.problems)}.\n{listed}",
            left=f"{path} was not changed.",
            to_do="Correct all listed problems, and run the command again.",
        )
    text = replace_prices(before, refresh.prices)
    parse_price_table(yaml.safe_load(text), path)
    if not dry_run:
        path.write_text(text, encoding="utf-8")
    return [*_lines(refresh), f"{path} was {'not changed: this was a dry run' if dry_run else 'written'}."]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Return 1 if a file or a price cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m include.distill.cost.refresh_prices", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="index.json of an offer and a Region")
    parser.add_argument("--dry-run", action="store_true", help="print what would change, and write nothing")
    parser.add_argument("--prices", type=Path, default=PRICES_PATH, help="the price table")
    options = parser.parse_args(arguments)
    try:
        lines = refresh_prices(options.files, path=options.prices, dry_run=options.dry_run)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("\n".join([*lines, ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
