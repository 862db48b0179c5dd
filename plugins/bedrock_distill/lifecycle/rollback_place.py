"""Find the use case, the account and the records of a rollback, which has no folder of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bedrock_distill.lifecycle.standing_task import StandingTask
from bedrock_distill.run.configuration import configuration_of
from bedrock_distill.run.task_ids import APPROVE_ROLLBACK
from include.distill.config.environment import environment_name
from include.distill.config.layout import Layout, champion_uri, rollback_choice_uri
from include.distill.config.loader import USE_CASES_FOLDER, load_use_cases
from include.distill.config.root_owner import foreign_root_problem
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError, RefusedError
from include.distill.core.naming import run_key
from include.distill.core.storage import read_json
from include.distill.evaluation.approval import answer_problem
from include.distill.evaluation.champion import Champion, read_champion
from include.distill.evaluation.endpoint_records import RollbackChoice, SwitchManifest
from include.distill.evaluation.records import StandingKind
from include.distill.evaluation.rollback import choice_hash, is_restored
from include.distill.evaluation.rollback_form import NOTHING_CHANGED, ROLLBACK_DAG_ID, RollbackForm, parse_rollback_form

if TYPE_CHECKING:
    from airflow.sdk import Context

# `switch` and `switched` return this if the use case has no standing endpoint. If they were skipped instead, Airflow
# would skip `restore` too, because a task after a setup must have the trigger rule ALL_SUCCESS.
NO_CHANGE = cast(SwitchManifest, {})


class RollbackPlace(StandingTask):
    """
    A mixin for the tasks of ``distill_rollback``. The use case comes from the trigger form, not from a run's folder.

    ``use_cases`` is the folder of use cases.
    """

    use_cases: Path = USE_CASES_FOLDER

    root = ""
    change_key = ""
    form: RollbackForm

    def pre_execute(self, context: Context) -> None:
        """Read the form, and find the use case."""
        self.open_place(context)

    def open_place(self, context: Context) -> None:
        """
        Read the form, and find the use case, its account and its records.

        :raises InputError: the form names no valid use case.
        :raises RefusedError: the use case's records belong to another environment.
        """
        self.form = parse_rollback_form(configuration_of(context))
        self.use_case = use_case = _named(self.form.use_case, self.use_cases)
        self.aws_conn_id, self.region_name = use_case.aws.promotion_connection, use_case.aws.region
        self.bucket_owners, self.kms_key_arn = use_case.bucket_owners, use_case.storage.kms_key_arn
        self.root = Layout(use_case.storage).roots[0]
        self.change_key = run_key(context["ti"].dag_id, context["ti"].run_id)
        if problem := foreign_root_problem(self.store, self.root, environment_name()):
            raise RefusedError(f"{problem}.", left=NOTHING_CHANGED)

    def smoke_usage_uri(self, number: int) -> str | None:
        """Return ``None``: a rollback has no bill. The log of ``smoke`` says what its calls cost."""
        return None

    def after_wrong_input(self, error: Exception) -> str:
        """Return what to do if the form is wrong: trigger a new run. A cleared task gets the same form again."""
        return (
            f"Trigger a new run of {ROLLBACK_DAG_ID} with a corrected form. Clearing a task keeps the form values of"
            " this run."
        )

    @property
    def champion_uri(self) -> str:
        """The URI of the champion's record."""
        return champion_uri(self.root, self.use_case.name)

    @property
    def choice_uri(self) -> str:
        """The URI of the record that says what this rollback does."""
        return rollback_choice_uri(self.root, self.use_case.name, self.change_key)

    def champion(self) -> Champion | None:
        """Return the current champion."""
        return read_champion(self.store, self.champion_uri)

    def choice(self) -> RollbackChoice | None:
        """Return what this rollback does; ``None`` if it is not chosen yet."""
        return read_json(self.store, self.choice_uri, RollbackChoice) if self.store.exists(self.choice_uri) else None

    def stored_choice(self) -> RollbackChoice:
        """
        Return what this rollback does.

        :raises MissingObjectError: ``choose`` has stored nothing, for example because it was marked as successful.
        """
        return read_json(self.store, self.choice_uri, RollbackChoice)

    def endpoint_kind(self, champion: Champion | None) -> StandingKind | None:
        """Return the kind of the standing endpoint that exists or is to be created; ``None`` if neither is the case."""
        if champion and champion.endpoint:
            return champion.endpoint.kind
        serve = self.use_case.promotion.serve
        return None if serve == "none" else serve

    def approval(self, context: Context) -> Any:
        """Return the result of ``approve_rollback``; ``None`` if it has none."""
        return context["ti"].xcom_pull(task_ids=APPROVE_ROLLBACK)

    def approval_obstacle(self, choice: RollbackChoice, approval: object, champion: Champion | None) -> str | None:
        """
        Return why this rollback may not be carried out; ``None`` if a person approved it.

        If this rollback has already changed the champion's record, a person has approved it, so the result is ``None``.

        :param approval: the result of ``approve_rollback``.
        """
        if is_restored(champion, self.change_key):
            return None
        return answer_problem(
            approval,
            choice_hash(choice),
            self.use_case.promotion.approvers,
            task=APPROVE_ROLLBACK,
            changed="another choice",
        )


def _named(name: str, folder: Path) -> UseCase:
    loaded = load_use_cases(folder)
    for use_case in loaded.valid:
        if use_case.name == name:
            return use_case
    broken = [problem for problem in loaded.problems if problem.startswith(f"{name}.yaml:")]
    names = ", ".join(use_case.name for use_case in loaded.valid) or "(no use case is valid)"
    what = f"is not valid: {broken[0]}" if broken else f"is unknown. The use cases are: {names}"
    raise InputError(
        f"Use case {name!r} {what}.",
        left=NOTHING_CHANGED,
        to_do="Correct the file, then clear the failed task." if broken else "",
    )
