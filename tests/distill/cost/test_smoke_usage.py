from __future__ import annotations

from include.distill.config.layout import RunFolder
from include.distill.core.storage import write_json
from include.distill.cost.prices import load_prices
from include.distill.cost.smoke_usage import paid_smoke_lines, smoke_lines
from include.distill.evaluation.endpoint_records import SmokeUsage
from tests.fakes.memory_store import MemoryStore

USAGE: SmokeUsage = {
    "model": "nova-micro", "deployed": True, "calls": 5, "input_tokens": 1000, "output_tokens": 200,
}  # fmt: skip


def test_the_tokens_of_a_deployment_have_the_price_of_the_custom_model() -> None:
    lines = smoke_lines(USAGE, load_prices())
    assert [line.what for line in lines] == [
        "smoke prompts: nova-micro custom model input",
        "smoke prompts: nova-micro custom model output",
    ]
    assert [line.quantity for line in lines] == [1000, 200]


def test_the_tokens_of_throughput_are_not_billed() -> None:
    assert smoke_lines({**USAGE, "deployed": False}, load_prices()) == []


def test_all_changes_of_a_run_are_counted() -> None:
    store, folder = MemoryStore(), RunFolder("s3://b/p/runs/u/manual-1-" + "a" * 32)
    for number in (1, 3):
        write_json(store, folder.smoke_usage(number), USAGE)
    assert sum(line.quantity for line in paid_smoke_lines(store, folder, load_prices())) == 2400
