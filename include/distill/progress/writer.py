"""Store the progress of a task. This never fails the task, and never delays it by more than a few seconds."""

from __future__ import annotations

import logging
from threading import Lock

from include.distill.core.storage import ObjectStore, write_json
from include.distill.progress.meter import ProgressMeter

log = logging.getLogger(__name__)

# The shortest time between two records of a task. Each record is one PUT request to S3.
INTERVAL_SECONDS = 10.0
_LOCK_SECONDS = 5.0


class ProgressWriter:
    """
    Write the records of one attempt of a task, all to the same object.

    An error while writing is logged at DEBUG and ignored. The class is thread-safe.
    """

    def __init__(self, store: ObjectStore, uri: str, meter: ProgressMeter) -> None:
        self._store, self._uri, self._meter = store, uri, meter
        self._lock = Lock()
        self._is_closed = False

    def write(self) -> None:
        """Write the progress at this moment."""
        self._write(ended=False)

    def close(self) -> None:
        """Write the last record. If an earlier record is still on its way to S3, give up after a few seconds."""
        self._write(ended=True)

    def _write(self, *, ended: bool) -> None:
        if not self._lock.acquire(timeout=_LOCK_SECONDS):
            return
        try:
            if not self._is_closed:  # the thread that writes every ten seconds must not replace the last record
                self._is_closed = ended
                write_json(self._store, self._uri, self._meter.record(ended=ended))
        except Exception:
            log.debug("The progress could not be written to %s", self._uri, exc_info=True)
        finally:
            self._lock.release()
