resource "aws_sqs_queue" "order_queue" {
  name = "order-processing-queue${local.suffix}"
  # orderd asks for its own visibility with every receive. This one is for other consumers, such as the Lambda function
  # during a migration: more than an order may take, 60 s by default.
  visibility_timeout_seconds = var.order_timeout + 5
  message_retention_seconds  = 345600 # 4 days
  max_message_size           = var.max_message_size
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dlq.arn
    maxReceiveCount     = 3
  })
}

resource "aws_sqs_queue" "dlq" {
  name = "order-processing-dlq${local.suffix}"
  # SQS counts from when a message was first sent, so this is more than the queue's.
  message_retention_seconds = 1209600 # 14 days
  max_message_size          = var.max_message_size
  sqs_managed_sse_enabled   = true
}

# A resource of its own, as each queue would need the other's ARN first.
resource "aws_sqs_queue_redrive_allow_policy" "dlq" {
  queue_url = aws_sqs_queue.dlq.id

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.order_queue.arn]
  })
}

resource "aws_sqs_queue_policy" "tls_only" {
  for_each = {
    order_queue = aws_sqs_queue.order_queue
    dlq         = aws_sqs_queue.dlq
  }

  queue_url = each.value.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = each.value.arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}
