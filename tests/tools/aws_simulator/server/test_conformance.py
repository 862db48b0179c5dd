"""Every operation, called through boto3, returns exactly the members that AWS defines, also on the wire."""

from __future__ import annotations

import inspect
import json
from typing import Any

from botocore.model import Shape
from botocore.validate import ParamValidator

from tests.fakes.aws_simulator import RunningSimulator
from tests.fakes.patience import wait_until
from tests.tools.aws_simulator import builders
from tools.aws_simulator.protocol.specification import load_service
from tools.aws_simulator.server.app import _handlers


class Recorder:
    """A recorder of the raw and the parsed answer of every call of its clients."""

    def __init__(self, simulator: RunningSimulator) -> None:
        self.seen: dict[str, list[tuple[bytes, Any]]] = {}
        self.bedrock = self._watched(simulator.boto("bedrock", user_agent_extra="recorder"))
        self.runtime = self._watched(simulator.boto("bedrock-runtime", user_agent_extra="recorder"))

    def _watched(self, client: Any) -> Any:
        client.meta.events.register("response-received", self._note)
        return client

    def _note(self, response_dict: Any, parsed_response: Any, event_name: str, **_: Any) -> None:
        body = response_dict["body"] if isinstance(response_dict["body"], bytes) else b"{}"
        self.seen.setdefault(event_name.rpartition(".")[2], []).append((body, parsed_response))


def unmodelled(shape: Shape, value: Any, path: str = "") -> list[str]:
    """Return the paths of the JSON keys that the shape does not define."""
    if shape.type_name == "structure":
        known = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        return [
            problem
            for key, member in value.items()
            for problem in (unmodelled(known[key], member, f"{path}.{key}") if key in known else [f"{path}.{key}"])
        ]
    if shape.type_name == "list":
        return [problem for member in value for problem in unmodelled(shape.member, member, path)]
    return []


def call_model_operations(bedrock: Any) -> None:
    bedrock.list_foundation_models()
    bedrock.get_foundation_model(modelIdentifier=builders.STUDENT_BASE)
    bedrock.get_foundation_model_availability(modelId="amazon.nova-micro-v1:0")
    profile = bedrock.create_inference_profile(
        inferenceProfileName="conformance",
        modelSource={"copyFrom": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0"},
    )["inferenceProfileArn"]
    bedrock.get_inference_profile(inferenceProfileIdentifier=profile)
    bedrock.list_inference_profiles(maxResults=2)
    bedrock.delete_inference_profile(inferenceProfileIdentifier=profile)


def call_deployment_operations(simulator: RunningSimulator, bedrock: Any, model: str, tags: Any) -> None:
    deployment = bedrock.create_custom_model_deployment(
        modelDeploymentName="conformance", modelArn=model, description="A deployment.", tags=tags
    )["customModelDeploymentArn"]
    wait_until(lambda: builders.deployment_state(simulator, deployment)["status"] == "Active")
    update = bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=deployment)["modelArn"]
    bedrock.update_custom_model_deployment(customModelDeploymentIdentifier=deployment, modelArn=update)
    bedrock.get_custom_model_deployment(customModelDeploymentIdentifier="conformance")
    bedrock.list_custom_model_deployments()
    bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier=deployment)


def call_evaluation_operations(simulator: RunningSimulator, bedrock: Any, tags: Any) -> None:
    requests = (builders.evaluation_request(simulator, jobTags=tags), builders.human_request(simulator))
    arns = [bedrock.create_evaluation_job(**request)["jobArn"] for request in requests]
    bedrock.stop_evaluation_job(jobIdentifier=arns[1])
    for arn in arns:
        builders.finished_evaluation(simulator, arn)
        bedrock.get_evaluation_job(jobIdentifier=arn)
    bedrock.list_evaluation_jobs(maxResults=1)
    bedrock.batch_delete_evaluation_job(jobIdentifiers=[*arns, f"{arns[0][:-12]}abcdefghijkl"])


def call_optimization_operations(simulator: RunningSimulator, bedrock: Any, tags: Any) -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    model = {"modelId": builders.OPTIMIZED, "inferenceConfig": {"maxTokens": 100, "temperature": 0.5}}
    arns = [
        bedrock.create_advanced_prompt_optimization_job(
            **builders.optimization_request(
                simulator, tags=tags, jobDescription="Two.", encryptionKeyArn=key, modelConfigurations=[model]
            )
        )["jobArn"]
        for _ in range(2)
    ]
    bedrock.stop_advanced_prompt_optimization_job(jobIdentifier=arns[1])
    for arn in arns:
        builders.finished_optimization(simulator, arn)
        bedrock.get_advanced_prompt_optimization_job(jobIdentifier=arn)
    bedrock.list_advanced_prompt_optimization_jobs(maxResults=1)
    bedrock.batch_delete_advanced_prompt_optimization_job(jobIdentifiers=[*arns, "abcdefghijkl"])


def call_everything(simulator: RunningSimulator, recorder: Recorder) -> None:
    bedrock, runtime = recorder.bedrock, recorder.runtime
    call_model_operations(bedrock)
    held_out = builders.put(simulator, "conformance/held_out.jsonl", builders.jsonl([builders.conversation()]))
    tags = [{"key": "project", "value": "distill"}]
    request = builders.job_request(
        simulator, validationDataConfig={"validators": [{"s3Uri": held_out}]}, jobTags=tags, customModelTags=tags
    )
    job = bedrock.create_model_customization_job(**request)["jobArn"]
    bedrock.get_model_customization_job(jobIdentifier=job)
    builders.finished_job(simulator, job)
    bedrock.get_model_customization_job(jobIdentifier=request["jobName"])
    simulator.admin("PUT", "settings", {"job_seconds": 600})
    bedrock.stop_model_customization_job(jobIdentifier=builders.create_job(simulator))
    bedrock.list_model_customization_jobs(maxResults=1)
    model = bedrock.get_custom_model(modelIdentifier=request["customModelName"])["modelArn"]
    bedrock.list_custom_models()
    provisioned = bedrock.create_provisioned_model_throughput(
        provisionedModelName="conformance", modelUnits=1, modelId=request["customModelName"], tags=tags
    )["provisionedModelArn"]
    wait_until(lambda: builders.throughput_status(simulator, provisioned) == "InService")
    bedrock.get_provisioned_model_throughput(provisionedModelId=provisioned)
    bedrock.list_provisioned_model_throughputs()
    bedrock.update_provisioned_model_throughput(provisionedModelId=provisioned, desiredProvisionedModelName="renamed")
    bedrock.tag_resource(resourceARN=provisioned, tags=[{"key": "run", "value": "1"}])
    bedrock.untag_resource(resourceARN=provisioned, tagKeys=["run"])
    bedrock.list_tags_for_resource(resourceARN=provisioned)
    call_deployment_operations(simulator, bedrock, model, tags)
    simulator.admin("PUT", "settings", {"batch_seconds": 600})
    batch = bedrock.create_model_invocation_job(**builders.batch_request(simulator, tags=tags))["jobArn"]
    bedrock.list_model_invocation_jobs(maxResults=1)
    bedrock.stop_model_invocation_job(jobIdentifier=batch)
    simulator.admin("PUT", "settings", {"batch_seconds": 0})
    bedrock.get_model_invocation_job(jobIdentifier=batch)
    call_evaluation_operations(simulator, bedrock, tags)
    call_optimization_operations(simulator, bedrock, tags)
    messages = [{"role": "user", "content": [{"text": builders.prompt()}]}]
    runtime.converse(modelId=provisioned, messages=messages)
    runtime.invoke_model(modelId=builders.TEACHER, body=json.dumps(builders.anthropic_body()))
    list(runtime.converse_stream(modelId=provisioned, messages=messages)["stream"])
    body = json.dumps(builders.anthropic_body())
    list(runtime.invoke_model_with_response_stream(modelId=builders.TEACHER, body=body)["body"])
    runtime.count_tokens(modelId=builders.COUNTING_MODEL, input={"converse": {"messages": messages}})
    bedrock.delete_provisioned_model_throughput(provisionedModelId="renamed")
    bedrock.delete_custom_model(modelIdentifier=request["customModelName"])


def test_every_answer_has_the_shape_of_the_service_model(simulator: RunningSimulator) -> None:
    recorder = Recorder(simulator)
    call_everything(simulator, recorder)
    implemented = set(_handlers(*[_Anything()] * len(inspect.signature(_handlers).parameters)))
    assert set(recorder.seen) == implemented
    services = [load_service("bedrock"), load_service("bedrock-runtime")]
    for name, answers in recorder.seen.items():
        service = next(service for service in services if name in service.operation_names)
        shape = service.operation_model(name).output_shape
        for raw, parsed in answers:
            if shape and "payload" not in shape.serialization:
                assert unmodelled(shape, json.loads(raw)) == [], name
            given = {key: value for key, value in parsed.items() if key != "ResponseMetadata"}
            # Blobs and event streams are objects in a parsed answer. The tests of streaming check each event.
            if shape and "payload" not in shape.serialization:
                report = ParamValidator().validate(given, shape)
                assert not report.has_errors(), (name, report.generate_report())
            headers = parsed["ResponseMetadata"]["HTTPHeaders"]
            assert headers["x-simulated"] == "true"
            assert parsed["ResponseMetadata"]["HTTPStatusCode"] == service.operation_model(name).http["responseCode"]


class _Anything:
    def __getattr__(self, name: str) -> str:
        return name
