"""
Serve the report pages inside Airflow's UI: a list of past runs, and the report of each run.

Airflow does not protect the routes of a plugin, so every route here requires a login, and shows only the reports
of DAGs that the user may read. The pages show text that models wrote. So they forbid scripts and external requests.
For the browser, a report has an origin of its own, so it has no access to Airflow.
"""

from __future__ import annotations

import datetime
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Annotated, Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as AnyHTTPException

from bedrock_distill.ui import overview_pages, resource_pages
from bedrock_distill.ui.live_pages import live_run
from bedrock_distill.ui.paths import ui_path
from bedrock_distill.ui.served_pages import (
    LIVE_POLICY,
    REPORT_POLICY,
    PageError,
    is_foreign,
    is_simulated,
    logged,
    login_url,
    may_read,
    page,
    store_for,
    unusable_months,
)
from bedrock_distill.ui.stored_run import read_run
from include.distill.config.frozen_use_case import load_frozen
from include.distill.config.layout import Layout, RunFolder
from include.distill.config.loader import load_use_cases
from include.distill.config.use_case import UseCase
from include.distill.core.errors import (
    ContractError,
    DistillError,
    NotFoundError,
    RefusedError,
    ServiceError,
    StoredRecordError,
)
from include.distill.core.naming import run_key
from include.distill.core.storage import ObjectStore, read_json
from include.distill.core.stored_objects import broken_record
from include.distill.core.yaml_text import YamlTextError
from include.distill.history.readable import read_readable_history
from include.distill.report.live_page import render_live_page
from include.distill.report.live_records import LiveRun
from include.distill.report.past_runs import list_page, message_page, newest_entries, read_entry
from include.distill.report.records import ShownPastRun
from include.distill.report.side_by_side import (
    ComparedReport,
    RunSide,
    flat_settings,
    render_sides,
    side_of_live_run,
    side_of_report,
)
from include.distill.trend.nights import Night, nights_of
from include.distill.trend.recorded_run import recorded_run_page
from include.distill.trend.templates import run_path

RUNS_SHOWN = 50
_FOREIGN = (
    "are not shown, because its storage.prefix belongs to another environment. Nothing was changed. Run preflight; its"
    " message says how to correct this."
)
_NOT_SHOWN = "The page cannot be shown"
_TITLES = {401: "Please log in", 403: "You may not see this page", 404: "There is nothing at this address"}

# FastAPI does not apply `dependencies` to its documentation routes, so these routes are disabled.
app = FastAPI(
    title="Distill reports", dependencies=[Depends(get_user)], docs_url=None, redoc_url=None, openapi_url=None
)


app.include_router(resource_pages.router)
app.include_router(overview_pages.router)


@app.get("/")
def reports(
    request: Request, user: Annotated[Any, Depends(get_user)], compare: Annotated[str, Query(max_length=600)] = ""
) -> Response:
    """
    Show a list of the newest reports of the DAGs that the user may read.

    :param compare: the run, ``<dag id>/<run id>``, for which the reader chooses another run.
    """
    stores: dict[str, ObjectStore] = {}
    problems = []
    for use_case in load_use_cases().valid:
        if not may_read(use_case.dag_id, request, user):
            continue
        try:
            store = store_for(use_case)
            if is_foreign(store, use_case):
                problems.append(f"The reports of {use_case.name} {_FOREIGN}")
                continue
            stores |= dict.fromkeys(store.list(Layout(use_case.storage).reports(use_case.name)), store)
        except NotFoundError:
            continue  # no bucket yet, so no run yet
        except Exception as error:  # any error: the lists of the other use cases are not affected
            problems.append(f"The reports of {use_case.name} cannot be listed. {logged(error, use_case.name)}")
    with ThreadPoolExecutor(max_workers=8) as pool:
        entries = list(pool.map(lambda uri: _read(stores[uri], uri), newest_entries(stores, RUNS_SHOWN)))
    shown = [entry for entry in entries if not isinstance(entry, str)]
    problems += [entry for entry in entries if isinstance(entry, str)]
    return page(list_page(shown, problems=problems, chosen=compare), status=503 if problems and not shown else 200)


def _read(store: ObjectStore, uri: str) -> ShownPastRun | str:
    """Return an entry of the list of past runs, or a sentence that says that the entry cannot be shown."""
    try:
        return read_entry(store.read(uri))
    except ValueError as error:  # what the entry contains is wrong
        problem = broken_record(uri, f"is not an entry of the list of reports ({error})")
        return f"The entry {uri.rsplit('/', 1)[1]} cannot be shown. {logged(problem, uri)}"
    except Exception as error:  # any error: the other entries are not affected
        return f"The entry {uri.rsplit('/', 1)[1]} cannot be shown. {logged(error, uri)}"


@app.get("/report/{dag_id}/{run_id:path}", dependencies=[Depends(requires_access_dag("GET"))])
def report(dag_id: str, run_id: str, request: Request, user: Annotated[Any, Depends(get_user)]) -> Response:
    """
    Show the stored report of a run. As long as there is no report, show how far the run is.

    If Airflow does not have the run any more, show what the history has recorded of it.
    """
    use_case, store, folder = _place(dag_id, run_id)
    if reported := _report_folder(use_case, store, folder, run_id):
        with suppress(NotFoundError):  # report.html is written last
            return page(store.read(reported.report("html")), policy=REPORT_POLICY)
    if live := _live_run(use_case, store, folder, run_id, request, user):
        return page(render_live_page(live), policy=LIVE_POLICY)
    if night := _recorded(use_case, store, folder, run_id):
        return page(recorded_run_page(night))
    raise _no_such_run(use_case, run_id)


def _recorded(use_case: UseCase, store: ObjectStore, folder: RunFolder, run_id: str) -> Night | None:
    """
    Return what the history has recorded of a run that Airflow does not have; ``None`` if there is no record.

    :raises PageError: months of the history cannot be used, and the record may be in one of them.
    """
    history = read_readable_history(store, folder.root, use_case.name)
    night = next((night for night in nights_of(history.runs, alive=()) if night.run["run_id"] == run_id), None)
    if night is None and history.unusable:
        raise PageError("A stored object cannot be used", " ".join(unusable_months(history)), 500)
    return night


@app.get("/compare")
def compare(
    left: Annotated[str, Query(max_length=600)],
    right: Annotated[str, Query(max_length=600)],
    request: Request,
    user: Annotated[Any, Depends(get_user)],
) -> Response:
    """
    Show two runs side by side. The user must have the right to read the DAGs of both runs.

    :param left: a run, ``<dag id>/<run id>``.
    :param right: another run.
    """
    return page(render_sides(*(_side(name, request, user) for name in (left, right))))


def _side(name: str, request: Request, user: Any) -> RunSide:
    """Return what the comparison shows of a run, ``<dag id>/<run id>``."""
    dag_id, _, run_id = name.partition("/")
    requires_access_dag("GET", param_dag_id=dag_id)(request, user)
    use_case, store, folder = _place(dag_id, run_id)
    url = ui_path(f"distill/{run_path(dag_id, run_id)}")
    reported = _report_folder(use_case, store, folder, run_id)
    settings = _settings(store, reported or folder)
    if reported:
        report = read_json(store, reported.report("json"), ComparedReport)
        return side_of_report(report, url=url, settings=settings)
    live = _live_run(use_case, store, folder, run_id, request, user)
    if live is None:
        raise _no_such_run(use_case, run_id)
    return side_of_live_run(live, url=url, settings=settings)


def _settings(store: ObjectStore, folder: RunFolder) -> dict[str, str]:
    """Return the frozen settings of a run; empty if there are none yet or they cannot be read."""
    try:
        return flat_settings(load_frozen(store.read(folder.use_case), folder.use_case)[1])
    except (NotFoundError, DistillError, YamlTextError):
        return {}


def _place(dag_id: str, run_id: str) -> tuple[UseCase, ObjectStore, RunFolder]:
    """Return the use case of a DAG, its object store and the folder of a run."""
    use_case = next((valid for valid in load_use_cases().valid if valid.dag_id == dag_id), None)
    if use_case is None:
        raise PageError("There is no report here", f"DAG {dag_id} does not belong to a use case, so it has no reports.")
    store = store_for(use_case)
    if is_foreign(store, use_case):
        raise PageError("There is no report here", f"The reports of {use_case.name} {_FOREIGN}")
    return use_case, store, RunFolder(Layout(use_case.storage).run_uri(use_case.name, run_key(dag_id, run_id)))


def _report_folder(use_case: UseCase, store: ObjectStore, folder: RunFolder, run_id: str) -> RunFolder | None:
    """Return the folder with the report of a run; ``None`` if it has no report."""
    folders = (candidate for candidate in (folder, folder.former) if candidate is not None)
    return next((candidate for candidate in folders if _is_report_of(store, candidate, use_case, run_id)), None)


def _live_run(
    use_case: UseCase, store: ObjectStore, folder: RunFolder, run_id: str, request: Request, user: Any
) -> LiveRun | None:
    """Return how far a run without a report is; ``None`` if Airflow has no such run."""
    for entity in (DagAccessEntity.TASK_INSTANCE, DagAccessEntity.XCOM):  # the live page shows what tasks stored
        requires_access_dag("GET", entity, param_dag_id=use_case.dag_id)(request, user)
    run = read_run(use_case.dag_id, run_id)
    if run is None:
        return None
    now = datetime.datetime.now(datetime.UTC)
    return live_run(use_case, store, folder, run, now=now, simulated=is_simulated(use_case))


def _no_such_run(use_case: UseCase, run_id: str) -> PageError:
    message = (
        f"Run {run_id} of {use_case.dag_id} has no report, and Airflow has no such run. Look for the run in Airflow, or"
        " for its report in the list of reports."
    )
    return PageError("There is no report here", message)


def _is_report_of(store: ObjectStore, folder: RunFolder, use_case: UseCase, run_id: str) -> bool:
    """
    Return whether the report in a folder names this run.

    The URL names the run, and the user's rights were checked for the DAG in the URL. The folder alone proves nothing:
    in the folders of earlier versions, the run key has only 32 bits of a hash, so two runs can have the same key.
    """
    try:
        stored = read_json(store, folder.report("json"), dict[str, object])
    except (NotFoundError, StoredRecordError):
        return False
    named = (stored.get("use_case"), stored.get("dag_id"), stored.get("run_id"))
    return named == (use_case.name, use_case.dag_id, run_id)


@app.exception_handler(AnyHTTPException)
def error_page(request: Request, error: AnyHTTPException) -> Response:
    """Show an HTTP error as a page. Somebody who is not logged in gets a link to the login."""
    title = error.title if isinstance(error, PageError) else _TITLES.get(error.status_code, _NOT_SHOWN)
    is_shown_to_a_person = "text/html" in request.headers.get("accept", "")
    login = login_url(request) if error.status_code == 401 and is_shown_to_a_person else ""
    return page(message_page(title, error.detail, login_url=login), error.status_code)


@app.exception_handler(RequestValidationError)
def invalid_page(request: Request, error: RequestValidationError) -> Response:
    """Show a page that says which part of the address is missing or wrong."""
    faults = [f"{fault['loc'][-1]}: {fault['msg']}." for fault in error.errors()]
    text = f"{' '.join(faults)} Open the page again from the menu Browse, Distill."
    return page(message_page("The address of this page is not valid", text), 422)


@app.exception_handler(ServiceError)
def unreachable_page(request: Request, error: ServiceError) -> Response:
    """Show a page that says that S3 cannot be read, without AWS's own message."""
    text = f"The stored reports are not affected. {logged(error, request.url.path)}"
    return page(message_page("S3 cannot be read at the moment", text), 503)


@app.exception_handler(RefusedError)
def refused_page(request: Request, error: RefusedError) -> Response:
    """Show a page that says that S3 has refused the request, which it would refuse again."""
    text = f"The stored reports are not affected. {logged(error, request.url.path)}"
    return page(message_page("S3 refuses to be read", text), 503)


@app.exception_handler(ContractError)
def unusable_page(request: Request, error: ContractError) -> Response:
    """Show a page that says that a stored object cannot be used. S3 itself works, so a later request fails, too."""
    text = (
        f"It is damaged, or a newer version of this pipeline wrote it. {logged(error, request.url.path)} The log entry"
        " names the object, and says what to do."
    )
    return page(message_page("A stored object cannot be used", text), 500)


@app.exception_handler(Exception)
def failed_page(request: Request, error: Exception) -> Response:
    """Show a page for an error that no other handler expects."""
    text = f"The stored reports are not affected. {logged(error, request.url.path)}"
    return page(message_page(_NOT_SHOWN, text), 500)
