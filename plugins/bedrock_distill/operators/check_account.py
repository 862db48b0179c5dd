"""Check whether the account and Airflow have what the use cases need, before anything is bought."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from bedrock_distill.run.checks import utc_now
from bedrock_distill.run.configuration import configuration_of
from bedrock_distill.run.explained_task import ExplainedTask
from include.distill.account_check.choice import CHECK_DAG_ID, parse_check_choice
from include.distill.config.environment import environment_name
from include.distill.config.loader import USE_CASES_FOLDER, load_use_cases
from include.distill.core.counted import counted
from include.distill.core.errors import FAILED_TASK, InputError, TransientError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from include.distill.account_check.findings import CheckManifest, Finding


class CheckAccountOperator(ExplainedTask, BaseOperator):
    """
    Check the account of each use case, and log what is missing, with the exact line to add.

    The task only reads, and costs nothing. It goes on if AWS does not answer one of its questions.

    :param use_cases: the folder of use cases, which name the accounts, models and buckets to check.
    :return: the number of checks with each result.
    :raises InputError: something is missing on which a run would fail, or the form names an unknown use case.
    :raises TransientError: AWS could not be asked with one of the connections.
    """

    ui_color = "#e8f0fe"
    waits_for = "the answers of AWS about models, quotas, buckets, roles and permissions"

    def __init__(self, *, use_cases: Path = USE_CASES_FOLDER, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.use_cases = use_cases

    def state_left(self, error: Exception) -> str:
        """Return that nothing was changed."""
        return "The task only reads. Nothing was changed in AWS or in Airflow."

    def after_wrong_input(self, error: Exception) -> str:
        """Return what to do if a setting of the installation is wrong."""
        return f"Correct what the first line names, then clear {self.task_id}. Clearing costs nothing."

    def execute(self, context: Context) -> CheckManifest:
        """Check, log the table, and fail if something is missing."""
        from bedrock_distill.run.account_connections import AccountConnections
        from include.distill.account_check.check import check_accounts, checked_use_cases
        from include.distill.account_check.findings import counts, summary, table

        choice = parse_check_choice(configuration_of(context))
        environment_name()  # without a name, no use case is valid, and the error says what to do
        loaded = load_use_cases(self.use_cases)
        names = [use_case.name for use_case in loaded.valid]
        if choice.name not in (None, *names):
            raise InputError(
                f"The form names the use case {choice.name!r}, but the valid ones are {', '.join(names) or 'none'}.",
                to_do=f"Trigger {CHECK_DAG_ID} again with another use case. Clearing a task keeps the form values.",
            )
        findings = check_accounts(
            loaded,
            AccountConnections(),
            pools=None,
            today=utc_now().date(),
            chosen=choice.name,
        )
        for line in table(findings):
            self.log.info("%s", line)
        manifest = counts(findings, use_cases=checked_use_cases(loaded, choice.name))
        self.log.info("%s", summary(manifest))
        _refuse_failures(findings)
        return manifest


def _refuse_failures(findings: Sequence[Finding]) -> None:
    """
    Fail the task if a run would fail, or if AWS could not be asked.

    :raises InputError: something is missing.
    :raises TransientError: AWS could not be asked with one of the connections.
    """
    from include.distill.account_check.findings import Result, unreached

    if lacking := [one.check for one in findings if one.result is Result.MISSING]:
        things = f"{counted(len(lacking), 'thing')} {'is' if len(lacking) == 1 else 'are'}"
        raise InputError(
            f"A run would fail, because {things} missing: {'; '.join(lacking)}.",
            billed="Nothing was bought.",
            to_do="Add the lines of the table above to the account or to Airflow.",
            then_clear=FAILED_TASK,
        )
    if connections := unreached(findings):
        raise TransientError(
            f"AWS could not be asked with {' and '.join(connections)}, so the check knows nothing about the account.",
            billed="Nothing was bought.",
            to_do="Correct what the table above names in the rows of the connections.",
            then_clear=FAILED_TASK,
        )
