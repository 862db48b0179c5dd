from __future__ import annotations

import datetime

import pytest
import yaml

from include.distill.core.errors import InputError
from include.distill.cost.price_table import PRICES_PATH, Price, load_price_table
from include.distill.cost.price_text import price_entry, replace_prices

TEXT = """\
# The first comment.
models:
  a:  # a comment
    input_per_million: {usd: 1, verified: false, source: "x", checked: 2026-01-01}  # another
    # before b
  b:
    input_per_million:
      usd: 2
      source: y
other: 1
"""


def price(usd: float, source: str = "s") -> Price:
    return Price(usd=usd, verified=True, source=source, checked=datetime.date(2026, 10, 6))


def test_a_price_is_replaced_and_all_comments_and_other_lines_stay() -> None:
    new = replace_prices(TEXT, {("models", "a", "input_per_million"): price(0.035)})
    old_line, new_line = ({*text.splitlines()} for text in (TEXT, new))
    assert old_line - new_line == {TEXT.splitlines()[3]}
    assert new_line - old_line == {
        '    input_per_million: {usd: 0.035, verified: true, source: "s", checked: 2026-10-06}  # another'
    }


def test_a_price_in_several_lines_is_replaced() -> None:
    new = yaml.safe_load(replace_prices(TEXT, {("models", "b", "input_per_million"): price(3)}))
    assert new["models"]["b"]["input_per_million"]["usd"] == 3
    assert new["other"] == 1


def test_new_prices_follow_the_models_last_price_in_their_order() -> None:
    new = replace_prices(TEXT, {("models", "a", "one"): price(1), ("models", "a", "two"): price(2)})
    assert list(yaml.safe_load(new)["models"]["a"]) == ["input_per_million", "one", "two"]
    assert "# another\n    one:" in new


@pytest.mark.parametrize("place", [("models", "c", "x"), ("other", "x"), ("models", "a", "input_per_million", "x")])
def test_a_place_that_the_text_does_not_have_is_refused(place: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match=f'no block "{".".join(place[:-1])}"'):
        replace_prices(TEXT, {place: price(1)})


def test_an_entry_is_read_back_as_the_same_price() -> None:
    for usd in (1e-9, 0.00378, 1.0, 60.5, 1e6):
        one = price(usd, 'a "quoted": text # with signs, €')
        assert Price.model_validate(yaml.safe_load(price_entry(one))) == one


def test_writing_all_prices_of_the_shipped_table_changes_no_price() -> None:
    text, table = PRICES_PATH.read_text(encoding="utf-8"), load_price_table()
    places = {("models", m, name): value for m, prices in table.models.items() for name, value in prices.items()}
    assert yaml.safe_load(replace_prices(text, places)) == yaml.safe_load(text)
