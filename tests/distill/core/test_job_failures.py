"""
Check the cause of failed jobs: messages that AWS or its users have published, and variants of them.

A message about access or an unknown message must never count as bad data, because such a job may succeed when it is
bought again.
"""

from __future__ import annotations

import pytest

from include.distill.core.job_failures import FailureCause, job_failure

ACCESS = [
    "Could not validate GetObject permissions to access Amazon S3 bucket: training-data at key train.jsonl",
    "Could not validate GetObject permissions to access Amazon S3 bucket: data-records-invalid at key validation.jsonl",
    "Amazon S3 perms missing (PutObject): Could not validate PutObject permissions to access S3 bucket: out",
    "Could not validate ListBucket permissions for S3URI",
    "Customer doesn't have permissions to invokeModel",
    'Encountered an unexpected error when processing the request, please try again","AccessDenied',
    "Unable to assume role arn:aws:iam::1:role/x",
    "Bedrock cannot assume the provided role. Check the trust relationship.",
    "The provided role does not exist",
    "User: x is not authorized to perform: s3:GetObject because no identity-based policy allows it",
    "The specified bucket does not exist",
    "The bucket is in a different region than the job",
    "The KMS key arn:aws:kms:... is disabled.",
    "KMSInvalidStateException: key is pending deletion",
    "KMS key not found",
    "User is not authorized to use CMK for decrypt",
    "Subnet subnet-12 has no free IP addresses",
    "The VPC does not have an S3 endpoint",
    "Security group sg-1 does not exist",
    "You have reached the maximum number of concurrent customization jobs",
    "Your account has exceeded its service quota for training jobs",
    "Your account is suspended. Contact support.",
    "Your AWS account has been blocked",
    "This account is currently on hold because of an unpaid invoice",
    "AWS Marketplace subscription for this model has expired",
    "The service role is not authorized to perform the required AWS Marketplace actions",
    "Model use case details have not been submitted for this account",
    "The security token included in the request is expired",
    "Access Denied",
    "AccessDenied",
    "Forbidden",
    "The provided model identifier is invalid",
    "The object s3://b/train.jsonl does not exist",
    "Invalid training input data configuration. Check the input data S3 Uris(Uri should be a file, not a directory)",
    "The model is marked as Legacy",
    "Something odd happened in zone 7",
    "",
    "Operation not allowed",
    "The input file is stored in Glacier",
    "The role lacks the necessary permissions",
    "S3 bucket policy denies the request: explicit deny",
    "Access to the bucket was denied for the execution role. Training data record count: 120",
]
DATA = [
    "Unable to parse Amazon S3 file: train.jsonl. Data files must conform to JSONL format.",
    "Input size exceeded in file train.jsonl for record starting with You are not authorized to access",
    "Input size exceeded.",
    "Maximum input token count 4097 exceeds limit of 4096",
    "Maximum output token count 4097 exceeds limit of 4096",
    "Max sum of input and output token length 4097 exceeds total limit of 4096",
    "Automated tests flagged this job for materials that break third-party license terms. Please contact support.",
    "Batch job arn:... contains less records (1) than the required minimum of: 100",
    "The number of training records (50) is less than the minimum (100)",
    "Number of records 30000 exceeds the quota of 20000",
    "Invalid JSON on line 5",
    "Line 12 of train.jsonl: missing key 'messages'",
    "Record 7 is missing the field recordId",
    "Duplicate recordId",
    "Hyperparameter learningRate must be between 1e-7 and 1e-3",
    "epochCount is out of range",
    "The training file is empty",
    "The file train.jsonl is not valid UTF-8",
    "Malformed record at line 3",
    "Invalid input error: the training file has fewer than 8 records",
    "Training data contains reserved keywords: User:",
    "Your training data contains harmful content",
    "Failed to parse line 9 of the dataset",
    "Too many tokens in record 3",
    "The dataset has more records than the maximum",
    "The dataset must contain at least 100 training samples",
    "Sample 4: role must alternate",
    "Token count exceeds the limit of 32000",
    "Data file size exceeds 1 GB",
    "The dataset is too small. Please add samples and try again.",
    "Unsupported file format: csv",
    "Missing 'modelInput' in record 3",
    "Training dataset contains 3 examples; minimum is 8",
    "Found 120001 records; the maximum is 20000",
    "The validation file has no lines",
    "Expecting property name enclosed in double quotes: line 1 column 2",
    "Invalid character in training data",
    "The prompt field is missing in line 4",
    "Each record must have exactly one system message",
    "Sequence length too long in sample 9",
    "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff",
    "Conversation must end with an assistant message (record 5)",
    "Validation error in record 12: messages must alternate",
    "Training data validation failed: completion is empty at line 7",
    "Blank lines are not allowed in the training file",
    "Duplicate record IDs found in the input file",
    "The record size exceeds 10 MB",
    "Input file exceeds the maximum size of 1 GB",
    "Number of tokens in a record is more than 32000",
    "The model input is not a valid JSON object",
    "Row 3 has an invalid format",
    "The training dataset does not contain enough examples",
    "Input records exceed maximum number of records per job",
    "Invalid hyper parameters provided",
    "batchSize must be 1",
    "The input data format is invalid",
    "Line 1: Extra data",
]
BEDROCK = [
    "Encountered an unexpected error when processing the request, please try again",
    "Encountered an internal error when processing the request.",
    "An internal error occurred. Please try again.",
    "INTERNAL ERROR",
    "Internal Server Error. Try again",
    "InternalServerException: The system encountered an unexpected error during processing. Try your request again.",
    "Internal failure",
    "Service unavailable. Please retry later.",
    "Insufficient capacity to run the job",
    "The job timed out because of an infrastructure problem",
    "Temporary failure, submit the job again",
    "Rate exceeded",
    "A hardware failure interrupted training",
    "Unexpected error",
    "Please retry your request.",
    "The service is temporarily unavailable",
]
NOT_DATA = [
    "Failed to parse the response from the service",
    "Could not decode authorization message",
    "Request content violates service control policy",
    "Missing prompt router permissions",
    "Insufficient data access rights",
    "The training job exceeded the maximum runtime",
    "Bedrock failed to read from the data plane",
    "No records were found for the role",
    "Cannot read file s3://b/records.jsonl: access is denied",
    "Cannot read file s3://b/records.jsonl: NoSuchKey",
    "Could not decrypt the dataset with the KMS key",
    "Input bucket data-invalid-format is in another Region",
    "The number of jobs exceeds the account limit",
    "Your account has more than 100 custom models",
    "The request exceeds the number of model units",
    "Please contact support",
    "Training stopped unexpectedly",
    "The model evaluation step failed",
    "Node lost during training",
    "The output data location s3://b/out is not writable",
    "Not enough GPUs",
    "Failed to upload the output file",
    "NaN loss",
    "The role session is invalid",
    "The role name is too long",
    "Invalid schema of the trust policy",
    "Bucket records-too-few does not allow GetObject",
    "The IAM role provided does not have access to the S3 output location",
    "Role arn:aws:iam::1:role/records-too-few is invalid or cannot be assumed",
    "Bedrock is unable to access your bucket",
    "Failed to download training data",
    "Failed to download training data from S3: 403",
    "Output S3 bucket doesn't exist",
    "S3 bucket b is in region us-west-2 but the job is in us-east-1",
    "ThrottlingException",
    "KMS.DisabledException",
    "Your account has reached its limit of model units",
    "Training data could not be read: AccessDenied",
    "Cannot decrypt training data: key is disabled",
    "The training data bucket does not have the required policy",
    "Training file not found",
    "Validation file s3://b/invalid-records.jsonl not found",
    "Job expired before it started",
    "The job was stopped by the service",
    "Insufficient permissions to read records",
    "Model training failed",
    "Training failed due to an issue on our side",
    "Training was interrupted",
    "Something failed while reading training data. Try again.",
    "Validation of the role failed",
    "Validation of IAM permissions failed",
    "Failed validation of VPC configuration",
    "ServiceQuotaExceededException: number of custom models",
    "Too many active fine-tuning jobs",
    "The limit of 2 training jobs was exceeded",
    "You exceeded the number of training jobs allowed",
    "The request was rejected because of too many training jobs",
    "Not enough IP addresses in the subnet",
    "Job exceeded maximum duration",
    "GPU out of memory",
    "Invalid security group",
    "Invalid S3 URI",
    "Invalid output data config",
    "Missing bucket policy",
    "Unable to write records to output bucket",
    "Unable to read training data",
    "The role must have s3:GetObject on the bucket",
    "Internal error: failed to parse training data",
    "The role must be assumable by Bedrock",
    "An internal error occurred during validation of 120 records",
]


@pytest.mark.parametrize("message", ACCESS)
def test_a_missing_access_is_no_fault_of_the_data(message: str) -> None:
    assert job_failure(message).cause is FailureCause.ACCESS
    assert not job_failure(message).is_final


@pytest.mark.parametrize("message", DATA)
def test_a_fault_of_the_data_is_final(message: str) -> None:
    assert job_failure(message).cause is FailureCause.DATA
    assert job_failure(message).is_final


@pytest.mark.parametrize("message", BEDROCK)
def test_a_failure_of_bedrock_is_not_final(message: str) -> None:
    assert job_failure(message).cause is FailureCause.BEDROCK
    assert not job_failure(message).is_final


@pytest.mark.parametrize("message", [*NOT_DATA, None, ""])
def test_a_message_with_words_about_data_is_not_taken_for_bad_data(message: str | None) -> None:
    assert not job_failure(message).is_final


@pytest.mark.parametrize("message", ["Something odd happened", None])
def test_an_unknown_message_says_that_a_person_must_read_it(message: str | None) -> None:
    assert "a person must read it" in job_failure(message).advice
