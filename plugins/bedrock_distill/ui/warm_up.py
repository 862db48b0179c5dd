"""
Prepare the plugin's pages when Airflow's API server starts, so that the first reader does not wait for it.

The first page needs modules, clients for S3 and Bedrock, and compiled templates. Clients are created again after some
minutes, which takes much less time. Keep imports few, because every
Airflow process loads this module, but only the API server prepares the pages.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from include.distill.config.use_case import UseCase

log = logging.getLogger(__name__)


def prepare_pages() -> None:
    """Do once what the first page would do. No request is sent to S3 or Bedrock. An error is only logged."""
    try:
        from bedrock_distill.ui.report_pages import app  # noqa: F401 - to load the modules of all pages
        from include.distill.config.loader import load_use_cases

        _compile_templates()
        use_cases = load_use_cases().valid
    except Exception:  # any error: the page that needs the same shows it to its reader
        log.info("The Distill pages could not be prepared, so the first one takes longer", exc_info=True)
        return
    for use_case in use_cases:
        _create_clients(use_case)


def _compile_templates() -> None:
    """Render the two pages of the menu without any run. The templates stay compiled."""
    from bedrock_distill.ui.overview_pages import utc_now
    from include.distill.report.past_runs import list_page
    from include.distill.trend.overview import overview_page

    list_page([])
    overview_page([], now=utc_now())


def _create_clients(use_case: UseCase) -> None:
    from bedrock_distill.ui.billed_now import prepare_bedrock
    from bedrock_distill.ui.served_pages import prepare_s3

    try:
        prepare_s3(use_case)
        prepare_bedrock(use_case)
    except Exception:  # such as a connection that does not exist; the other use cases are not affected
        log.info("The clients of %s could not be created in advance", use_case.name, exc_info=True)


class WarmUp:
    """
    An ASGI middleware that prepares the pages in a thread when the API server starts.

    Airflow mounts the app of the pages, and a mounted app is not informed about the start of the server.
    """

    def __init__(self, app: Any, prepare: Callable[[], None] = prepare_pages) -> None:
        self._app = app
        self._prepare = prepare

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass everything on. At the start of the server, also start the thread."""
        if scope["type"] == "lifespan":
            threading.Thread(target=self._prepare, name="distill-warm-up", daemon=True).start()
        await self._app(scope, receive, send)


WARM_UP: dict[str, Any] = {"name": "prepare the Distill pages", "middleware": WarmUp}
