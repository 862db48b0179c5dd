"""Serve the routes under ``/_admin``: account page, ledger, request log, settings, fault plan, human evaluation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tools.aws_simulator.account.access_log import AccessLog
from tools.aws_simulator.account.faults import Fault, FaultPlan, check_rules
from tools.aws_simulator.account.ledger import Ledger
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.jobs.human_answers import PostedAnswers
from tools.aws_simulator.jobs.human_tasks import HumanTasks
from tools.aws_simulator.protocol.json_values import read_json
from tools.aws_simulator.server.admin_page import POLICY, AdminPage

_FAULTS = TypeAdapter(list[Fault])
_HEADERS = {"x-simulated": "true"}
_LONGEST_SHOWN = 100
_PARAMETERS = {"/_admin/stalls": ("match",), "/_admin/human_tasks": ("job",)}
_WITH_BODY = {("PUT", "/_admin/settings"), ("POST", "/_admin/faults"), ("POST", "/_admin/human_answers")}
Endpoint = Callable[[Request], Awaitable[Response]]


class Admin:
    """The routes below ``/_admin``, as a Starlette app in :attr:`app`.

    They are for tests and tools. AWS has no such routes.

    :param operations: the names of the operations that rules of the fault plan may name.
    """

    def __init__(
        self,
        settings: SettingsStore,
        ledger: Ledger,
        faults: FaultPlan,
        end_stalls: Sequence[Callable[[str], int]],
        page: AdminPage,
        operations: frozenset[str],
        human_tasks: HumanTasks,
        access_log: AccessLog,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._faults = faults
        self._end_stalls = end_stalls
        self._page = page
        self._operations = operations
        self._human_tasks = human_tasks
        self._access_log = access_log
        self.app = Starlette(
            routes=[
                AdminRoute("/_admin", _redirect),
                AdminRoute("/_admin/", self._show_page),
                AdminRoute("/_admin/health", self._health),
                AdminRoute("/_admin/ledger", self._show_ledger),
                AdminRoute("/_admin/ledger/reset", self._reset_ledger, methods=["POST"]),
                AdminRoute("/_admin/requests", self._show_requests),
                AdminRoute("/_admin/access", self._show_access),
                AdminRoute("/_admin/access/clear", self._clear_access, methods=["POST"]),
                AdminRoute("/_admin/settings", self._show_settings, methods=["GET"]),
                AdminRoute("/_admin/settings", self._change_settings, methods=["PUT"]),
                AdminRoute("/_admin/faults", self._show_faults, methods=["GET"]),
                AdminRoute("/_admin/faults", self._add_faults, methods=["POST"]),
                AdminRoute("/_admin/faults", self._clear_faults, methods=["DELETE"]),
                AdminRoute("/_admin/stalls", self._end_stalled, methods=["DELETE"]),
                AdminRoute("/_admin/human_tasks", self._show_human_tasks),
                AdminRoute("/_admin/human_answers", self._add_human_answers, methods=["POST"]),
            ],
            exception_handlers={ValidationError: _invalid, ValueError: _bad_request, RecursionError: _bad_request},
        )

    async def _show_page(self, _: Request) -> Response:
        headers = {**_HEADERS, "content-security-policy": POLICY, "cache-control": "no-store"}
        return HTMLResponse(self._page.render(), headers={**headers, "x-content-type-options": "nosniff"})

    async def _health(self, _: Request) -> Response:
        return _json({"status": "ok", "simulated": True})

    async def _show_ledger(self, _: Request) -> Response:
        return _json(self._ledger.as_json())

    async def _reset_ledger(self, _: Request) -> Response:
        self._ledger.reset()
        return _json(self._ledger.as_json())

    async def _show_requests(self, _: Request) -> Response:
        return _json(self._ledger.requests())

    async def _show_access(self, _: Request) -> Response:
        return _json(self._access_log.entries())

    async def _clear_access(self, _: Request) -> Response:
        self._access_log.clear()
        return _json([])

    async def _show_settings(self, _: Request) -> Response:
        return _json(self._settings.current.model_dump(mode="json"))

    async def _change_settings(self, request: Request) -> Response:
        changes = await _read_json(request)
        if not isinstance(changes, dict):
            raise ValueError("The settings must be a JSON object. Nothing was changed.")  # noqa: TRY004 - answered as a bad request
        return _json(self._settings.change(changes).model_dump(mode="json"))

    async def _show_faults(self, _: Request) -> Response:
        return _json(self._faults.as_json())

    async def _add_faults(self, request: Request) -> Response:
        given = await _read_json(request)
        rules = _FAULTS.validate_python(given if isinstance(given, list) else [given])
        check_rules(rules, self._operations)
        self._faults.add(rules)
        return _json(self._faults.as_json())

    async def _clear_faults(self, _: Request) -> Response:
        self._faults.clear()
        return _json([])

    async def _end_stalled(self, request: Request) -> Response:
        """Resume stalled jobs, throughputs and deployments. ``?match=TEXT`` selects those whose names contain TEXT."""
        match = request.query_params.get("match", "")
        return _json({"ended": sum(end(match) for end in self._end_stalls)})

    async def _show_human_tasks(self, request: Request) -> Response:
        """List the tasks of human evaluation jobs. ``?job=`` selects one job by its ARN or name."""
        return _json(self._human_tasks.open_tasks(request.query_params.get("job")))

    async def _add_human_answers(self, request: Request) -> Response:
        return _json(self._human_tasks.add(PostedAnswers.model_validate(await _read_json(request))))


class AdminRoute(Route):
    """A route that refuses unknown query parameters, and refuses values in a body if it needs no body.

    If it ignored them, a client could believe that they had an effect.
    """

    def __init__(self, path: str, endpoint: Endpoint, methods: Sequence[str] = ("GET",)) -> None:
        async def checked(request: Request) -> Response:
            _check_query(request, _PARAMETERS.get(path, ()))
            if request.method == "POST":
                _require_json(request)
            if (request.method, path) not in _WITH_BODY:
                await _refuse_values(request)
            return await endpoint(request)

        super().__init__(path, checked, methods=methods)


def _check_query(request: Request, parameters: Sequence[str]) -> None:
    names = [name for name, _ in request.query_params.multi_items()]
    unknown = [name for name in names if name not in parameters]
    repeated = [name for name in parameters if names.count(name) > 1]
    if unknown or repeated:
        fault = f"the unknown parameters {unknown}" if unknown else f"the parameters {repeated} more than once"
        expected = f"only {', '.join(parameters)}, and each once" if parameters else "none"
        raise ValueError(f"The query has {fault}; expected {expected}. Nothing was changed.")


async def _refuse_values(request: Request) -> None:
    """Refuse the body of a request that needs none. An empty JSON object has no effect and is accepted."""
    body = await request.body()
    try:
        value = read_json(body) if body.strip() else None
    except ValueError:
        value = body
    if isinstance(value, dict) and value:
        raise ValueError(f"The body has the unknown keys {list(value)}; expected no body. Nothing was changed.")
    if value not in (None, {}):
        raise ValueError(f"The body is {body[:50].decode(errors='replace')!r}; expected no body. Nothing was changed.")


async def _redirect(_: Request) -> Response:
    return RedirectResponse("/_admin/", headers=_HEADERS)


async def _read_json(request: Request) -> Any:
    _require_json(request)
    try:
        return read_json(await request.body())
    except ValueError as error:
        raise ValueError(f"The request body is not JSON: {error}. Nothing was changed.") from None


def _require_json(request: Request) -> None:
    """
    Refuse a body that is not JSON.

    Any web page can make a browser send a form to the simulator. Before a browser sends JSON for a web page, it asks
    the simulator for permission.

    :raises HTTPException: the stated content type is not JSON, or the request has a body and states no content type.
    """
    stated = request.headers.get("content-type")
    has_body = stated is not None or request.headers.get("content-length", "0") != "0"
    if (has_body or "transfer-encoding" in request.headers) and not _is_json(stated or ""):
        message = f"The content type is {stated!r}; expected application/json. Nothing was changed."
        raise HTTPException(415, message, headers=_HEADERS)


def _is_json(content_type: str) -> bool:
    return content_type.split(";")[0].strip().lower() == "application/json"


def _json(value: Any) -> JSONResponse:
    return JSONResponse(value, headers=_HEADERS)


async def _invalid(_: Request, error: Exception) -> Response:
    """Return the error response to a request that has invalid values. Its text names each invalid value."""
    faults = error.errors() if isinstance(error, ValidationError) else []
    described = "; ".join(_fault(fault["loc"], fault["msg"], fault["input"]) for fault in faults)
    return JSONResponse({"message": f"{described}. Nothing was changed."}, status_code=400, headers=_HEADERS)


def _fault(place: Sequence[object], message: str, value: object) -> str:
    text = repr(value)
    shown = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
    return f"{'.'.join(map(str, place))}: {message} (the value is {shown})"


async def _bad_request(_: Request, error: Exception) -> Response:
    return JSONResponse({"message": str(error)}, status_code=400, headers=_HEADERS)
