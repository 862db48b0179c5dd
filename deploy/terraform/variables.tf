variable "stack_name" {
  description = "Name of the CloudFormation stack."
  type        = string
  default     = "bedrock-distill"
}

variable "environment" {
  description = "Name of the installation, as in the variable DISTILL_ENVIRONMENT."
  type        = string
}

variable "training_bucket_name" {
  description = "Bucket for training files, answers and results of runs."
  type        = string
}

variable "output_bucket_name" {
  description = "Bucket to which the jobs of Bedrock write."
  type        = string
}

variable "prefix" {
  description = "Prefix of all objects in both buckets, as in the variable DISTILL_PREFIX."
  type        = string
  default     = "distill"
}

variable "name_suffix" {
  description = "End of the names of role and policies, for a second stack of the same environment in another Region."
  type        = string
  default     = ""
}

variable "create_buckets" {
  description = "Create the two buckets; false if they exist, for example because another environment created them."
  type        = bool
  default     = true
}

variable "allow_bucket_creation" {
  description = "Let runs create the buckets (storage.create_buckets), and let distill_clean_up delete such buckets."
  type        = bool
  default     = false
}

variable "bucket_owner" {
  description = "Account that owns the two buckets; empty means this account."
  type        = string
  default     = ""
}

variable "runs_retention_days" {
  description = "Days after which the objects of a run are deleted; 0 keeps them."
  type        = number
  default     = 0
}

variable "responses_retention_days" {
  description = "Days after which paid answers are deleted, more than RunsRetentionDays; 0 keeps them."
  type        = number
  default     = 0
}

variable "input_object_arns" {
  description = "ARNs of CSV and prompt files outside of the prefix that runs may read, such as arn:aws:s3:::data/csv/*."
  type        = list(string)
  default     = []
}

variable "input_bucket_arns" {
  description = "ARNs of buckets that runs may list, needed if source.training_csv is a folder outside of the prefix."
  type        = list(string)
  default     = []
}

variable "notification_arns" {
  description = "ARNs of SNS topics and SQS queues that notifications are sent to."
  type        = list(string)
  default     = []
}

variable "run_roles" {
  description = "Names of existing roles that run the pipeline; they get the policies run, run-models, run-storage, iam-pass-role."
  type        = list(string)
  default     = []
}

variable "promotion_roles" {
  description = "Names of existing roles that promote and roll back models; they get the policy promote."
  type        = list(string)
  default     = []
}

variable "clean_up_roles" {
  description = "Names of existing roles that run distill_clean_up; they get the policy clean-up."
  type        = list(string)
  default     = []
}

variable "check_roles" {
  description = "Names of existing roles that run distill_check_account; they get the policy check."
  type        = list(string)
  default     = []
}

variable "foundation_models" {
  description = "Ids of the foundation models that may be called directly, counted, trained or used in jobs; null means the template's default."
  type        = list(string)
  default     = null
}

variable "inference_profiles" {
  description = "Ids of the inference profiles that may be called, with the models behind them; null means the template's default."
  type        = list(string)
  default     = null
}

variable "allow_marketplace_subscriptions" {
  description = "Let Airflow and the jobs make the account's first call to a model that is not from Amazon."
  type        = bool
  default     = false
}

variable "human_workers" {
  description = "Allow evaluation jobs with human workers (evaluations.human)."
  type        = bool
  default     = false
}

variable "create_kms_key" {
  description = "Create a key for the buckets and the models."
  type        = bool
  default     = false
}

variable "kms_key_arn" {
  description = "ARN of an existing key for the buckets and the models; ignored if CreateKmsKey is true."
  type        = string
  default     = ""
}

variable "subnet_ids" {
  description = "Ids of the subnets of jobs; empty if jobs use no VPC."
  type        = list(string)
  default     = []
}

variable "security_group_ids" {
  description = "Ids of the security groups of jobs; empty if jobs use no VPC."
  type        = list(string)
  default     = []
}

variable "permissions_boundary_arn" {
  description = "ARN of the managed policy that limits the role of jobs; empty for no boundary."
  type        = string
  default     = ""
}

variable "cost_center" {
  description = "Value of the tag cost-center of the role, the buckets and the key; empty for no tag."
  type        = string
  default     = ""
}

variable "owner" {
  description = "Value of the tag owner of the role, the buckets and the key; empty for no tag."
  type        = string
  default     = ""
}

variable "tags" {
  description = "Tags of the stack and of its resources. The key project is reserved for bedrock-distill."
  type        = map(string)
  default     = {}
}
