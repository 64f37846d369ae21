# Each statement of each policy, to the letter.

mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

override_resource {
  target = aws_sqs_queue.order_queue
  values = { arn = "arn:queue" }
}

override_resource {
  target = aws_sqs_queue.dlq
  values = { arn = "arn:dlq" }
}

override_resource {
  target = aws_dynamodb_table.order_status
  values = { arn = "arn:table" }
}

override_resource {
  target = aws_cloudwatch_log_group.orderd
  values = { arn = "arn:log" }
}

override_resource {
  target = aws_rolesanywhere_trust_anchor.on_prem
  values = { arn = "arn:anchor" }
}

run "policies" {
  assert {
    condition = aws_iam_policy.daemon.policy == jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid    = "Queue"
          Effect = "Allow"
          Action = [
            "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", "sqs:GetQueueUrl",
          ]
          Resource = "arn:queue"
        },
        { Sid = "DeadLetterQueue", Effect = "Allow", Action = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"], Resource = "arn:dlq" },
        { Sid = "Table", Effect = "Allow", Action = ["dynamodb:UpdateItem", "dynamodb:GetItem"], Resource = "arn:table" },
      ]
    })
    error_message = "The daemon may do what orderd does."
  }
  assert {
    condition = aws_iam_policy.agent.policy == jsonencode({
      Version   = "2012-10-17"
      Statement = [{ Sid = "Log", Effect = "Allow", Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Resource = "arn:log:*" }]
    })
    error_message = "The agent may write to the log group."
  }
  assert {
    condition = aws_iam_policy.operator.policy == jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid      = "Queue"
          Effect   = "Allow"
          Action   = ["sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"]
          Resource = "arn:queue"
        },
        {
          Sid    = "DeadLetterQueue"
          Effect = "Allow"
          Action = [
            "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", "sqs:GetQueueUrl",
            "sqs:PurgeQueue", "sqs:StartMessageMoveTask", "sqs:ListMessageMoveTasks", "sqs:CancelMessageMoveTask",
            "sqs:ListDeadLetterSourceQueues",
          ]
          Resource = "arn:dlq"
        },
        {
          Sid    = "Table"
          Effect = "Allow"
          Action = [
            "dynamodb:GetItem", "dynamodb:Scan", "dynamodb:DescribeTable", "dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTimeToLive",
          ]
          Resource = "arn:table"
        },
        { Sid = "OtherConsumers", Effect = "Allow", Action = ["lambda:ListEventSourceMappings"], Resource = "*" },
      ]
    })
    error_message = "Operators may do what orderctl does."
  }
  assert {
    condition     = length(aws_iam_role_policy.package) == 0
    error_message = "Without hosts nobody fetches a package."
  }
}

run "role" {
  assert {
    condition = aws_iam_role.daemon.assume_role_policy == jsonencode({
      Version   = "2012-10-17"
      Statement = [{ Sid = "Ec2", Effect = "Allow", Action = ["sts:AssumeRole"], Principal = { Service = "ec2.amazonaws.com" } }]
    })
    error_message = "Only EC2 takes the role."
  }
  assert {
    condition = [aws_iam_role_policy_attachment.daemon.policy_arn, aws_iam_role_policy_attachment.agent.policy_arn] == [
      aws_iam_policy.daemon.arn, aws_iam_policy.agent.arn,
    ]
    error_message = "The role has the policies of daemon and agent."
  }
  assert {
    condition = [aws_iam_role_policy_attachment.daemon.role, aws_iam_role_policy_attachment.agent.role, aws_iam_instance_profile.daemon.role] == [
      "order-processing-daemon-role", "order-processing-daemon-role", "order-processing-daemon-role",
    ]
    error_message = "Policies and instance profile are the role's."
  }
  assert {
    condition = (
      output.role_arn == aws_iam_role.daemon.arn
      && output.instance_profile_name == "order-processing-daemon-profile"
      && output.daemon_policy_arn == aws_iam_policy.daemon.arn
      && output.agent_policy_arn == aws_iam_policy.agent.arn
      && output.operator_policy_arn == aws_iam_policy.operator.arn
      && output.trust_anchor_arn == null
      && output.roles_anywhere_profile_arn == null
    )
    error_message = "What others attach is an output."
  }
}

run "package" {
  variables {
    hosts          = 1
    subnet_ids     = ["subnet-1"]
    package_s3_uri = "s3://bucket/packages/orderd_0.1.0_arm64.deb"
  }
  assert {
    condition = aws_iam_role_policy.package[0].policy == jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Sid      = "Package"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = "arn:aws:s3:::bucket/packages/orderd_0.1.0_arm64.deb"
      }]
    })
    error_message = "Hosts may fetch the one package."
  }
}

run "roles_anywhere" {
  variables {
    roles_anywhere = { ca_certificate = "-----BEGIN CERTIFICATE-----", common_names = ["a.example", "b.example"] }
  }
  assert {
    condition = aws_iam_role.daemon.assume_role_policy == jsonencode({
      Version = "2012-10-17"
      Statement = [
        { Sid = "Ec2", Effect = "Allow", Action = ["sts:AssumeRole"], Principal = { Service = "ec2.amazonaws.com" } },
        {
          Sid       = "RolesAnywhere"
          Effect    = "Allow"
          Action    = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
          Principal = { Service = "rolesanywhere.amazonaws.com" }
          Condition = {
            ArnEquals    = { "aws:SourceArn" = "arn:anchor" }
            StringEquals = { "aws:PrincipalTag/x509Subject/CN" = ["a.example", "b.example"] }
          }
        },
      ]
    })
    error_message = "Certificates of this CA, with one of these names, take the role."
  }
  assert {
    condition = (
      aws_rolesanywhere_trust_anchor.on_prem[0].source[0].source_type == "CERTIFICATE_BUNDLE"
      && aws_rolesanywhere_trust_anchor.on_prem[0].source[0].source_data[0].x509_certificate_data == "-----BEGIN CERTIFICATE-----"
      && aws_rolesanywhere_trust_anchor.on_prem[0].enabled
    )
    error_message = "The trust anchor is the CA."
  }
  assert {
    condition     = aws_rolesanywhere_profile.on_prem[0].role_arns == toset([aws_iam_role.daemon.arn]) && aws_rolesanywhere_profile.on_prem[0].enabled
    error_message = "The profile gives the daemon's role."
  }
  assert {
    condition     = output.trust_anchor_arn == "arn:anchor" && output.roles_anywhere_profile_arn == aws_rolesanywhere_profile.on_prem[0].arn
    error_message = "Both are outputs."
  }
}
