"""A fake of the hook for Bedrock: it remembers what was bought, and the response to a purchase can get lost."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bedrock_distill.hooks.bedrock import CustomizationJob, CustomModel, JobRequest, Throughput
from bedrock_distill.hooks.deployments import Deployment
from include.distill.core.errors import ConflictError, NotFoundError, ServiceError
from include.distill.inference.requests import Completion, ModelRequest

RUN_KEY = f"manual-1-{'abcdef01' * 4}"
FINGERPRINT = "f" * 64
# A job and tags of the sample use case, in the environment of the tests.
OWN_TAGS = {"project": "bedrock-distill", "environment": "test", "use-case": "aws_docs_qa"}
OWN_JOB = {
    "role_arn": "arn:aws:iam::123456789012:role/bedrock-distill-customization",
    "base_model_arn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0:128k",
    "training_uri": "s3://bedrock-distill-training/distill/datasets/d/train.jsonl",
    "output_uri": f"s3://bedrock-distill-output/distill/training/{FINGERPRINT[:12]}/",
}
CREATED = datetime.datetime(2026, 11, 22, 2, 0, tzinfo=datetime.UTC)


def _nothing() -> None:
    pass


class FakeBedrock:
    """
    A fake with the methods of ``BedrockDistillHook``.

    :param say: returns a model's answer to a request.
    """

    def __init__(self, say: Callable[[ModelRequest], str] = lambda _: "") -> None:
        self.say = say
        self.asked: list[ModelRequest] = []
        self.usage = (100, 10)
        self.jobs: dict[str, CustomizationJob] = {}
        self.tags_of: dict[str, dict[str, str]] = {}
        self.stopped: list[str] = []
        self.throughputs: dict[str, Throughput] = {}
        self.deployments: dict[str, Deployment] = {}
        self.bought: list[str] = []
        self.updated: list[str] = []
        self.models: set[str] = set()
        self.training_data: dict[str, str] = {}
        self.lose_next_answer: ServiceError | None = None
        self.refuse: dict[str, ServiceError] = {}
        self.before_create: Callable[[], None] = _nothing
        self.simulated = False
        self.day: str | None = None
        self.missing_operations: set[str] = set()

    def has_operation(self, service: str, method: str) -> bool:
        return method not in self.missing_operations

    def ask(self, request: ModelRequest) -> Completion:
        self._refuse("ask")
        self.asked.append(request)
        return Completion(self.say(request), "end_turn", *self.usage, simulated=True)

    @contextmanager
    def answer(self, request: ModelRequest) -> Iterator[Completion]:
        yield self.ask(request)

    def count_tokens(self, request: ModelRequest) -> int:
        self._refuse("count_tokens")
        return len(request.system) + len(request.user)

    def foundation_model(self, model_id: str) -> dict[str, Any]:
        self._refuse(model_id)
        supported = ["FINE_TUNING", "DISTILLATION"]
        return {"modelId": model_id, "modelLifecycle": {"status": "ACTIVE"}, "customizationsSupported": supported}

    def paginate(self, method: str, key: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Return the jobs of the kinds that this fake does not have. Tests of evaluation jobs use another fake."""
        assert (method, key) == ("list_evaluation_jobs", "jobSummaries")
        return iter(())

    def is_simulated(self, model_id: str) -> bool:
        self._refuse(model_id)
        return self.simulated

    def simulated_day(self, model_id: str) -> str | None:
        self._refuse(model_id)
        return self.day

    def model_availability(self, model_id: str) -> dict[str, Any]:
        return {
            "authorizationStatus": "AUTHORIZED",
            "entitlementAvailability": "AVAILABLE",
            "regionAvailability": "AVAILABLE",
        }

    def find_job(self, name: str) -> CustomizationJob | None:
        return self.jobs.get(name.removeprefix("arn:job/"))

    def create_job(self, request: JobRequest) -> None:
        self._refuse("create_job")
        if request.name in self.jobs:
            raise ConflictError("The provided job name is currently in use.")
        self.bought.append(request.name)
        self.tags_of[f"arn:job/{request.name}"] = dict(request.tags)
        self.put_job(
            request.name,
            "InProgress",
            output_uri=request.output_uri,
            training_uri=request.training_uri,
            role_arn=request.role_arn,
            base_model_arn=f"arn:aws:bedrock:us-east-1::foundation-model/{request.recipe.base_model_id}",
        )
        self._lose()

    def put_job(self, name: str, status: str, **more: Any) -> None:
        """Put a job into a state. A completed job also has a model. By default, the sample use case owns the job."""
        if status == "Completed":
            self.models.add(f"arn:model/{name}")
            more = {"model_arn": f"arn:model/{name}", "training_loss": 0.5, **more}
        before = self.jobs.get(name) or CustomizationJob(name, f"arn:job/{name}", status, CREATED, **OWN_JOB)
        self.jobs[name] = dataclasses.replace(before, **{"status": status, "failure_message": None, **more})
        self.tags_of.setdefault(f"arn:job/{name}", dict(OWN_TAGS))

    def tags(self, arn: str) -> dict[str, str]:
        return dict(self.tags_of.get(arn, {}))

    def tag(self, arn: str, tags: Mapping[str, str]) -> None:
        self.tags_of.setdefault(arn, {}).update(tags)

    def stop_job(self, name: str) -> None:
        self._refuse("stop_job")
        self.stopped.append(name.removeprefix("arn:job/"))

    def training_data_of_model(self, arn: str) -> str | None:
        return self.training_data.get(arn, OWN_JOB["training_uri"])

    def has_custom_model(self, arn: str) -> bool:
        return arn in self.models

    def find_throughput(self, name: str) -> Throughput | None:
        return self.throughputs.get(name.removeprefix("arn:throughput/"))

    def create_throughput(self, *, name: str, token: str, model_arn: str, units: int, tags: Mapping[str, str]) -> None:
        self.before_create()
        self._refuse("create_throughput")
        if name in self.throughputs:
            raise ConflictError(f"{name} already exists")
        self.bought.append(name)
        self.tags_of[f"arn:throughput/{name}"] = dict(tags)
        self.put_throughput(name, "Creating", model_arn=model_arn, units=units)
        self._lose()

    def put_throughput(
        self,
        name: str,
        status: str,
        *,
        model_arn: str = "arn:model/m",
        units: int = 1,
        created: datetime.datetime = CREATED,
    ) -> None:
        """Put a throughput into a state. By default, it belongs to the run of the tests, in the arm ``tuned``."""
        self.tags_of.setdefault(f"arn:throughput/{name}", {**OWN_TAGS, "run-key": RUN_KEY, "arm": "tuned"})
        self.throughputs[name] = Throughput(name, f"arn:throughput/{name}", status, created, model_arn, units)

    def update_throughput(self, name: str, model_arn: str) -> None:
        """Begin an update, as Bedrock does: the old model answers until the test ends the update."""
        self._refuse("update_throughput")
        name = name.removeprefix("arn:throughput/")
        self.updated.append(model_arn)
        self.throughputs[name] = dataclasses.replace(
            self.throughputs[name], status="Updating", desired_model_arn=model_arn
        )
        self._lose()

    def delete_throughput(self, name: str) -> None:
        self._refuse("delete_throughput")
        self.throughputs.pop(name.removeprefix("arn:throughput/"), None)

    def list_throughputs(self) -> list[Throughput]:
        self._refuse("list_throughputs")
        return list(self.throughputs.values())

    def find_deployment(self, name: str) -> Deployment | None:
        return self.deployments.get(name.removeprefix("arn:deployment/"))

    def create_deployment(self, *, name: str, token: str, model_arn: str, tags: Mapping[str, str]) -> None:
        self.before_create()
        self._refuse("create_deployment")
        if name in self.deployments:
            raise ConflictError(f"{name} already exists")
        self.bought.append(name)
        self.tags_of[f"arn:deployment/{name}"] = dict(tags)
        self.put_deployment(name, "Creating", model_arn=model_arn)
        self._lose()

    def put_deployment(
        self, name: str, status: str, *, model_arn: str = "arn:model/m", created: datetime.datetime = CREATED
    ) -> None:
        """Put a deployment into a state. By default, it belongs to the run of the tests, in the arm ``tuned``."""
        self.tags_of.setdefault(f"arn:deployment/{name}", {**OWN_TAGS, "run-key": RUN_KEY, "arm": "tuned"})
        self.deployments[name] = Deployment(name, f"arn:deployment/{name}", status, created, model_arn)

    def update_deployment(self, name: str, model_arn: str) -> None:
        """Begin an update, as Bedrock does: the old model answers until the test ends the update."""
        self._refuse("update_deployment")
        name = name.removeprefix("arn:deployment/")
        self.updated.append(model_arn)
        self.deployments[name] = dataclasses.replace(
            self.deployments[name], update_status="Updating", update_model_arn=model_arn
        )
        self._lose()

    def end_change(self, *, fails: bool = False) -> None:
        """End every creation and update in progress."""
        for name, one in self.deployments.items():
            if one.status == "Creating":
                self.deployments[name] = dataclasses.replace(one, status="Failed" if fails else "Active")
            elif one.update_status == "Updating":
                status, model = ("UpdateFailed", one.model_arn) if fails else ("UpdateCompleted", one.update_model_arn)
                self.deployments[name] = dataclasses.replace(one, update_status=status, model_arn=str(model))
        for name, bought in self.throughputs.items():
            if bought.status == "Creating":
                self.throughputs[name] = dataclasses.replace(bought, status="Failed" if fails else "InService")
            elif bought.status == "Updating":
                model = bought.model_arn if fails else bought.desired_model_arn
                self.throughputs[name] = dataclasses.replace(bought, status="InService", model_arn=str(model))

    def delete_deployment(self, name: str) -> None:
        self._refuse("delete_deployment")
        self.deployments.pop(name.removeprefix("arn:deployment/"), None)

    def list_deployments(self) -> list[Deployment]:
        self._refuse("list_deployments")
        return list(self.deployments.values())

    def list_custom_models(self) -> list[CustomModel]:
        self._refuse("list_custom_models")
        return [CustomModel(arn.removeprefix("arn:model/"), arn, CREATED) for arn in sorted(self.models)]

    def delete_custom_model(self, arn: str) -> bool:
        self._refuse("delete_custom_model")
        if any(one.model_arn == arn for one in (*self.throughputs.values(), *self.deployments.values())):
            return False
        self.models.discard(arn)
        return True

    def _refuse(self, what: str) -> None:
        if what in self.refuse:
            raise self.refuse[what]

    def _lose(self) -> None:
        if self.lose_next_answer:
            error, self.lose_next_answer = self.lose_next_answer, None
            raise error


def missing(model_id: str) -> NotFoundError:
    """Return the error that the hook raises for a model that does not exist."""
    return NotFoundError(f"{model_id} does not exist")
