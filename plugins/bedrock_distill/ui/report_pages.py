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
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from starlette.exceptions import HTTPException as AnyHTTPException

from bedrock_distill.ui import resource_pages
from bedrock_distill.ui.live_pages import live_run
from bedrock_distill.ui.served_pages import LIVE_POLICY, REPORT_POLICY, is_foreign, logged, may_read, page, store_for
from bedrock_distill.ui.stored_run import read_run
from include.distill.config.layout import Layout, RunFolder
from include.distill.config.loader import load_use_cases
from include.distill.config.use_case import UseCase
from include.distill.core.errors import NotFoundError, ServiceError, StoredRecordError
from include.distill.core.naming import run_key
from include.distill.core.storage import ObjectStore, read_json
from include.distill.report.live_page import render_live_page
from include.distill.report.past_runs import list_page, message_page, newest_entries, read_entry
from include.distill.report.records import ShownPastRun

RUNS_SHOWN = 50
_FOREIGN = (
    "are not shown, because its storage.prefix belongs to another environment. Nothing was changed. Run preflight; its"
    " message says how to correct this."
)

# FastAPI does not apply `dependencies` to its documentation routes, so these routes are disabled.
app = FastAPI(
    title="Distill reports", dependencies=[Depends(get_user)], docs_url=None, redoc_url=None, openapi_url=None
)


app.include_router(resource_pages.router)


@app.get("/")
def reports(request: Request, user: Annotated[Any, Depends(get_user)]) -> Response:
    """Show a list of the newest reports of the DAGs that the user may read."""
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
    return page(list_page(shown, problems=problems), status=503 if problems and not shown else 200)


def _read(store: ObjectStore, uri: str) -> ShownPastRun | str:
    """Return an entry of the list of past runs, or a sentence that says that the entry cannot be shown."""
    try:
        return read_entry(store.read(uri))
    except Exception as error:  # any error: the other entries are not affected
        return f"The entry {uri.rsplit('/', 1)[1]} cannot be shown. {logged(error, uri)}"


@app.get("/report/{dag_id}/{run_id:path}", dependencies=[Depends(requires_access_dag("GET"))])
def report(dag_id: str, run_id: str, request: Request, user: Annotated[Any, Depends(get_user)]) -> Response:
    """Show the stored report of a run. As long as there is no report, show how far the run is."""
    use_case = next((valid for valid in load_use_cases().valid if valid.dag_id == dag_id), None)
    if use_case is None:
        raise HTTPException(404, f"DAG {dag_id} does not belong to a use case, so it has no reports.")
    store = store_for(use_case)
    if is_foreign(store, use_case):
        raise HTTPException(404, f"The reports of {use_case.name} {_FOREIGN}")
    folder = RunFolder(Layout(use_case.storage).run_uri(use_case.name, run_key(dag_id, run_id)))
    for candidate in (folder, folder.former):
        if candidate is not None and _is_report_of(store, candidate, use_case, run_id):
            with suppress(NotFoundError):  # report.html is written last
                return page(store.read(candidate.report("html")), policy=REPORT_POLICY)
    for entity in (DagAccessEntity.TASK_INSTANCE, DagAccessEntity.XCOM):  # the live page shows what tasks stored
        requires_access_dag("GET", entity, param_dag_id=dag_id)(request, user)
    if run := read_run(dag_id, run_id):
        now = datetime.datetime.now(datetime.UTC)
        return page(render_live_page(live_run(use_case, store, folder, run, now=now)), policy=LIVE_POLICY)
    message = (
        f"Run {run_id} of {dag_id} has no report, and Airflow has no such run. Look for the run in Airflow, or for its"
        " report in the list of reports."
    )
    raise HTTPException(404, message)


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
    """Show an HTTP error as a page."""
    titles = {401: "Please log in", 403: "You may not read this report", 404: "There is no report here"}
    return page(
        message_page(titles.get(error.status_code, "The report cannot be shown"), error.detail), error.status_code
    )


@app.exception_handler(ServiceError)
def unreachable_page(request: Request, error: ServiceError) -> Response:
    """Show a page that says that S3 cannot be read, without AWS's own message."""
    text = f"The stored reports are not affected. {logged(error, request.url.path)}"
    return page(message_page("S3 cannot be read at the moment", text), 503)


@app.exception_handler(Exception)
def failed_page(request: Request, error: Exception) -> Response:
    """Show a page for an error that no other handler expects."""
    text = f"The stored reports are not affected. {logged(error, request.url.path)}"
    return page(message_page("The report cannot be shown", text), 500)
