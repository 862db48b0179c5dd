"""Serve the routes under ``/_admin``: account page, ledger, request log, settings, fault plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tools.aws_simulator.account.faults import Fault, FaultPlan, check_rules
from tools.aws_simulator.account.ledger import Ledger
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.protocol.json_values import read_json
from tools.aws_simulator.server.admin_page import POLICY, AdminPage

_FAULTS = TypeAdapter(list[Fault])
_HEADERS = {"x-simulated": "true"}


class Admin:
    """The routes below ``/_admin``, as a Starlette app in :attr:`app`.

    They are for tests and tools. AWS has no such routes.

    :param operations: the names of the operations to which rules of the fault plan may apply.
    """

    def __init__(
        self,
        settings: SettingsStore,
        ledger: Ledger,
        faults: FaultPlan,
        end_stalls: Sequence[Callable[[str], int]],
        page: AdminPage,
        operations: frozenset[str],
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._faults = faults
        self._end_stalls = end_stalls
        self._page = page
        self._operations = operations
        self.app = Starlette(
            routes=[
                Route("/_admin", _redirect),
                Route("/_admin/", self._show_page),
                Route("/_admin/health", self._health),
                Route("/_admin/ledger", self._show_ledger),
                Route("/_admin/ledger/reset", self._reset_ledger, methods=["POST"]),
                Route("/_admin/requests", self._show_requests),
                Route("/_admin/settings", self._show_settings, methods=["GET"]),
                Route("/_admin/settings", self._change_settings, methods=["PUT"]),
                Route("/_admin/faults", self._show_faults, methods=["GET"]),
                Route("/_admin/faults", self._add_faults, methods=["POST"]),
                Route("/_admin/faults", self._clear_faults, methods=["DELETE"]),
                Route("/_admin/stalls", self._end_stalled, methods=["DELETE"]),
            ],
            exception_handlers={ValidationError: _bad_request, ValueError: _bad_request, RecursionError: _bad_request},
        )

    async def _show_page(self, _: Request) -> Response:
        headers = {**_HEADERS, "content-security-policy": POLICY, "cache-control": "no-store"}
        return HTMLResponse(self._page.render(), headers={**headers, "x-content-type-options": "nosniff"})

    async def _health(self, _: Request) -> Response:
        return _json({"status": "ok", "simulated": True})

    async def _show_ledger(self, _: Request) -> Response:
        return _json(self._ledger.as_json())

    async def _reset_ledger(self, request: Request) -> Response:
        _require_json(request)
        self._ledger.reset()
        return _json(self._ledger.as_json())

    async def _show_requests(self, _: Request) -> Response:
        return _json(self._ledger.requests())

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


async def _redirect(_: Request) -> Response:
    return RedirectResponse("/_admin/", headers=_HEADERS)


async def _read_json(request: Request) -> Any:
    _require_json(request)
    try:
        return read_json(await request.body())
    except ValueError as error:
        raise ValueError(f"The request body is not JSON: {error}. Nothing was changed.") from None


def _require_json(request: Request) -> None:
    """Refuse a body that is not JSON. A form on a web page can send such a body without asking the server first.

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


async def _bad_request(_: Request, error: Exception) -> Response:
    return JSONResponse({"message": str(error)}, status_code=400, headers=_HEADERS)
