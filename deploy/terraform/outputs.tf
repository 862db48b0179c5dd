output "jobs_role_arn" {
  description = "ARN of the role of Bedrock's jobs (DISTILL_ROLE_ARN)."
  value       = aws_cloudformation_stack.this.outputs["JobsRoleArn"]
}

output "training_bucket" {
  description = "Name of the bucket for training files (DISTILL_TRAINING_BUCKET)."
  value       = aws_cloudformation_stack.this.outputs["TrainingBucket"]
}

output "output_bucket" {
  description = "Name of the bucket to which jobs write (DISTILL_OUTPUT_BUCKET)."
  value       = aws_cloudformation_stack.this.outputs["OutputBucket"]
}

output "region" {
  description = "Region of the jobs and buckets (DISTILL_REGION)."
  value       = aws_cloudformation_stack.this.outputs["Region"]
}

output "environment_name" {
  description = "Name of the installation (DISTILL_ENVIRONMENT)."
  value       = aws_cloudformation_stack.this.outputs["EnvironmentName"]
}

output "prefix" {
  description = "Prefix of all objects in both buckets (DISTILL_PREFIX)."
  value       = aws_cloudformation_stack.this.outputs["Prefix"]
}

output "kms_key_arn" {
  description = "ARN of the key (DISTILL_KMS_KEY_ARN); null without a key."
  value       = lookup(aws_cloudformation_stack.this.outputs, "KmsKeyArn", null)
}

output "env_file" {
  description = "Lines for .env."
  value       = aws_cloudformation_stack.this.outputs["EnvFile"]
}
