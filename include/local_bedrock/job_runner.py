"""
The life of a customization job: validation, data processing, training, then the custom model and its metrics files.

Each job runs on a thread of its own. What it has done is in the state, so that a job that a restart interrupted is
taken up in the phase it was in. A phase lasts its share of ``job_seconds``, measured from its stored start; changing
the setting takes effect on running jobs.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from include.distill.catalog import Catalog
from include.local_bedrock.artefacts import JobData, JobFiles, S3Access
from include.local_bedrock.calls import new_arn
from include.local_bedrock.settings import SettingsStore
from include.local_bedrock.simulated.delimiters import NotUnderstoodError
from include.local_bedrock.simulated.student import TrainingResult, train
from include.local_bedrock.state import Resource, State
from include.local_bedrock.training_data import DataFaultError

logger = logging.getLogger(__name__)

PHASES = ("validationDetails", "dataProcessingDetails", "trainingDetails")
UNFINISHED = ("InProgress", "Stopping")
INTERNAL_ERROR = "Encountered an internal error when processing the request."
_SHARES = {"validationDetails": 0.25, "dataProcessingDetails": 0.25, "trainingDetails": 0.5}
_STOPPING_SHARE = 0.1


class _StopRequested(Exception):
    """StopModelCustomizationJob was called for the job."""


class _Closing(Exception):
    """The stand-in ends; the job goes on at its next start."""


class JobRunner:
    """Runs jobs in the background."""

    def __init__(self, state: State, settings: SettingsStore, catalog: Catalog, s3: S3Access) -> None:
        self._state = state
        self._settings = settings
        self._catalog = catalog
        self._s3 = s3
        self._changed = threading.Condition(threading.RLock())
        self._closing = False
        self._threads: list[threading.Thread] = []
        settings.on_change(self._wake)

    def start(self, arn: str) -> None:
        """Let the job run."""
        thread = threading.Thread(target=self._run, args=[arn], name=f"job {arn[-12:]}", daemon=True)
        self._threads = [known for known in self._threads if known.is_alive()] + [thread]
        thread.start()

    def resume(self) -> None:
        """Let all jobs run on that an earlier process left unfinished."""
        for job in self._state.all("job"):
            if job.body["status"] in UNFINISHED:
                self.start(job.arn)

    def stop(self, arn: str) -> bool:
        """Ask a job to stop; False when it has ended."""
        with self._changed:
            status = self._state.get(arn).body["status"]
            if status == "InProgress":
                self._save(arn, status="Stopping")
                self._changed.notify_all()
            return status in UNFINISHED

    def end_stalls(self, match: str) -> int:
        """Let the stalled jobs whose names contain ``match`` go on, and return how many there were."""
        with self._changed:
            jobs = [job for job in self._state.all("job") if match in job.name and _is_stalled(job)]
            for job in jobs:
                self._state.change(job.arn, fault={**job.body["fault"], "seconds": time.time() - job.created})
            self._changed.notify_all()
        return len(jobs)

    def close(self) -> None:
        """End the threads, but not the jobs. One that is fitting a model is left behind; it changes nothing more."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=0.5)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _run(self, arn: str) -> None:
        try:
            self._run_phases(arn)
        except _StopRequested:
            self._stopped(arn)
        except _Closing:
            return
        except DataFaultError as fault:
            self._failed(arn, str(fault))
        except Exception:
            logger.exception("Job %s failed inside the stand-in", arn)
            self._failed(arn, INTERNAL_ERROR)

    def _run_phases(self, arn: str) -> None:
        job = self._state.get(arn)
        files = JobFiles(job, self._s3, self._catalog.families[self._family(job)])
        self._begin(arn, "validationDetails")
        data = files.read()
        self._finish(arn, "validationDetails")
        self._begin(arn, "dataProcessingDetails")
        self._save(arn, tokens=data.training.tokens)
        self._finish(arn, "dataProcessingDetails")
        self._meet_fault(job)
        self._begin(arn, "trainingDetails")
        epochs = int(job.body["hyperParameters"]["epochCount"])
        result = _fitted(data, epochs)
        self._wait(arn, self._phase_end(arn, "trainingDetails"))
        files.write_metrics(result)
        self._completed(job, result, billed_tokens=data.training.tokens * epochs)

    def _family(self, job: Resource) -> str:
        customization = self._catalog.models[job.body["model"]].customization
        if customization is None:
            raise DataFaultError(f"{job.body['model']} can no longer be customized.")
        return customization.family

    def _begin(self, arn: str, phase: str) -> None:
        """Mark a phase as begun; one that had begun before a restart keeps its start."""
        with self._changed:
            self._check(arn)
            details = self._state.get(arn).body["statusDetails"]
            if details[phase]["status"] == "NotStarted":
                self._set_phase(arn, phase, "InProgress")

    def _finish(self, arn: str, phase: str) -> None:
        self._wait(arn, self._phase_end(arn, phase))
        with self._changed:
            self._check(arn)
            self._set_phase(arn, phase, "Completed")

    def _set_phase(self, arn: str, phase: str, status: str) -> None:
        details, now = self._state.get(arn).body["statusDetails"], time.time()
        started = details[phase].get("creationTime", now)
        details[phase] = {"status": status, "creationTime": started, "lastModifiedTime": now}
        self._save(arn, statusDetails=details)

    def _phase_end(self, arn: str, phase: str) -> _Deadline:
        started = self._state.get(arn).body["statusDetails"][phase]["creationTime"]
        return _Deadline(self._settings, started, _SHARES[phase])

    def _wait(self, arn: str, deadline: _Deadline | _StallEnd) -> None:
        """Wait until ``deadline``, which may move meanwhile.

        :raises _StopRequested: the job was asked to stop meanwhile.
        """
        with self._changed:
            while True:
                self._check(arn)
                remaining = deadline.remaining()
                if remaining is not None and remaining <= 0:
                    return
                self._changed.wait(remaining)

    def _check(self, arn: str) -> None:
        if self._closing:
            raise _Closing
        if self._state.get(arn).body["status"] == "Stopping":
            raise _StopRequested

    def _meet_fault(self, job: Resource) -> None:
        fault = job.body["fault"] or {"kind": None}
        if fault["kind"] == "job_failed":
            self._begin(job.arn, "trainingDetails")
            raise DataFaultError(INTERNAL_ERROR)
        if fault["kind"] == "job_stalled":
            self._wait(job.arn, _StallEnd(self._state, job))

    def _save(self, arn: str, **changes: Any) -> None:
        self._state.change(arn, modified=time.time(), **changes)

    def _failed(self, arn: str, message: str) -> None:
        with self._changed:
            if not self._closing:
                self._end_open_phase(arn, "Failed")
                self._save(arn, status="Failed", failureMessage=message[:2048], ended=time.time())

    def _stopped(self, arn: str) -> None:
        """Let the job be Stopping for a while, then Stopped. Training that had begun is billed up to there."""
        billed = self._tokens_until_stop(self._state.get(arn))
        self._end_open_phase(arn, "Stopping")
        asked = _Deadline(self._settings, self._state.get(arn).body["modified"], _STOPPING_SHARE)
        with self._changed:
            while not self._closing and asked.remaining() > 0:
                self._changed.wait(asked.remaining())
            if not self._closing:
                self._end_open_phase(arn, "Stopped")
                self._save(arn, status="Stopped", ended=time.time(), billed_tokens=billed)

    def _tokens_until_stop(self, job: Resource) -> int:
        started = job.body["statusDetails"]["trainingDetails"].get("creationTime")
        if started is None:
            return 0
        length = max(1e-9, self._settings.current.job_seconds * _SHARES["trainingDetails"])
        done = min(1.0, (time.time() - started) / length)
        return int(job.body["tokens"] * int(job.body["hyperParameters"]["epochCount"]) * done)

    def _end_open_phase(self, arn: str, status: str) -> None:
        for phase, details in self._state.get(arn).body["statusDetails"].items():
            if details["status"] in ("InProgress", "Stopping"):
                self._set_phase(arn, phase, status)

    def _completed(self, job: Resource, result: TrainingResult, *, billed_tokens: int) -> None:
        losses = [step.loss for step in result.validation_losses]
        metrics = {"trainingLoss": result.steps[-1].loss, "validationLosses": losses[-1:]}
        arn = new_arn(job.region, f"custom-model/{job.body['baseModelId']}")
        with self._changed:
            self._check(job.arn)
            with self._state.transaction():
                self._state.add(_custom_model(arn, job, result, metrics))
                self._state.tag(arn, job.body["modelTags"])
                self._set_phase(job.arn, "trainingDetails", "Completed")
                self._save(
                    job.arn,
                    status="Completed",
                    ended=time.time(),
                    outputModelArn=arn,
                    billed_tokens=billed_tokens,
                    **metrics,
                )


class _StallEnd:
    """When the fault that stalls a job is over."""

    def __init__(self, state: State, job: Resource) -> None:
        self._state = state
        self._job = job

    def remaining(self) -> float | None:
        """Return the seconds until then; None when it does not end by itself."""
        seconds = self._state.get(self._job.arn).body["fault"]["seconds"]
        return None if seconds is None else self._job.created + seconds - time.time()


def _is_stalled(job: Resource) -> bool:
    return job.body["status"] == "InProgress" and (job.body["fault"] or {}).get("kind") == "job_stalled"


class _Deadline:
    """``share`` of ``job_seconds`` after ``start``; moves when the setting does."""

    def __init__(self, settings: SettingsStore, start: float, share: float) -> None:
        self._settings = settings
        self._start = start
        self._share = share

    def remaining(self) -> float:
        """Return the seconds until then; negative when it is past."""
        return self._start + self._settings.current.job_seconds * self._share - time.time()


def _fitted(data: JobData, epochs: int) -> TrainingResult:
    validation = data.validation.examples if data.validation else []
    try:
        return train(data.training.examples, epochs=epochs, validation=validation)
    except (NotUnderstoodError, ValueError) as error:
        raise DataFaultError(str(error)) from error


def _custom_model(arn: str, job: Resource, result: TrainingResult, metrics: dict[str, Any]) -> Resource:
    kept = (
        "model",
        "baseModelId",
        "baseModelArn",
        "customizationType",
        "hyperParameters",
        "trainingDataConfig",
        "validationDataConfig",
        "outputDataConfig",
    )
    body = {name: job.body[name] for name in kept}
    body |= {"jobName": job.name, "jobArn": job.arn, "weights": result.weights, **metrics}
    return Resource("custom_model", arn, job.region, job.body["customModelName"], time.time(), body)
