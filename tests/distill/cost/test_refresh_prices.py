from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from include.distill.core.errors import InputError
from include.distill.cost.price_table import PRICES_PATH, load_price_table
from include.distill.cost.prices import load_prices
from include.distill.cost.refresh_prices import main, refresh_prices
from tests.distill.cost.offers import NOVA, claude, offer, write


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    return Path(shutil.copy(PRICES_PATH, tmp_path / "prices.yaml"))


def file(folder: Path, content: Any, name: str = "index.json") -> Path:
    return write(folder / name, content)


class TestTakenOver:
    def test_prices_are_taken_over_with_offer_version_usage_type_and_day(self, tmp_path: Path, prices: Path) -> None:
        printed = refresh_prices([file(tmp_path, offer())], path=prices)
        hour = load_price_table(prices).models["nova-micro"]["throughput_per_hour"]
        assert (hour.usd, hour.verified, str(hour.checked)) == (23.76, True, "2026-10-06")
        assert hour.source == (
            "AmazonBedrock us-east-1, version 20261006144726,"
            " USE1-NovaMicro-ProvisionedThroughput-NoCommit-ModelUnits, effective 2026-10-01"
        )
        text = "\n".join(printed)
        assert "nova-micro.throughput_per_hour: $60.5 -> $23.76" in text
        assert "nova-micro.custom_input_per_million: $0.035, now verified" in text
        assert "nova-micro.input_per_million" not in text, "the price is the same"
        assert load_prices(prices).is_verified("nova-micro", "custom_output_per_million")

    def test_both_offers_together_are_read_and_the_others_are_named_as_kept(self, tmp_path: Path, prices: Path) -> None:
        files = [file(tmp_path, offer()), file(tmp_path, claude(), "models.json")]
        text = "\n".join(refresh_prices(files, path=prices))
        table = load_price_table(prices)
        assert table.models["claude-sonnet-5-5"]["output_per_million"].usd == 11
        assert "claude-sonnet-4-6.input_per_million: " in text, "its service is not in the file"
        assert "nova-pro.throughput_per_hour: " in text
        assert "llama-3-1-8b: no offer file of AmazonBedrock in us-west-2 was passed" in text

    def test_comments_and_prices_of_other_models_stay(self, tmp_path: Path, prices: Path) -> None:
        refresh_prices([file(tmp_path, offer())], path=prices)
        before, after = (path.read_text(encoding="utf-8").splitlines() for path in (PRICES_PATH, prices))
        assert len(after) == len(before)
        changed = [old for old, new in zip(before, after, strict=True) if old != new]
        assert len(changed) == 7  # six prices of Nova Micro, and the price of storage
        assert not any(line.lstrip().startswith("#") for line in changed)

    def test_a_price_that_the_table_does_not_have_is_added(self, tmp_path: Path, prices: Path) -> None:
        content = offer({"USE1-Llama3-70B-Customization-Training": ("0.002", "1K tokens")})
        assert "  llama-3-70b.training_per_thousand: new, $0.002" in refresh_prices(
            [file(tmp_path, content)], path=prices
        )
        assert load_price_table(prices).models["llama-3-70b"]["training_per_thousand"].usd == 0.002

    def test_a_second_refresh_with_the_same_file_changes_nothing(self, tmp_path: Path, prices: Path) -> None:
        refresh_prices([file(tmp_path, offer())], path=prices)
        first = prices.read_bytes()
        assert "Changed prices: 0" in refresh_prices([file(tmp_path, offer())], path=prices)
        assert prices.read_bytes() == first

    def test_another_share_for_batch_jobs_is_named_but_not_taken_over(self, tmp_path: Path, prices: Path) -> None:
        content = offer({**NOVA, "USE1-NovaMicro-output-tokens-batch": ("0.0000560000", "1K tokens")})
        text = "\n".join(refresh_prices([file(tmp_path, content)], path=prices))
        assert "share_of_on_demand: 0.5, but USE1-NovaMicro-output-tokens-batch costs 0.400" in text
        assert load_prices(prices).batch_share == 0.5

    def test_a_dry_run_prints_the_same_and_writes_nothing(self, tmp_path: Path, prices: Path) -> None:
        dry = refresh_prices([file(tmp_path, offer())], path=prices, dry_run=True)
        assert prices.read_bytes() == PRICES_PATH.read_bytes()
        assert dry[:-1] == refresh_prices([file(tmp_path, offer())], path=prices)[:-1]


class TestRefused:
    @pytest.mark.parametrize(
        ("contents", "problem"),
        [
            pytest.param([offer(region="eu-west-1")], "AmazonBedrock in eu-west-1, but the price table", id="Region"),
            pytest.param([claude(region="us-west-2")], "FoundationModels in us-west-2, but", id="Region of Claude"),
            pytest.param([offer(), offer()], "are the same offer of the same Region", id="twice"),
            pytest.param(
                [offer({"USE1-NovaMicro-input-tokens": ("0.035", "1K tokens")})],
                r"from \$0.035 to \$35, by a factor of 100 or more",
                id="a thousand times the price",
            ),
            pytest.param(
                [offer({"USE1-NovaMicro-input-tokens": ("0.000035", "hour")})],
                "is priced per hour; expected a price per token",
                id="another quantity",
            ),
            pytest.param(
                [offer({f"USE1-{name}-Customization-Storage": (usd, "Month") for name, usd in
                        (("NovaMicro", "1.95"), ("NovaPro", "2.95"))})],
                r"USE1-NovaPro-Customization-Storage costs \$2.95, but AmazonBedrock",
                id="two prices of storage",
            ),
            pytest.param([offer({"USE1-NovaMicro-input-tokens": ("0", "1K tokens")})], "costs 0 USD", id="zero"),
        ],
    )  # fmt: skip
    def test_nothing_is_written_if_any_price_makes_no_sense(
        self, tmp_path: Path, prices: Path, contents: list[Any], problem: str
    ) -> None:
        files = [file(tmp_path, content, f"{number}.json") for number, content in enumerate(contents)]
        with pytest.raises(InputError, match=problem) as raised:
            refresh_prices(files, path=prices)
        assert f"{prices} was not changed." in str(raised.value)
        assert prices.read_bytes() == PRICES_PATH.read_bytes()

    def test_all_problems_are_listed_together(self, tmp_path: Path, prices: Path) -> None:
        content = offer({
            "USE1-NovaMicro-input-tokens": ("0", "1K tokens"),
            "USE1-NovaPro-output-tokens": ("1", "image"),
        })  # fmt: skip
        with pytest.raises(InputError, match=r"Number of problems: 2\.\n"):
            refresh_prices([file(tmp_path, content)], path=prices)


class TestCommand:
    def test_the_command_prints_what_it_does(
        self, tmp_path: Path, prices: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["--prices", str(prices), str(file(tmp_path, offer()))]) == 0
        assert capsys.readouterr().out.endswith(f"{prices} was written.\n")

    def test_a_refusal_is_printed_without_a_traceback(
        self, tmp_path: Path, prices: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["--dry-run", "--prices", str(prices), str(file(tmp_path, "{"))]) == 1
        printed = capsys.readouterr()
        assert (printed.out, "is not complete JSON" in printed.err) == ("", True)
