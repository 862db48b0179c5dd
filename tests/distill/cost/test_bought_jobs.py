from __future__ import annotations

from include.distill.cost.bought_jobs import BoughtJobs, bought_job_lines, merge_lines
from include.distill.cost.evaluation_lines import token_lines
from include.distill.cost.prices import BillLine, load_prices
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER

PRICES = load_prices()
TRAINING = [*PRICES.token_lines("teacher managed", "nova-pro", 10, 5), PRICES.training_line("managed", "nova-micro", 7)]


def test_a_complete_job_has_the_lines_with_which_it_was_recorded(store: MemoryStore) -> None:
    lines = [*TRAINING, BillLine("unverified: nova-micro", 1, "token", 0.5, verified=False)]
    BoughtJobs(store, FOLDER).add("training", "job-1", lines)
    [record] = BoughtJobs(store, FOLDER).all()
    assert (record["job_name"], record["kind"]) == ("job-1", "training")
    assert bought_job_lines(record, completed=True) == lines


def test_a_job_without_lines_is_not_recorded(store: MemoryStore) -> None:
    BoughtJobs(store, FOLDER).add("evaluation", "workers-1", [])
    assert list(BoughtJobs(store, FOLDER).all()) == []


def test_a_job_that_did_not_complete_is_billed_at_most_like_the_whole_job(store: MemoryStore) -> None:
    jobs = BoughtJobs(store, FOLDER)
    jobs.add("training", "job-1", TRAINING)
    jobs.add("evaluation", "job-2", token_lines(PRICES, "tuned", "nova-pro", 1000, 0))
    lines = [line for record in jobs.all() for line in bought_job_lines(record, completed=False)]
    assert [(line.what, line.quantity) for line in lines] == [
        ("teacher managed without results (at most): nova-pro input", 10),
        ("teacher managed without results (at most): nova-pro output", 5),
        ("training managed without results (at most): nova-micro", 7),
        ("scores tuned without results (at most): nova-pro input", 1000),
        ("scores tuned without results (at most): nova-pro output", 0),
    ]


def test_lines_with_the_same_name_and_price_are_joined() -> None:
    one, other, dearer = (BillLine("a", 1, "token", price) for price in (0.5, 0.5, 0.6))
    assert merge_lines([one, dearer, other]) == [BillLine("a", 2, "token", 0.5), dearer]
