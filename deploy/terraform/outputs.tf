output "order_queue_url" {
  description = "URL of the order processing queue"
  value       = aws_sqs_queue.order_queue.url
}

output "dlq_url" {
  description = "URL of the dead-letter queue"
  value       = aws_sqs_queue.dlq.url
}

output "dynamodb_table_name" {
  description = "Name of the DynamoDB table"
  value       = aws_dynamodb_table.order_status.name
}

output "dashboard_url" {
  description = "URL of the CloudWatch dashboard"
  value       = "https://console.aws.amazon.com/cloudwatch/home?region=${var.aws_region}#dashboards:name=${aws_cloudwatch_dashboard.order_processing.dashboard_name}"
}

output "autoscaling_group_arn" {
  description = "ARN of the hosts' group, which takes the place of lambda_function_arn; null without hosts"
  value       = one(aws_autoscaling_group.host[*].arn)
}

output "role_arn" {
  description = "ARN of the role of the daemons and of their log agents"
  value       = aws_iam_role.daemon.arn
}

output "instance_profile_name" {
  description = "Name of the instance profile with that role, for EC2 hosts of your own"
  value       = aws_iam_instance_profile.daemon.name
}

output "daemon_policy_arn" {
  description = "ARN of the policy with what orderd calls"
  value       = aws_iam_policy.daemon.arn
}

output "agent_policy_arn" {
  description = "ARN of the policy with what the CloudWatch agent calls"
  value       = aws_iam_policy.agent.arn
}

output "operator_policy_arn" {
  description = "ARN of the policy with what orderctl calls; attach it to who operates orderd"
  value       = aws_iam_policy.operator.arn
}

output "log_group_name" {
  description = "Name of the log group"
  value       = aws_cloudwatch_log_group.orderd.name
}

output "alarm_topic_arn" {
  description = "ARN of the topic of the alarms; null without one"
  value       = one(aws_sns_topic.alarms[*].arn)
}

output "trust_anchor_arn" {
  description = "ARN of the Roles Anywhere trust anchor; null without roles_anywhere"
  value       = one(aws_rolesanywhere_trust_anchor.on_prem[*].arn)
}

output "roles_anywhere_profile_arn" {
  description = "ARN of the Roles Anywhere profile; null without roles_anywhere"
  value       = one(aws_rolesanywhere_profile.on_prem[*].arn)
}

output "orderd_conf" {
  description = "Settings file for a daemon of this environment, /etc/orderd/orderd.conf"
  value       = local.orderd_conf
}
