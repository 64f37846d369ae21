# The bucket for the state of deploy/terraform, and for the daemon's packages. Made once an account; its own state is a file
# here, which need not be kept: a bucket that is there can be imported.

terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.31, < 7.0"
    }
  }
}

provider "aws" {
  region = var.aws_region

  default_tags {
    tags = {
      Environment = "shared"
      Service     = "orderd"
    }
  }
}

variable "bucket" {
  description = "Name of the bucket, unique in the world"
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "A bucket's name has 3 to 63 small letters, digits and hyphens."
  }
}

variable "aws_region" {
  description = "Region of the bucket; hosts want it to be theirs"
  type        = string
  default     = "us-east-1"

  validation {
    condition     = can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]$", var.aws_region))
    error_message = "A region is written as us-east-1."
  }
}

variable "force_destroy" {
  description = "Whether destroy takes the bucket with all that is in it: apply with true first"
  type        = bool
  default     = false
}

resource "aws_s3_bucket" "state" {
  # checkov:skip=CKV_AWS_18: CloudTrail says who changes a state; a second bucket for that would want one itself
  # checkov:skip=CKV2_AWS_62: nobody waits for news of a state
  # checkov:skip=CKV_AWS_144: versions are kept, and the resources that a state is of are in this one region
  # checkov:skip=CKV_AWS_145: encrypted with S3's own key, so that whoever may read the bucket needs no other right
  bucket        = var.bucket
  force_destroy = var.force_destroy
}

# A state that went wrong can be taken back.
resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "state" {
  # Versions that no rule of versioning has made yet would not be seen.
  depends_on = [aws_s3_bucket_versioning.state]

  bucket = aws_s3_bucket.state.id

  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 90
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket = aws_s3_bucket.state.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "state" {
  bucket = aws_s3_bucket.state.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  # S3 looks at a policy by what the block allows.
  depends_on = [aws_s3_bucket_public_access_block.state]
}

output "bucket" {
  description = "Name of the bucket"
  value       = aws_s3_bucket.state.id
}
