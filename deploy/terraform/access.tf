# Rights. The daemon's, the log agent's and the operators' are policies of their own, so that each can be given alone: to the
# role below, or to users and roles of daemons that run elsewhere.

data "aws_partition" "current" {}

locals {
  # Exactly the calls of orderd (README, Rights). A right to change visibility is optional, and so are those on the
  # dead-letter queue, whose retention is checked.
  daemon_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Queue"
        Effect = "Allow"
        Action = [
          "sqs:ReceiveMessage",
          "sqs:DeleteMessage",
          "sqs:ChangeMessageVisibility",
          "sqs:GetQueueAttributes",
          "sqs:GetQueueUrl",
        ]
        Resource = aws_sqs_queue.order_queue.arn
      },
      {
        Sid      = "DeadLetterQueue"
        Effect   = "Allow"
        Action   = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"]
        Resource = aws_sqs_queue.dlq.arn
      },
      {
        Sid      = "Table"
        Effect   = "Allow"
        Action   = ["dynamodb:UpdateItem", "dynamodb:GetItem"]
        Resource = aws_dynamodb_table.order_status.arn
      },
    ]
  }

  # The log group is there already, with its retention.
  agent_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Log"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.orderd.arn}:*"
      },
    ]
  }

  # All commands of orderctl, but for two things. It makes nothing: what init would create is here already, and init
  # compares it. And doctor tries the daemon's rights, so it wants the daemon's policy as well.
  operator_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Queue"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"]
        Resource = aws_sqs_queue.order_queue.arn
      },
      {
        Sid    = "DeadLetterQueue"
        Effect = "Allow"
        Action = [
          "sqs:ReceiveMessage",
          "sqs:DeleteMessage",
          "sqs:ChangeMessageVisibility",
          "sqs:GetQueueAttributes",
          "sqs:GetQueueUrl",
          "sqs:PurgeQueue",
          "sqs:StartMessageMoveTask",
          "sqs:ListMessageMoveTasks",
          "sqs:CancelMessageMoveTask",
          "sqs:ListDeadLetterSourceQueues",
        ]
        Resource = aws_sqs_queue.dlq.arn
      },
      {
        Sid    = "Table"
        Effect = "Allow"
        Action = [
          "dynamodb:GetItem",
          "dynamodb:Scan",
          "dynamodb:DescribeTable",
          "dynamodb:DescribeContinuousBackups",
          "dynamodb:DescribeTimeToLive",
        ]
        Resource = aws_dynamodb_table.order_status.arn
      },
      {
        # Lambda knows no resource for this call.
        Sid      = "OtherConsumers"
        Effect   = "Allow"
        Action   = ["lambda:ListEventSourceMappings"]
        Resource = "*"
      },
    ]
  }

  # That one object and nothing else.
  package_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Package"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = "arn:${data.aws_partition.current.partition}:s3:::${trimprefix(var.package_s3_uri, "s3://")}"
      },
    ]
  }
}

resource "aws_iam_policy" "daemon" {
  name        = "order-processing-daemon-policy${local.suffix}"
  description = "What orderd calls"
  policy      = jsonencode(local.daemon_policy)
}

resource "aws_iam_policy" "agent" {
  name        = "order-processing-agent-policy${local.suffix}"
  description = "What the CloudWatch agent calls to ship the log of orderd"
  policy      = jsonencode(local.agent_policy)
}

resource "aws_iam_policy" "operator" {
  name        = "order-processing-operator-policy${local.suffix}"
  description = "What orderctl calls"
  policy      = jsonencode(local.operator_policy)
}

# The role of whatever runs the daemon: EC2 hosts, and with roles_anywhere hosts that have a certificate.
resource "aws_iam_role" "daemon" {
  name = "order-processing-daemon-role${local.suffix}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "Ec2"
        Effect    = "Allow"
        Action    = ["sts:AssumeRole"]
        Principal = { Service = "ec2.amazonaws.com" }
      }],
      [for anchor in aws_rolesanywhere_trust_anchor.on_prem : {
        Sid       = "RolesAnywhere"
        Effect    = "Allow"
        Action    = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
        Principal = { Service = "rolesanywhere.amazonaws.com" }
        Condition = {
          ArnEquals    = { "aws:SourceArn" = anchor.arn }
          StringEquals = { "aws:PrincipalTag/x509Subject/CN" = var.roles_anywhere.common_names }
        }
      }],
    )
  })
}

resource "aws_iam_role_policy_attachment" "daemon" {
  role       = aws_iam_role.daemon.name
  policy_arn = aws_iam_policy.daemon.arn
}

resource "aws_iam_role_policy_attachment" "agent" {
  role       = aws_iam_role.daemon.name
  policy_arn = aws_iam_policy.agent.arn
}

resource "aws_iam_role_policy" "package" {
  count = var.hosts > 0 ? 1 : 0

  name   = "package"
  role   = aws_iam_role.daemon.name
  policy = jsonencode(local.package_policy)
}

resource "aws_iam_instance_profile" "daemon" {
  name = "order-processing-daemon-profile${local.suffix}"
  role = aws_iam_role.daemon.name
}

resource "aws_rolesanywhere_trust_anchor" "on_prem" {
  count = var.roles_anywhere == null ? 0 : 1

  name    = "order-processing-anchor${local.suffix}"
  enabled = true

  source {
    source_type = "CERTIFICATE_BUNDLE"

    source_data {
      x509_certificate_data = var.roles_anywhere.ca_certificate
    }
  }
}

resource "aws_rolesanywhere_profile" "on_prem" {
  count = var.roles_anywhere == null ? 0 : 1

  name      = "order-processing-profile${local.suffix}"
  enabled   = true
  role_arns = [aws_iam_role.daemon.arn]
}
