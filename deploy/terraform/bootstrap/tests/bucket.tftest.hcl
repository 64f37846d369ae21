# The bucket of the states: what keeps it whole and private.

mock_provider "aws" {}

override_resource {
  target = aws_s3_bucket.state
  values = { arn = "arn:bucket", id = "my-bucket" }
}

variables {
  bucket = "my-bucket"
}

run "bucket" {
  assert {
    condition     = aws_s3_bucket.state.bucket == "my-bucket" && output.bucket == "my-bucket"
    error_message = "The bucket has its name."
  }
  assert {
    condition     = aws_s3_bucket.state.force_destroy == false
    error_message = "A bucket that is not empty stays."
  }
  assert {
    condition     = aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled"
    error_message = "A state that went wrong can be taken back."
  }
  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.state.rule : "${rule.status} ${rule.noncurrent_version_expiration[0].noncurrent_days} ${length(rule.expiration)}"] == ["Enabled 90 0"]
    error_message = "Old versions go after 90 days, and nothing else does."
  }
  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.state.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "It is encrypted."
  }
  assert {
    condition = (
      aws_s3_bucket_public_access_block.state.block_public_acls && aws_s3_bucket_public_access_block.state.block_public_policy
      && aws_s3_bucket_public_access_block.state.ignore_public_acls && aws_s3_bucket_public_access_block.state.restrict_public_buckets
    )
    error_message = "Nothing of it is public."
  }
  assert {
    condition = jsondecode(aws_s3_bucket_policy.state.policy).Statement == [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = ["arn:bucket", "arn:bucket/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
    error_message = "Without TLS nothing is allowed."
  }
  assert {
    condition = alltrue([for bucket in [
      aws_s3_bucket_versioning.state.bucket, aws_s3_bucket_lifecycle_configuration.state.bucket,
      aws_s3_bucket_server_side_encryption_configuration.state.bucket,
      aws_s3_bucket_public_access_block.state.bucket, aws_s3_bucket_policy.state.bucket,
    ] : bucket == "my-bucket"])
    error_message = "All of it is about this bucket."
  }
}

run "force_destroy" {
  variables {
    force_destroy = true
  }
  assert {
    condition     = aws_s3_bucket.state.force_destroy
    error_message = "With force_destroy it goes with all that is in it."
  }
}

run "name_in_capitals" {
  command = plan
  variables {
    bucket = "My-Bucket"
  }
  expect_failures = [var.bucket]
}
