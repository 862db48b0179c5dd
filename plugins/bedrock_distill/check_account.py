"""
Check the AWS account and Airflow before anything is bought, and print a table of what is missing.

Usage: ``python -m bedrock_distill.check_account [USE_CASE]``, with the project's folder and its folder ``plugins`` on
``PYTHONPATH``, where Airflow's command line works. The command only reads. In contrast to the DAG
``distill_check_account``, it also checks the pools.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def pool_sizes() -> dict[str, int] | None:
    """Return the number of slots of each pool of Airflow; ``None`` if this process cannot read Airflow's database."""
    from airflow.models.pool import Pool
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return {str(pool.pool): int(pool.slots) for pool in Pool.get_pools()}
    except SQLAlchemyError as error:
        # SQLAlchemy's own text goes on with the statement and a link, which say nothing about the database.
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        sys.stderr.write(f"The pools are not checked, because Airflow's database cannot be read: {reason}\n")
        return None


def main(arguments: Sequence[str]) -> int:
    """Print the table. Return 0 if nothing is missing, 1 if a run would fail, 2 if AWS could not be checked."""
    # With this value, Airflow reads connections from its database too, as its own commands do.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "WARNING")  # the table is what a person wants to read
    from bedrock_distill.run.account_connections import AccountConnections
    from bedrock_distill.run.checks import utc_now
    from include.distill.account_check.check import check_accounts, checked_use_cases
    from include.distill.account_check.findings import counts, summary, table, unreached
    from include.distill.config.loader import load_use_cases

    loaded = load_use_cases()
    names = [use_case.name for use_case in loaded.valid]
    chosen = arguments[0] if arguments and arguments[0] else None
    if not names or chosen not in (None, *names):
        known = f"The valid use cases are {', '.join(names)}." if names else "No use case is valid."
        problems = "".join(f"There is a problem: {problem}\n" for problem in loaded.problems)
        sys.stderr.write(f"Nothing was checked. {known} {f'Unknown: {chosen}' if chosen else ''}\n{problems}")
        return 2
    today = utc_now().date()
    findings = check_accounts(loaded, AccountConnections(), pools=pool_sizes(), today=today, chosen=chosen)
    manifest = counts(findings, use_cases=checked_use_cases(loaded, chosen))
    sys.stdout.write("".join(f"{line}\n" for line in [*table(findings), summary(manifest)]))
    if manifest["missing"]:
        return 1
    return 2 if unreached(findings) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
