resource "aws_dynamodb_table" "order_status" {
  # checkov:skip=CKV_AWS_119: a key of one's own costs calls, and wants rights to it of everybody who reads an order
  name         = "order-processing-status${local.suffix}"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "order_id"

  attribute {
    name = "order_id"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }

  # With the account's key for DynamoDB: nobody needs a right to it.
  server_side_encryption {
    enabled = true
  }

  # Failures that stand under a key of their own go after 30 days.
  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }
}
