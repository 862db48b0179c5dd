# Create the stack of ../cloudformation/bedrock-distill.yaml with Terraform. The template is the only description of the
# role, the policies, the buckets and the key.

terraform {
  required_version = ">= 1.3"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

locals {
  # Lists become parameters of the type CommaDelimitedList. A parameter that is null keeps the template's default.
  parameters = {
    Environment                   = var.environment
    Prefix                        = var.prefix
    NameSuffix                    = var.name_suffix
    TrainingBucketName            = var.training_bucket_name
    OutputBucketName              = var.output_bucket_name
    CreateBuckets                 = tostring(var.create_buckets)
    AllowBucketCreation           = tostring(var.allow_bucket_creation)
    BucketOwner                   = var.bucket_owner
    RunsRetentionDays             = tostring(var.runs_retention_days)
    ResponsesRetentionDays        = tostring(var.responses_retention_days)
    InputObjectArns               = join(",", var.input_object_arns)
    InputBucketArns               = join(",", var.input_bucket_arns)
    NotificationArns              = join(",", var.notification_arns)
    RunRoles                      = join(",", var.run_roles)
    PromotionRoles                = join(",", var.promotion_roles)
    CleanUpRoles                  = join(",", var.clean_up_roles)
    CheckRoles                    = join(",", var.check_roles)
    FoundationModels              = var.foundation_models == null ? null : join(",", var.foundation_models)
    InferenceProfiles             = var.inference_profiles == null ? null : join(",", var.inference_profiles)
    AllowMarketplaceSubscriptions = tostring(var.allow_marketplace_subscriptions)
    HumanWorkers                  = tostring(var.human_workers)
    CreateKmsKey                  = tostring(var.create_kms_key)
    KmsKeyArn                     = var.kms_key_arn
    UseVpc                        = tostring(length(var.subnet_ids) > 0)
    SubnetIds                     = join(",", var.subnet_ids)
    SecurityGroupIds              = join(",", var.security_group_ids)
    PermissionsBoundaryArn        = var.permissions_boundary_arn
    CostCenter                    = var.cost_center
    Owner                         = var.owner
  }
}

resource "aws_cloudformation_stack" "this" {
  name          = var.stack_name
  template_body = file("${path.module}/../cloudformation/bedrock-distill.yaml")
  capabilities  = ["CAPABILITY_NAMED_IAM"]
  parameters    = { for name, value in local.parameters : name => value if value != null }
  tags          = var.tags
}
