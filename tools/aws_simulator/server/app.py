"""Combine S3, Bedrock and the admin routes in one ASGI application with one state folder."""

from __future__ import annotations

import datetime
import fcntl
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tools.aws_simulator.account.access_log import AccessLog
from tools.aws_simulator.account.faults import FaultPlan
from tools.aws_simulator.account.ledger import Ledger
from tools.aws_simulator.account.moto_calls import MotoThread
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.account.state import State
from tools.aws_simulator.catalog.catalog import Catalog, load_catalog
from tools.aws_simulator.jobs.batch_jobs import BatchJobs
from tools.aws_simulator.jobs.batch_runner import BatchRunner
from tools.aws_simulator.jobs.customization import CustomizationJobs
from tools.aws_simulator.jobs.evaluation_jobs import EvaluationJobs
from tools.aws_simulator.jobs.evaluation_runner import EvaluationRunner
from tools.aws_simulator.jobs.job_runner import JobRunner
from tools.aws_simulator.jobs.optimization_jobs import OptimizationJobs
from tools.aws_simulator.jobs.optimization_runner import OptimizationRunner
from tools.aws_simulator.protocol.credentials import DEFAULT_REGION, CredentialScope, credential_scope, is_bearer
from tools.aws_simulator.protocol.own_requests import refusal
from tools.aws_simulator.protocol.signatures import stated_service
from tools.aws_simulator.protocol.specification import SERVICES, load_service, vendor_api
from tools.aws_simulator.resources.custom_models import CustomModels
from tools.aws_simulator.resources.deployments import Deployments
from tools.aws_simulator.resources.foundation_models import FoundationModels
from tools.aws_simulator.resources.inference_profiles import InferenceProfiles
from tools.aws_simulator.resources.tagging import Tagging
from tools.aws_simulator.resources.throughput import Throughputs
from tools.aws_simulator.runtime.inference import Inference
from tools.aws_simulator.runtime.invocation_logs import InvocationLogs
from tools.aws_simulator.runtime.logging_configuration import LoggingConfiguration
from tools.aws_simulator.runtime.streaming import Streaming
from tools.aws_simulator.s3.s3 import SimulatedS3
from tools.aws_simulator.server.admin import Admin
from tools.aws_simulator.server.admin_page import AdminPage
from tools.aws_simulator.server.bedrock_access import BedrockAccess
from tools.aws_simulator.server.bedrock_actions import BedrockActions
from tools.aws_simulator.server.bedrock_arns import BedrockArns
from tools.aws_simulator.server.operations import Handler, SimulatedBedrock
from tools.aws_simulator.server.s3_caller import S3Caller
from tools.aws_simulator.server.session_tokens import SessionTokens
from tools.aws_simulator.services.authorization import Authorizer
from tools.aws_simulator.services.callers import Callers
from tools.aws_simulator.services.iam import Iam
from tools.aws_simulator.services.pricing import Pricing
from tools.aws_simulator.services.refusals import (
    is_s3_control,
    refuse_service,
    refuse_signature,
    refuse_unsigned,
)
from tools.aws_simulator.services.roles import Roles, add_service_roles
from tools.aws_simulator.services.service import SimulatedService
from tools.aws_simulator.services.service_access import ServiceAccess
from tools.aws_simulator.services.service_quotas import ServiceQuotas
from tools.aws_simulator.services.signature_errors import check_service_signature
from tools.aws_simulator.services.sts import Sts
from tools.aws_simulator.stacks.loading import load_stacks


class AwsSimulator:
    """
    An ASGI application that behaves like S3, bedrock and bedrock-runtime.

    :param folder: the state folder. It is created if it does not exist, and locked so that no other process uses it.
    :param settings: settings that replace those stored in the state.
    :param hosts: host names that clients may use for the simulator, in addition to the addresses of the loopback
        interface. A request with another Host header, or from a web page of another origin, is refused.
    :param roles: ARNs of roles that are created unless they exist. Bedrock may assume them, and they may use all
        buckets and models.
    :param policies: files of stacks. If they are given, even if the list is empty, every request is authorised.
    :param callers: the name of the role that an access key acts for, or ``root``, by access key.
    :raises BlockingIOError: another process uses ``folder``.
    :raises StackError: a file of ``policies`` is not valid.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, Any] | None = None,
        hosts: Collection[str] = (),
        roles: Collection[str] = (),
        *,
        policies: Collection[Path] | None = None,
        callers: Mapping[str, str] | None = None,
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._hosts = {"localhost", *(host.lower() for host in hosts)}
        self._lock = (folder / "lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with ExitStack() as opened:  # a start that fails leaves nothing open
            opened.callback(self._lock.close)
            self._state = State(folder / "bedrock.sqlite")
            opened.callback(self._state.close)
            self._settings = SettingsStore(self._state)
            if settings:
                self._settings.change(settings)
            catalog = load_catalog()
            self._moto = MotoThread()
            opened.callback(self._moto.close)
            self._s3 = SimulatedS3(folder / "s3", self._moto)
            opened.callback(self._s3.close)
            self._open_neighbours(catalog, roles, callers or {}, enforced=policies is not None)
            load_stacks(policies or (), self._iam, self._s3)
            self._open_bedrock(catalog)
            for runner in self._runners:
                runner.resume()
            opened.pop_all()

    def _open_neighbours(
        self, catalog: Catalog, roles: Collection[str], callers: Mapping[str, str], *, enforced: bool
    ) -> None:
        """Open IAM, STS, Service Quotas and Pricing, and create ``roles`` and those of ``callers``."""
        self._iam = Iam(self._state, self._moto)
        add_service_roles(self._state, self._iam, roles)
        self._roles = Roles(self._iam)
        self._sts = Sts(self._state, self._iam, self._roles, Callers(self._iam, callers), enforced=enforced)
        self._access_log = AccessLog()
        self._authorizer = Authorizer(self._sts, self._roles, self._access_log)
        self._tokens = SessionTokens(self._sts)
        self._service_access = ServiceAccess(self._authorizer, self._iam)
        # The keys are the names that requests are signed for.
        self._services: dict[str, SimulatedService] = {
            "iam": self._iam.service,
            "sts": self._sts.service,
            "servicequotas": ServiceQuotas(self._settings, catalog).service,
            "pricing": Pricing().service,
        }

    def _open_bedrock(self, catalog: Catalog) -> None:
        """Open Bedrock and the admin routes. This does not resume unfinished jobs yet."""
        logging = LoggingConfiguration(self._state, self._s3, self._roles)
        ledger, faults, models = Ledger(self._state), FaultPlan(self._state), FoundationModels(catalog, self._settings)
        profiles = InferenceProfiles(self._state, models)
        throughputs = Throughputs(self._state, self._settings, models)
        deployments = Deployments(self._state, self._settings, models)
        inference = Inference(self._state, self._settings, models, profiles, throughputs, deployments, ledger)
        runner = JobRunner(self._state, self._settings, catalog, inference, self._s3, self._roles)
        batches = BatchRunner(self._state, self._settings, inference, ledger, self._s3, self._roles)
        evaluations = EvaluationRunner(self._state, self._settings, inference, ledger, self._s3, self._roles)
        optimizations = OptimizationRunner(self._state, self._settings, inference, self._s3, self._roles)
        self._runners = (runner, batches, evaluations, optimizations)
        handlers = _handlers(
            models,
            profiles,
            CustomizationJobs(self._state, catalog, models, runner, self._roles),
            CustomModels(self._state, throughputs, deployments),
            throughputs,
            deployments,
            inference,
            Streaming(inference, self._settings),
            Tagging(self._state),
            BatchJobs(self._state, inference, batches, self._roles),
            EvaluationJobs(self._state, inference, evaluations, self._roles),
            OptimizationJobs(self._state, self._settings, inference, optimizations, self._sts.caller_role),
        )
        self.bedrock = SimulatedBedrock(
            {**handlers, **_logging_handlers(logging)},
            faults,
            ledger,
            InvocationLogs(logging, self._s3, self._sts.caller_arn),
            self._tokens.check_bedrock,
            self._settings,
            BedrockAccess(self._authorizer, BedrockActions(BedrockArns(self._state, profiles))),
        )
        self._admin = Admin(
            self._settings,
            ledger,
            faults,
            [owner.end_stalls for owner in (*self._runners, throughputs, deployments)],
            AdminPage(self._state, self._settings, ledger, faults, throughputs, deployments),
            self.bedrock.implemented,
            evaluations.human_tasks,
            self._access_log,
        )

    def operations(self) -> dict[str, frozenset[str]]:
        """Return the names of the implemented operations, by the service's name in botocore. S3 is not included."""
        bedrock = {name: self.bedrock.implemented & set(load_service(name).operation_names) for name in SERVICES}
        return {**bedrock, **dict(service.implemented for service in self._services.values())}

    def close(self) -> None:
        """Shut down. The next process that opens the folder resumes unfinished jobs."""
        for runner in self._runners:
            runner.close()
        self._moto.close()
        self._iam.close()
        self._s3.close()
        self._state.close()
        self._lock.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            raise NotImplementedError(f"The simulator supports HTTP only, not {scope['type']}.")
        request = Request(scope, receive)
        answer = await self._answer(request)
        await answer(scope, receive, _marked(send, self._settings.current.as_of))

    async def _answer(self, request: Request) -> ASGIApp:
        reason = refusal(request.headers.raw, self._hosts)
        if reason is not None:
            message = (
                f"The AWS simulator refused the request, and nothing was changed: {reason}. To let other"
                " machines use the simulator under this host name, start it with --allow-host."
            )
            return JSONResponse({"message": message}, 403, headers={"x-simulated": "true"})
        if request.scope["path"] == "/_admin" or request.scope["path"].startswith("/_admin/"):
            return self._admin.app
        return await self._answer_service(request)

    async def _answer_service(self, request: Request) -> ASGIApp:
        """
        Pass a request to the service that it was signed for, and return that service's response.

        The SDKs sign requests to bedrock-runtime for "bedrock" too. A request that names no service goes to Bedrock or
        to S3, unless its form or its target shows that it is for another service. The service then refuses it.
        """
        authorization = request.headers.get("authorization", "")
        scope = credential_scope(authorization, request.url.query)
        service_name = scope.service if scope else stated_service(authorization)
        if is_bearer(authorization) or service_name == "bedrock":
            # Of the requests signed for "bedrock", only those to the Data Automation runtime have this header.
            if "x-amz-target" in request.headers:
                return await refuse_service(request, "bedrock-data-automation-runtime")
            return await self.bedrock.handle(request)
        if service_name is None:
            return await self._answer_unknown(request)
        if service := self._services.get(service_name):
            unread = CredentialScope("", DEFAULT_REGION, service_name)  # the check refuses the header
            check = partial(self._check_service, request, service_name, is_query=service.is_query)
            return await service.handle(request, scope or unread, check, self._service_access.check)
        if service_name == "s3" and not is_s3_control(request):
            return await self._answer_s3(request)
        if service_name != "s3" and self.bedrock.knows(request.method, request.scope["raw_path"].decode()):
            return await self.bedrock.handle(request)
        return await refuse_service(request, "s3control" if service_name == "s3" else service_name)

    async def _answer_unknown(self, request: Request) -> ASGIApp:
        """Answer a request that names no service."""
        if self._is_unsigned_bedrock(request):
            return await self.bedrock.handle(request)
        has_header = request.headers.get("authorization", "").strip()
        error = await (refuse_signature if has_header else refuse_unsigned)(request)
        return await self._answer_s3(request) if error is None else error

    def _check_service(self, request: Request, service: str, *, is_query: bool) -> None:
        check_service_signature(request, service, is_query=is_query)
        self._tokens.check_service(request, is_query=is_query)

    async def _answer_s3(self, request: Request) -> ASGIApp:
        return await self._s3.handle(request, S3Caller(request, self._tokens, self._authorizer))

    def _is_unsigned_bedrock(self, request: Request) -> bool:
        signed_url = {"X-Amz-Signature", "Signature"} & set(parse_qs(request.url.query))
        path = request.scope["raw_path"].decode()
        # Anthropic's SDK sends its key in a header of its own.
        is_vendor_api = request.method == "POST" and vendor_api(path) is not None
        return not signed_url and (is_vendor_api or self.bedrock.knows(request.method, path))


def _marked(send: Send, day: datetime.date | None) -> Send:
    """
    Mark the response as simulated, even if it comes from moto or from a web framework.

    :param day: the day that the setting ``as_of`` names; it is in the response too.
    """

    async def send_marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["x-simulated"] = "true"
            if day is not None:
                headers["x-simulated-as-of"] = day.isoformat()
        await send(message)

    return send_marked


def _logging_handlers(logging: LoggingConfiguration) -> dict[str, Handler]:
    return {
        "PutModelInvocationLoggingConfiguration": logging.put,
        "GetModelInvocationLoggingConfiguration": logging.get,
        "DeleteModelInvocationLoggingConfiguration": logging.delete,
    }


def _serving_handlers(throughputs: Throughputs, deployments: Deployments) -> dict[str, Handler]:
    return {
        "CreateProvisionedModelThroughput": throughputs.create,
        "GetProvisionedModelThroughput": throughputs.get,
        "ListProvisionedModelThroughputs": throughputs.list,
        "UpdateProvisionedModelThroughput": throughputs.update,
        "DeleteProvisionedModelThroughput": throughputs.delete,
        "CreateCustomModelDeployment": deployments.create,
        "GetCustomModelDeployment": deployments.get,
        "ListCustomModelDeployments": deployments.list,
        "UpdateCustomModelDeployment": deployments.update,
        "DeleteCustomModelDeployment": deployments.delete,
    }


def _measuring_handlers(evaluations: EvaluationJobs, optimizations: OptimizationJobs) -> dict[str, Handler]:
    return {
        "CreateEvaluationJob": evaluations.create,
        "GetEvaluationJob": evaluations.get,
        "ListEvaluationJobs": evaluations.list,
        "StopEvaluationJob": evaluations.stop,
        "BatchDeleteEvaluationJob": evaluations.batch_delete,
        "CreateAdvancedPromptOptimizationJob": optimizations.create,
        "GetAdvancedPromptOptimizationJob": optimizations.get,
        "ListAdvancedPromptOptimizationJobs": optimizations.list,
        "StopAdvancedPromptOptimizationJob": optimizations.stop,
        "BatchDeleteAdvancedPromptOptimizationJob": optimizations.batch_delete,
    }


def _handlers(
    models: FoundationModels,
    profiles: InferenceProfiles,
    jobs: CustomizationJobs,
    custom_models: CustomModels,
    throughputs: Throughputs,
    deployments: Deployments,
    inference: Inference,
    streaming: Streaming,
    tagging: Tagging,
    batches: BatchJobs,
    evaluations: EvaluationJobs,
    optimizations: OptimizationJobs,
) -> dict[str, Handler]:
    return {
        "ListFoundationModels": models.list,
        "GetFoundationModel": models.get,
        "GetFoundationModelAvailability": models.availability,
        "CreateInferenceProfile": profiles.create,
        "GetInferenceProfile": profiles.get,
        "ListInferenceProfiles": profiles.list,
        "DeleteInferenceProfile": profiles.delete,
        "CreateModelCustomizationJob": jobs.create,
        "GetModelCustomizationJob": jobs.get,
        "ListModelCustomizationJobs": jobs.list,
        "StopModelCustomizationJob": jobs.stop,
        "GetCustomModel": custom_models.get,
        "ListCustomModels": custom_models.list,
        "DeleteCustomModel": custom_models.delete,
        **_serving_handlers(throughputs, deployments),
        "InvokeModel": inference.invoke_model,
        "Converse": inference.converse,
        "ConverseStream": streaming.converse_stream,
        "InvokeModelWithResponseStream": streaming.invoke_model_with_response_stream,
        "CountTokens": inference.count_tokens,
        "CreateModelInvocationJob": batches.create,
        "GetModelInvocationJob": batches.get,
        "ListModelInvocationJobs": batches.list,
        "StopModelInvocationJob": batches.stop,
        **_measuring_handlers(evaluations, optimizations),
        "TagResource": tagging.tag,
        "UntagResource": tagging.untag,
        "ListTagsForResource": tagging.list,
    }
