"""
Run customization jobs: validate and process the data, train, write the metrics files, and create the custom model.

A distillation job asks its teacher while it processes the data. All other steps are the same.

After a restart, an unfinished job continues in its current phase. Each phase takes a fixed share of ``job_seconds``.
"""

from __future__ import annotations

import time
from typing import Any

from tools.aws_simulator.account.calls import new_arn
from tools.aws_simulator.account.records import CustomizationJobBody, CustomModelBody, TrainingMetrics
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.catalog.catalog import Catalog, TrainingFormat
from tools.aws_simulator.jobs.background import INTERNAL_ERROR, BackgroundJobs, Deadline, StopRequestedError
from tools.aws_simulator.jobs.distillation import PRE_TRAINING
from tools.aws_simulator.jobs.hyperparameters import batch_size, epoch_count
from tools.aws_simulator.jobs.job_files import JobData, JobFiles, S3Access
from tools.aws_simulator.jobs.role_access import RoleAccess
from tools.aws_simulator.jobs.synthesis import Synthesis, Teacher, share_of
from tools.aws_simulator.jobs.training_data import DataFaultError, training_file
from tools.aws_simulator.models.fine_tuning import TrainedModel, TrainingResult, fine_tune
from tools.aws_simulator.models.pre_training import pre_train
from tools.aws_simulator.resources.memories import Memories
from tools.aws_simulator.runtime.inference import Inference
from tools.aws_simulator.services.roles import Roles

PHASES = ("validationDetails", "dataProcessingDetails", "trainingDetails")
UNFINISHED = ("InProgress", "Stopping")
_SHARES = {"validationDetails": 0.25, "dataProcessingDetails": 0.25, "trainingDetails": 0.5}
_STOPPING_SHARE = 0.1


class JobRunner(BackgroundJobs[CustomizationJobBody]):
    """The customization jobs, which run in the background."""

    def __init__(
        self,
        state: State,
        settings: SettingsStore,
        catalog: Catalog,
        inference: Inference,
        s3: S3Access,
        roles: Roles,
    ) -> None:
        super().__init__(state.jobs, settings, unfinished=UNFINISHED)
        self._state = state
        self._catalog = catalog
        self._inference = inference
        self._s3 = s3
        self._roles = roles
        self._memories = Memories(state)

    def _work(self, arn: str) -> None:
        job = self._jobs.get(arn)
        access = RoleAccess(self._s3, self._roles, job.body["roleArn"], arn)
        files = JobFiles(job, access, self._training_format(job))
        self._begin(arn, "validationDetails")
        data = self._distilled(job, access, files) if "customizationConfig" in job.body else self._provided(job, files)
        self._apply_fault(job)
        self._begin(arn, "trainingDetails")
        epochs = epoch_count(job.body["hyperParameters"])
        result = self._train(job, data, epochs)
        self._wait(arn, self._phase_end(arn, "trainingDetails"))
        files.write_metrics(result)
        self._complete(job, result, billed_tokens=data.training.tokens * epochs)

    def _train(self, job: Resource[CustomizationJobBody], data: JobData, epochs: int) -> TrainingResult:
        start = self._start(job)
        if job.body["customizationType"] == PRE_TRAINING:
            validation = [file.documents for file in data.validation]
            return pre_train(data.training.documents, epochs=epochs, validation=validation, start=start)
        examples = [file.examples for file in data.validation]
        return fine_tune(data.training.examples, epochs=epochs, validation=examples, start=start)

    def _provided(self, job: Resource[CustomizationJobBody], files: JobFiles) -> JobData:
        """Return the data in the files of the job."""
        data = files.read()
        self._finish(job.arn, "validationDetails")
        self._begin(job.arn, "dataProcessingDetails")
        self._save(job.arn, tokens=data.training.tokens)
        self._finish(job.arn, "dataProcessingDetails")
        return data

    def _distilled(self, job: Resource[CustomizationJobBody], access: RoleAccess, files: JobFiles) -> JobData:
        """Return the prompts in the file of a distillation job with their answers.

        The answers are billed when the phase of data processing has completed. After a restart in a later phase, the
        teacher gives the same answers again, and nothing more is billed.
        """
        config = job.body["customizationConfig"]["distillationConfig"]["teacherModelConfig"]
        teacher = Teacher(self._inference, job.region, config)
        access.check_profile(teacher.identifier, teacher.model_id)
        prompts = files.read_prompts()
        files.write_input_report(prompts)
        self._finish(job.arn, "validationDetails")
        self._begin(job.arn, "dataProcessingDetails")
        prompts.check_number()
        synthesis = Synthesis(teacher)
        try:
            for prompt in prompts.accepted:
                self._check(job.arn)
                synthesis.add(prompt)
        except StopRequestedError:
            # After a restart, the use of all answers may be known already.
            if "teacher_use" not in self._jobs.get(job.arn).body:
                self._save(job.arn, teacher_use=synthesis.use)
            raise
        training = training_file(synthesis.records)
        self._save(job.arn, tokens=training.tokens, teacher_use=synthesis.use)
        self._wait_for_end(job.arn, "dataProcessingDetails")
        files.write_sample(synthesis.synthetic)
        self._finish(job.arn, "dataProcessingDetails")
        self._save(job.arn, billed_teacher_use=synthesis.use)
        return JobData(training, [])

    def _start(self, job: Resource[CustomizationJobBody]) -> TrainedModel | None:
        """Return the custom model that the job trains further, even if it has been deleted; None for a base model."""
        if "base_model" not in job.body:
            return None
        custom = self._state.custom_models.get(job.body["base_model"])
        return TrainedModel(custom.body["weights"], self._memories.load(custom.arn))

    def _training_format(self, job: Resource[CustomizationJobBody]) -> TrainingFormat:
        customization = self._catalog.models[job.body["model"]].customization
        if customization is None:
            raise DataFaultError(f"The catalog no longer lists {job.body['model']} as a model that can be customized.")
        if job.body["customizationType"] == PRE_TRAINING:
            documents = self._catalog.document_format(customization)
            if documents is None:
                raise DataFaultError(f"The catalog no longer lists {job.body['model']} for continued pre-training.")
            return documents.for_batches_of(batch_size(job.body["hyperParameters"]))
        if "customizationConfig" not in job.body:
            rules = self._catalog.training_format(customization)
            return rules.for_batches_of(batch_size(job.body["hyperParameters"]))
        if customization.distillation is None:
            raise DataFaultError(f"The catalog no longer lists {job.body['model']} as a model that can be distilled.")
        return self._catalog.prompt_format(customization, customization.distillation)

    def _begin(self, arn: str, phase: str) -> None:
        """Mark a phase as started. A phase that was started before a restart keeps its start time."""
        with self._changed:
            self._check(arn)
            details = self._jobs.get(arn).body["statusDetails"]
            if details[phase]["status"] == "NotStarted":
                self._set_phase(arn, phase, "InProgress")

    def _finish(self, arn: str, phase: str) -> None:
        """Mark a phase as completed. A phase that was completed before a restart keeps its times."""
        self._wait_for_end(arn, phase)
        with self._changed:
            self._check(arn)
            if not self._is_completed(arn, phase):
                self._set_phase(arn, phase, "Completed")

    def _wait_for_end(self, arn: str, phase: str) -> None:
        if not self._is_completed(arn, phase):
            self._wait(arn, self._phase_end(arn, phase))

    def _is_completed(self, arn: str, phase: str) -> bool:
        return self._jobs.get(arn).body["statusDetails"][phase]["status"] == "Completed"

    def _set_phase(self, arn: str, phase: str, status: str) -> None:
        details, now = self._jobs.get(arn).body["statusDetails"], time.time()
        started = details[phase].get("creationTime", now)
        details[phase] = {"status": status, "creationTime": started, "lastModifiedTime": now}
        self._save(arn, statusDetails=details)

    def _phase_end(self, arn: str, phase: str) -> Deadline:
        started = self._jobs.get(arn).body["statusDetails"][phase]["creationTime"]
        return self._deadline(started, _SHARES[phase])

    def _deadline(self, start: float, share: float) -> Deadline:
        return Deadline(lambda: self._settings.current.job_seconds * share, start)

    def _apply_fault(self, job: Resource[CustomizationJobBody]) -> None:
        kind = job.body["fault"]["kind"] if job.body["fault"] else None
        if kind == "job_failed":
            self._begin(job.arn, "trainingDetails")
            raise DataFaultError(INTERNAL_ERROR)
        if kind == "job_stalled":
            self._wait(job.arn, self._stall_end(job))

    def _failed(self, arn: str, message: str) -> None:
        with self._changed:
            if not self._closing:
                self._end_open_phase(arn, "Failed")
                self._save(arn, status="Failed", failureMessage=message[:2048], ended=time.time())

    def _stopped(self, arn: str) -> None:
        """Keep the status Stopping for a while, then end the job. Only the work before the stop is billed."""
        job = self._jobs.get(arn)
        phases = [details["status"] for details in job.body["statusDetails"].values()]
        if "Stopping" not in phases:  # else the job was billed before a restart
            self._save(arn, **self._billed_until_stop(job))
        self._end_open_phase(arn, "Stopping")
        with self._changed:
            if self._wait_stopping(self._deadline(self._jobs.get(arn).body["modified"], _STOPPING_SHARE)):
                self._end_open_phase(arn, "Stopped")
                self._save(arn, status="Stopped", ended=time.time())

    def _billed_until_stop(self, job: Resource[CustomizationJobBody]) -> dict[str, Any]:
        """Return what is billed of the training, and of the answers of a teacher, of a job that was asked to stop."""
        tokens = job.body.get("tokens", 0) * epoch_count(job.body["hyperParameters"])
        billed: dict[str, Any] = {"billed_tokens": int(tokens * self._share_done(job, "trainingDetails"))}
        if "teacher_use" in job.body:
            share = self._share_done(job, "dataProcessingDetails")
            billed["billed_teacher_use"] = share_of(job.body["teacher_use"], share)
        return billed

    def _share_done(self, job: Resource[CustomizationJobBody], phase: str) -> float:
        """
        Return the share of a phase that was over when the job was last modified.

        A job that was asked to stop was last modified at that time. The time until now could include a restart.
        """
        details = job.body["statusDetails"][phase]
        if details["status"] == "Completed":
            return 1.0
        if "creationTime" not in details:
            return 0.0
        length = max(1e-9, self._settings.current.job_seconds * _SHARES[phase])
        return min(1.0, max(0.0, job.body["modified"] - details["creationTime"]) / length)

    def _end_open_phase(self, arn: str, status: str) -> None:
        for phase, details in self._jobs.get(arn).body["statusDetails"].items():
            if details["status"] in ("InProgress", "Stopping") and details["status"] != status:
                self._set_phase(arn, phase, status)

    def _complete(self, job: Resource[CustomizationJobBody], result: TrainingResult, *, billed_tokens: int) -> None:
        losses = [of_file[-1].loss for of_file in result.validation_losses]
        metrics = TrainingMetrics(trainingLoss=result.steps[-1].loss, validationLosses=losses)
        arn = new_arn(job.region, f"custom-model/{job.body['baseModelId']}")
        with self._changed:
            self._check(job.arn)
            with self._state.transaction():
                self._state.custom_models.add(_custom_model(arn, job, result, metrics))
                self._memories.store(arn, result.model.memory)
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


def _custom_model(
    arn: str, job: Resource[CustomizationJobBody], result: TrainingResult, metrics: TrainingMetrics
) -> Resource[CustomModelBody]:
    body = CustomModelBody(
        model=job.body["model"],
        baseModelId=job.body["baseModelId"],
        baseModelArn=job.body["baseModelArn"],
        customizationType=job.body["customizationType"],
        hyperParameters=job.body["hyperParameters"],
        trainingDataConfig=job.body["trainingDataConfig"],
        validationDataConfig=job.body["validationDataConfig"],
        outputDataConfig=job.body["outputDataConfig"],
        jobName=job.name,
        jobArn=job.arn,
        weights=result.model.weights,
        trainingLoss=metrics["trainingLoss"],
        validationLosses=metrics["validationLosses"],
    )
    if "customizationConfig" in job.body:
        body["customizationConfig"] = job.body["customizationConfig"]
    if "base_model" in job.body:
        body["base_model"] = job.body["base_model"]
    if "kms_key" in job.body:
        body["kms_key"] = job.body["kms_key"]
    return Resource("custom_model", arn, job.region, job.body["customModelName"], time.time(), body)
