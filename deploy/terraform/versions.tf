terraform {
  # use_lockfile (locking by the bucket itself, without a table) and validations that look at other variables.
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.31, < 7.0"
    }
  }

  # Bucket, key and region come from a file: init -backend-config=examples/dev/backend.hcl
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.aws_region

  default_tags {
    tags = local.tags
  }
}

locals {
  suffix = var.environment_suffix == "" ? "" : "-${var.environment_suffix}"

  # The same two words as the dimensions of the daemon's metrics.
  environment = var.environment_suffix == "" ? "default" : var.environment_suffix
  service     = "orderd"
  tags        = { Environment = local.environment, Service = local.service }
}
