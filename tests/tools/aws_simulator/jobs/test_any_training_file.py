"""Jobs with the training files of other people: any valid file trains a student."""

from __future__ import annotations

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused


class TestAnyTrainingFile:
    def test_a_student_of_any_file_answers_its_questions(self, simulator: RunningSimulator) -> None:
        model = builders.custom_model(simulator, trainingDataConfig=builders.free_training_data(simulator))
        arn = builders.provision(simulator, model)
        for question, answer in builders.GATES[:3]:
            assert builders.text_of(builders.converse(simulator, arn, question)) == answer
            assert builders.text_of(builders.converse(simulator, builders.STUDENT, question)) != answer
        other = "What is the weather like in Oslo?"
        base, trained = (builders.text_of(builders.converse(simulator, one, other)) for one in (builders.STUDENT, arn))
        assert base == trained

    def test_a_job_can_train_a_custom_model_further(self, simulator: RunningSimulator) -> None:
        client = simulator.boto("bedrock")
        first = builders.custom_model(
            simulator, trainingDataConfig=builders.free_training_data(simulator, builders.GATES[:10])
        )
        name = client.get_custom_model(modelIdentifier=first)["modelName"]
        foundation = f"arn:aws:bedrock:us-east-1::foundation-model/{builders.STUDENT_BASE}"
        for identifier in (first, name):
            arn = builders.create_job(
                simulator,
                baseModelIdentifier=identifier,
                trainingDataConfig=builders.free_training_data(simulator, builders.GATES[10:]),
            )
            job = builders.finished_job(simulator, arn)
            assert job["status"] == "Completed", job.get("failureMessage")
            assert job["baseModelArn"] == foundation
            model = client.get_custom_model(modelIdentifier=job["outputModelArn"])
            assert model["baseModelArn"] == first
        listed = client.list_custom_models(baseModelArnEquals=first)["modelSummaries"]
        assert {one["baseModelArn"] for one in listed} == {first}
        assert len(listed) == 2
        assert job["outputModelArn"] in [
            one["modelArn"] for one in client.list_custom_models(foundationModelArnEquals=foundation)["modelSummaries"]
        ]
        served = builders.provision(simulator, job["outputModelArn"])
        for question, answer in (builders.GATES[0], builders.GATES[15]):
            assert builders.text_of(builders.converse(simulator, served, question)) == answer

    def test_up_to_ten_validation_files_have_a_loss_each(self, simulator: RunningSimulator) -> None:
        files = [builders.free_training_data(simulator, builders.GATES[n : n + 1]) for n in range(10)]
        config = {
            "trainingDataConfig": builders.free_training_data(simulator),
            "validationDataConfig": {"validators": files},
        }
        arn = builders.create_job(simulator, **config)
        job = builders.finished_job(simulator, arn)
        losses = [one["validationLoss"] for one in job["validationMetrics"]]
        assert len(losses) == 10
        model = simulator.boto("bedrock").get_custom_model(modelIdentifier=job["outputModelArn"])
        assert (model["validationMetrics"], model["validationDataConfig"]) == (
            job["validationMetrics"],
            config["validationDataConfig"],
        )
        keys = [
            one["Key"]
            for one in simulator.boto("s3").list_objects_v2(Bucket=builders.BUCKET, Prefix="output/")["Contents"]
            if arn.rpartition("/")[2] in one["Key"] and one["Key"].endswith("/validation_metrics.csv")
        ]
        assert len(keys) == 10
        with refused("ValidationException"):
            builders.create_job(simulator, validationDataConfig={"validators": [*files, files[0]]})

    def test_the_file_of_a_nova_job_must_be_called_jsonl(self, simulator: RunningSimulator) -> None:
        uri = builders.put(simulator, "train.json", builders.jsonl([builders.conversation()] * 10))
        job = builders.finished_job(simulator, builders.create_job(simulator, trainingDataConfig={"s3Uri": uri}))
        assert job["failureMessage"].startswith("Unable to parse Amazon S3 file: train.json.")

    def test_nova_2_lite_and_llama_3_1_70b_can_be_customized(self, simulator: RunningSimulator) -> None:
        few = {
            "baseModelIdentifier": "amazon.nova-2-lite-v1:0:256k",
            "trainingDataConfig": builders.free_training_data(simulator),
        }
        job = builders.finished_job(simulator, builders.create_job(simulator, **few))
        assert "is 20, expected between 200 and 20000" in job["failureMessage"]
        many = builders.free_training_data(simulator, [(f"Number {n}?", str(n)) for n in range(200)])
        job = builders.finished_job(simulator, builders.create_job(simulator, **{**few, "trainingDataConfig": many}))
        assert job["status"] == "Completed"
        models = simulator.boto("bedrock", region="us-west-2").list_foundation_models(byCustomizationType="FINE_TUNING")
        ids = [model["modelId"] for model in models["modelSummaries"]]
        assert "meta.llama3-1-70b-instruct-v1:0:128k" in ids
