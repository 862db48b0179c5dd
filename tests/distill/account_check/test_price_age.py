from __future__ import annotations

import datetime
from dataclasses import replace

from include.distill.account_check.findings import Result
from include.distill.account_check.price_age import MAX_AGE_DAYS, price_findings
from include.distill.core.paths import PROJECT_ROOT
from include.distill.cost.prices import load_prices
from tests.distill.conftest import make_use_case

USE_CASE = make_use_case(teacher="claude-sonnet-5-5")
FACTS = load_prices().facts["claude-sonnet-5-5"]
READ = min(fact.checked for fact in FACTS.values())


def of_teacher(today: datetime.date, **changes: object) -> tuple[Result, str]:
    prices = replace(load_prices(), **changes)  # type: ignore[arg-type]
    found = {one.check: one for one in price_findings(USE_CASE, prices, today)}["prices of claude-sonnet-5-5"]
    return found.result, found.detail


def test_every_model_of_the_use_case_has_a_finding() -> None:
    checks = [one.check for one in price_findings(USE_CASE, load_prices(), READ)]
    assert checks == [f"prices of {model}" for model in USE_CASE.models]


def test_prices_are_too_old_one_day_after_the_last_good_day() -> None:
    last = READ + datetime.timedelta(days=MAX_AGE_DAYS)
    assert of_teacher(last) == (Result.OK, f"read on {READ}")
    result, detail = of_teacher(last + datetime.timedelta(days=1))
    assert (result, detail) == (Result.WARNING, f"The oldest price was read on {READ}, {MAX_AGE_DAYS + 1} days ago")


def test_a_price_that_is_not_verified_is_a_warning() -> None:
    facts = {name: fact.model_copy(update={"verified": False}) for name, fact in FACTS.items()}
    result, detail = of_teacher(READ, facts={"claude-sonnet-5-5": facts})
    assert (result, detail.partition(":")[0]) == (Result.WARNING, "Not verified in AWS's price list")


def test_a_model_without_a_price_is_missing_because_no_cap_can_be_enforced() -> None:
    assert of_teacher(READ, models={})[0] is Result.MISSING


def test_the_line_to_add_is_the_command_of_the_guide() -> None:
    later = READ + datetime.timedelta(days=MAX_AGE_DAYS + 1)
    (line,) = {one.line for one in price_findings(USE_CASE, load_prices(), later) if one.result is not Result.OK}
    files = line.partition("  #")[0].split()[3:]
    guide = (PROJECT_ROOT / "docs" / "how-to" / "refresh_prices.md").read_text(encoding="utf-8")
    assert files
    assert [name for name in files if f"curl -o {name} " not in guide] == []
