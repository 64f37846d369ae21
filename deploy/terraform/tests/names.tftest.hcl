# Every name, with and without a suffix, and the tags.

mock_provider "aws" {}

variables {
  hosts          = 1
  subnet_ids     = ["subnet-1"]
  package_s3_uri = "s3://bucket/orderd_0.1.0_arm64.deb"
  alarm_topic    = true
  roles_anywhere = { ca_certificate = "-----BEGIN CERTIFICATE-----", common_names = ["orderd"] }
}

run "without_suffix" {
  assert {
    condition     = [aws_sqs_queue.order_queue.name, aws_sqs_queue.dlq.name] == ["order-processing-queue", "order-processing-dlq"]
    error_message = "The queues have their names."
  }
  assert {
    condition     = aws_dynamodb_table.order_status.name == "order-processing-status"
    error_message = "The table has its name."
  }
  assert {
    condition     = aws_cloudwatch_log_group.orderd.name == "/orderd/order-processing"
    error_message = "The log group has its name."
  }
  assert {
    condition = [
      aws_cloudwatch_metric_alarm.dlq_alarm.alarm_name, aws_cloudwatch_metric_alarm.oldest_message.alarm_name,
      aws_cloudwatch_metric_alarm.breaker_open.alarm_name, aws_cloudwatch_metric_alarm.no_daemon.alarm_name,
      aws_sns_topic.alarms[0].name,
      ] == [
      "order-processing-dlq-messages", "order-processing-oldest-message",
      "order-processing-breaker-open", "order-processing-no-daemon",
      "order-processing-alarms",
    ]
    error_message = "Alarms and topic have their names."
  }
  assert {
    condition     = aws_cloudwatch_dashboard.order_processing.dashboard_name == "order-processing-dashboard"
    error_message = "The dashboard has its name."
  }
  assert {
    condition     = aws_cloudwatch_query_definition.saved["failures-by-code"].name == "order-processing/failures-by-code"
    error_message = "The saved queries are in their folder."
  }
  assert {
    condition = [
      aws_iam_policy.daemon.name, aws_iam_policy.agent.name, aws_iam_policy.operator.name,
      aws_iam_role.daemon.name, aws_iam_instance_profile.daemon.name,
      ] == [
      "order-processing-daemon-policy", "order-processing-agent-policy", "order-processing-operator-policy",
      "order-processing-daemon-role", "order-processing-daemon-profile",
    ]
    error_message = "Policies, role and instance profile have their names."
  }
  assert {
    condition     = [aws_rolesanywhere_trust_anchor.on_prem[0].name, aws_rolesanywhere_profile.on_prem[0].name] == ["order-processing-anchor", "order-processing-profile"]
    error_message = "Trust anchor and profile have their names."
  }
  assert {
    condition = [
      aws_security_group.host[0].name, aws_launch_template.host[0].name, aws_autoscaling_group.host[0].name,
      one(aws_autoscaling_group.host[0].initial_lifecycle_hook).name, aws_autoscaling_policy.backlog[0].name,
      ] == [
      "order-processing-hosts", "order-processing-hosts", "order-processing-hosts",
      "order-processing-drain", "order-processing-backlog",
    ]
    error_message = "What makes hosts has its names."
  }
  assert {
    condition     = local.tags == { Environment = "default", Service = "orderd" }
    error_message = "Tags say the environment and the service, as the metrics do."
  }
}

run "with_suffix" {
  variables {
    environment_suffix = "dev"
  }

  assert {
    condition     = [aws_sqs_queue.order_queue.name, aws_sqs_queue.dlq.name] == ["order-processing-queue-dev", "order-processing-dlq-dev"]
    error_message = "The queues have the suffix."
  }
  assert {
    condition     = aws_dynamodb_table.order_status.name == "order-processing-status-dev"
    error_message = "The table has the suffix."
  }
  assert {
    condition     = aws_cloudwatch_log_group.orderd.name == "/orderd/order-processing-dev"
    error_message = "The log group has the suffix."
  }
  assert {
    condition = [
      aws_cloudwatch_metric_alarm.dlq_alarm.alarm_name, aws_cloudwatch_metric_alarm.oldest_message.alarm_name,
      aws_cloudwatch_metric_alarm.breaker_open.alarm_name, aws_cloudwatch_metric_alarm.no_daemon.alarm_name,
      aws_sns_topic.alarms[0].name,
      ] == [
      "order-processing-dlq-messages-dev", "order-processing-oldest-message-dev",
      "order-processing-breaker-open-dev", "order-processing-no-daemon-dev",
      "order-processing-alarms-dev",
    ]
    error_message = "Alarms and topic have the suffix."
  }
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.dlq_alarm.dimensions["QueueName"] == "order-processing-dlq-dev"
      && aws_cloudwatch_metric_alarm.oldest_message.dimensions["QueueName"] == "order-processing-queue-dev"
      && aws_cloudwatch_metric_alarm.breaker_open.dimensions["Environment"] == "dev"
      && aws_cloudwatch_metric_alarm.no_daemon.dimensions["Environment"] == "dev"
    )
    error_message = "The alarms look at this environment, whose dimension has no hyphen."
  }
  assert {
    condition     = aws_cloudwatch_dashboard.order_processing.dashboard_name == "order-processing-dashboard-dev"
    error_message = "The dashboard has the suffix."
  }
  assert {
    condition     = !strcontains(replace(aws_cloudwatch_dashboard.order_processing.dashboard_body, "order-processing-queue-dev", ""), "order-processing-queue")
    error_message = "The dashboard shows no other environment's queue."
  }
  assert {
    condition     = aws_cloudwatch_query_definition.saved["failures-by-code"].name == "order-processing-dev/failures-by-code"
    error_message = "The saved queries' folder has the suffix."
  }
  assert {
    condition = [
      aws_iam_policy.daemon.name, aws_iam_policy.agent.name, aws_iam_policy.operator.name,
      aws_iam_role.daemon.name, aws_iam_instance_profile.daemon.name,
      ] == [
      "order-processing-daemon-policy-dev", "order-processing-agent-policy-dev", "order-processing-operator-policy-dev",
      "order-processing-daemon-role-dev", "order-processing-daemon-profile-dev",
    ]
    error_message = "Policies, role and instance profile have the suffix."
  }
  assert {
    condition     = [aws_rolesanywhere_trust_anchor.on_prem[0].name, aws_rolesanywhere_profile.on_prem[0].name] == ["order-processing-anchor-dev", "order-processing-profile-dev"]
    error_message = "Trust anchor and profile have the suffix."
  }
  assert {
    condition = [
      aws_security_group.host[0].name, aws_launch_template.host[0].name, aws_autoscaling_group.host[0].name,
      one(aws_autoscaling_group.host[0].initial_lifecycle_hook).name, aws_autoscaling_policy.backlog[0].name,
      ] == [
      "order-processing-hosts-dev", "order-processing-hosts-dev", "order-processing-hosts-dev",
      "order-processing-drain-dev", "order-processing-backlog-dev",
    ]
    error_message = "What makes hosts has the suffix."
  }
  assert {
    condition     = local.tags == { Environment = "dev", Service = "orderd" }
    error_message = "The environment's tag is the suffix."
  }
  assert {
    condition     = strcontains(output.orderd_conf, "environment_suffix = \"dev\";")
    error_message = "The daemon's settings have the suffix."
  }
}
