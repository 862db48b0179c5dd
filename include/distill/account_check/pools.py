"""Check that the Airflow pools exist for which the tasks of the use cases wait."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from include.distill.account_check.findings import Finding, missing, not_checked, ok, warning
from include.distill.config.use_case import UseCase
from include.distill.inference.pools import pool_name, required_pools

LIST = "airflow pools list"


def pool_findings(use_case: UseCase, existing: Mapping[str, int] | None) -> Iterator[Finding]:
    """
    Yield whether each pool of a use case exists and has the right number of slots.

    :param existing: the number of slots of each pool of Airflow; ``None`` if they cannot be read here.
    """
    names = dict.fromkeys(pool_name(use_case.aws.account, model, use_case.aws.region) for model in use_case.models)
    required = required_pools([use_case])  # has the pools of other accounts too
    pools = {name: required[name] for name in names}
    if existing is None:
        sizes = ", ".join(f"{name} ({pool['slots']} slots)" for name, pool in pools.items())
        detail = (
            "Airflow's pools cannot be read here. Run the command where Airflow's command line works, and compare the"
            f" result with these pools: {sizes}"
        )
        yield not_checked("pools", detail, LIST)
        return
    for name, pool in pools.items():
        check, slots = f"pool {name}", existing.get(name)
        command = f'airflow pools set {name} {pool["slots"]} "{pool["description"]}"'
        if slots is None:
            yield missing(check, "The pool does not exist, so its tasks would wait forever", command)
        elif slots != pool["slots"]:
            detail = (
                f"The pool has {slots} slots, but tasks compute their slots and their share of the quota from"
                f" {pool['slots']} slots (include/pools.json)"
            )
            # A task that needs more slots than the pool has would wait forever.
            make = missing if slots < pool["slots"] else warning
            yield make(check, detail, command)
        else:
            yield ok(check, f"{slots} slots")
