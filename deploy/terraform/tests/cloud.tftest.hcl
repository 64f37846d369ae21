# Everything but hosts and rights: figures, wiring, tags, alarms, dashboard, queries, outputs. No AWS: each resource gets values
# from a mock of the provider, and ARNs from here where one has to be told from another.

mock_provider "aws" {}

override_resource {
  target = aws_sqs_queue.order_queue
  values = { arn = "arn:queue", id = "https://queue", url = "https://queue" }
}

override_resource {
  target = aws_sqs_queue.dlq
  values = { arn = "arn:dlq", id = "https://dlq", url = "https://dlq" }
}

run "queues" {
  assert {
    condition     = aws_sqs_queue.order_queue.visibility_timeout_seconds == 60
    error_message = "The queue's visibility is 60 s."
  }
  assert {
    condition     = aws_sqs_queue.order_queue.message_retention_seconds == 4 * 24 * 60 * 60
    error_message = "The queue keeps messages for 4 days."
  }
  assert {
    condition     = aws_sqs_queue.dlq.message_retention_seconds == 14 * 24 * 60 * 60
    error_message = "The dead-letter queue keeps messages for 14 days."
  }
  assert {
    condition     = aws_sqs_queue.order_queue.max_message_size == 262144 && aws_sqs_queue.dlq.max_message_size == 262144
    error_message = "Both queues take 256 KiB, which every version of the provider allows."
  }
  assert {
    condition     = aws_sqs_queue.order_queue.redrive_policy == jsonencode({ deadLetterTargetArn = "arn:dlq", maxReceiveCount = 3 })
    error_message = "The queue moves messages to the dead-letter queue after 3 receives."
  }
  assert {
    condition     = aws_sqs_queue_redrive_allow_policy.dlq.queue_url == "https://dlq"
    error_message = "The redrive-allow policy is the dead-letter queue's."
  }
  assert {
    condition     = aws_sqs_queue_redrive_allow_policy.dlq.redrive_allow_policy == jsonencode({ redrivePermission = "byQueue", sourceQueueArns = ["arn:queue"] })
    error_message = "The dead-letter queue takes messages of the one queue alone."
  }
  assert {
    condition     = aws_sqs_queue.order_queue.sqs_managed_sse_enabled && aws_sqs_queue.dlq.sqs_managed_sse_enabled
    error_message = "Both queues are encrypted."
  }
  assert {
    condition = { for name, queue in aws_sqs_queue_policy.tls_only : name => jsondecode(queue.policy).Statement[0].Resource } == {
      order_queue = "arn:queue", dlq = "arn:dlq"
    }
    error_message = "Both queues have a policy about themselves."
  }
  assert {
    condition     = { for name, queue in aws_sqs_queue_policy.tls_only : name => queue.queue_url } == { order_queue = "https://queue", dlq = "https://dlq" }
    error_message = "Each policy is at its own queue."
  }
  assert {
    condition = aws_sqs_queue_policy.tls_only["order_queue"].policy == jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = "arn:queue"
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }]
    })
    error_message = "The policy refuses every call without TLS."
  }
}

run "table" {
  assert {
    condition     = aws_dynamodb_table.order_status.billing_mode == "PAY_PER_REQUEST"
    error_message = "The table is on demand."
  }
  assert {
    condition     = aws_dynamodb_table.order_status.hash_key == "order_id" && aws_dynamodb_table.order_status.range_key == null
    error_message = "The only key is order_id."
  }
  assert {
    condition     = [for a in aws_dynamodb_table.order_status.attribute : "${a.name} ${a.type}"] == ["order_id S"]
    error_message = "order_id is a string."
  }
  assert {
    condition     = aws_dynamodb_table.order_status.point_in_time_recovery[0].enabled
    error_message = "The table can be restored to a point in time."
  }
  assert {
    condition     = aws_dynamodb_table.order_status.server_side_encryption[0].enabled
    error_message = "The table is encrypted with a key of KMS."
  }
  assert {
    condition     = aws_dynamodb_table.order_status.ttl[0].attribute_name == "expires_at" && aws_dynamodb_table.order_status.ttl[0].enabled
    error_message = "Items go at expires_at."
  }
}

run "log" {
  assert {
    condition     = aws_cloudwatch_log_group.orderd.retention_in_days == 7
    error_message = "The log is kept for 7 days."
  }
  assert {
    condition     = alltrue([for name, query in aws_cloudwatch_query_definition.saved : query.log_group_names == tolist([aws_cloudwatch_log_group.orderd.name])])
    error_message = "Every saved query asks the daemon's log group."
  }
  assert {
    condition = keys(aws_cloudwatch_query_definition.saved) == [
      "failures-by-code", "slowest-orders", "story-of-one-order", "throttles-and-breaker", "throughput-by-minute",
    ]
    error_message = "There are five saved queries."
  }
}

run "alarms" {
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.dlq_alarm.namespace == "AWS/SQS"
      && aws_cloudwatch_metric_alarm.dlq_alarm.metric_name == "ApproximateNumberOfMessagesVisible"
      && aws_cloudwatch_metric_alarm.dlq_alarm.dimensions == tomap({ QueueName = "order-processing-dlq" })
      && aws_cloudwatch_metric_alarm.dlq_alarm.statistic == "Average"
      && aws_cloudwatch_metric_alarm.dlq_alarm.comparison_operator == "GreaterThanThreshold"
      && aws_cloudwatch_metric_alarm.dlq_alarm.threshold == 5
      && aws_cloudwatch_metric_alarm.dlq_alarm.period == 300
      && aws_cloudwatch_metric_alarm.dlq_alarm.evaluation_periods == 1
      && aws_cloudwatch_metric_alarm.dlq_alarm.treat_missing_data == "notBreaching"
    )
    error_message = "Dead letters: more than 5 on average over 300 s."
  }
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.oldest_message.namespace == "AWS/SQS"
      && aws_cloudwatch_metric_alarm.oldest_message.metric_name == "ApproximateAgeOfOldestMessage"
      && aws_cloudwatch_metric_alarm.oldest_message.dimensions == tomap({ QueueName = "order-processing-queue" })
      && aws_cloudwatch_metric_alarm.oldest_message.statistic == "Maximum"
      && aws_cloudwatch_metric_alarm.oldest_message.comparison_operator == "GreaterThanThreshold"
      && aws_cloudwatch_metric_alarm.oldest_message.threshold == 900
      && aws_cloudwatch_metric_alarm.oldest_message.period == 60
      && aws_cloudwatch_metric_alarm.oldest_message.evaluation_periods == 3
      && aws_cloudwatch_metric_alarm.oldest_message.treat_missing_data == "notBreaching"
    )
    error_message = "The oldest message: more than 900 s for 3 minutes."
  }
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.breaker_open.namespace == "OrderProcessing"
      && aws_cloudwatch_metric_alarm.breaker_open.metric_name == "BreakerOpen"
      && aws_cloudwatch_metric_alarm.breaker_open.dimensions == tomap({ Environment = "default", Service = "orderd" })
      && aws_cloudwatch_metric_alarm.breaker_open.statistic == "Maximum"
      && aws_cloudwatch_metric_alarm.breaker_open.comparison_operator == "GreaterThanOrEqualToThreshold"
      && aws_cloudwatch_metric_alarm.breaker_open.threshold == 1
      && aws_cloudwatch_metric_alarm.breaker_open.period == 60
      && aws_cloudwatch_metric_alarm.breaker_open.evaluation_periods == 5
      && aws_cloudwatch_metric_alarm.breaker_open.datapoints_to_alarm == 3
      && aws_cloudwatch_metric_alarm.breaker_open.treat_missing_data == "notBreaching"
    )
    error_message = "The breaker: open in 3 of 5 minutes."
  }
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.no_daemon.namespace == "OrderProcessing"
      && aws_cloudwatch_metric_alarm.no_daemon.metric_name == "Received"
      && aws_cloudwatch_metric_alarm.no_daemon.dimensions == tomap({ Environment = "default", Service = "orderd" })
      && aws_cloudwatch_metric_alarm.no_daemon.statistic == "SampleCount"
      && aws_cloudwatch_metric_alarm.no_daemon.comparison_operator == "LessThanThreshold"
      && aws_cloudwatch_metric_alarm.no_daemon.threshold == 1
      && aws_cloudwatch_metric_alarm.no_daemon.period == 60
      && aws_cloudwatch_metric_alarm.no_daemon.evaluation_periods == 3
      && aws_cloudwatch_metric_alarm.no_daemon.treat_missing_data == "breaching"
    )
    error_message = "No daemon: no data for 3 minutes."
  }
  assert {
    condition     = length(aws_sns_topic.alarms) == 0 && output.alarm_topic_arn == null && length(coalesce(aws_cloudwatch_metric_alarm.no_daemon.alarm_actions, [])) == 0
    error_message = "Without alarm_topic alarms tell nobody."
  }
}

# The largest message.
run "max_message_size" {
  variables {
    max_message_size = 1048576
  }
  assert {
    condition     = aws_sqs_queue.order_queue.max_message_size == 1048576 && aws_sqs_queue.dlq.max_message_size == 1048576
    error_message = "Both queues take as much, so that a dead letter can come back."
  }
}

run "alarm_topic" {
  variables {
    alarm_topic = true
  }
  assert {
    condition = alltrue([for alarm in [
      aws_cloudwatch_metric_alarm.dlq_alarm, aws_cloudwatch_metric_alarm.oldest_message,
      aws_cloudwatch_metric_alarm.breaker_open, aws_cloudwatch_metric_alarm.no_daemon,
    ] : tolist(alarm.alarm_actions) == tolist([aws_sns_topic.alarms[0].arn]) && tolist(alarm.ok_actions) == tolist([aws_sns_topic.alarms[0].arn])])
    error_message = "All alarms go to the topic, and so does their end."
  }
  assert {
    condition     = output.alarm_topic_arn == aws_sns_topic.alarms[0].arn
    error_message = "The topic is an output."
  }
}

run "dashboard" {
  assert {
    condition = [for w in jsondecode(aws_cloudwatch_dashboard.order_processing.dashboard_body).widgets : "${w.type} ${w.x} ${w.y}"] == [
      "metric 0 0", "metric 8 0", "metric 16 0", "metric 0 6", "metric 8 6", "metric 16 6", "metric 0 12", "metric 8 12", "alarm 16 12", "log 0 18",
    ]
    error_message = "Ten widgets stand beside one another."
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_dashboard.order_processing.dashboard_body).widgets[1].properties.metrics[0] == ["OrderProcessing", "Processed", "Environment", "default", "Service", "orderd"]
    error_message = "The daemon's metrics have its dimensions."
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_dashboard.order_processing.dashboard_body).widgets[0].properties.metrics[0] == ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "order-processing-queue", { label = "waiting" }]
    error_message = "The first graph begins with what waits in the queue."
  }
}

# Each graph as CloudWatch gets it: what it shows, of what, by which statistic.
run "graphs" {
  assert {
    condition = [for w in jsondecode(aws_cloudwatch_dashboard.order_processing.dashboard_body).widgets :
      "${w.properties.period} ${w.properties.stat} ${join(" ", [for m in w.properties.metrics : "${m[1]}${try(":${m[6].stat}", "")}"])}" if w.type == "metric"] == [
      "60 Maximum ApproximateNumberOfMessagesVisible ApproximateNumberOfMessagesNotVisible ApproximateAgeOfOldestMessage",
      "60 Sum Processed Duplicates Failed Deferred",
      "60 Maximum ApproximateNumberOfMessagesVisible",
      "60 p50 TotalTime:p50 TotalTime:p90 TotalTime:p99",
      "60 p90 MessageAge QueueWait ProcessingTime RecordTime DeleteTime",
      "60 Sum DeleteFailures LeasesLost Unreadable Throttles LogLinesLost",
      "60 Maximum BreakerOpen WorkersBusy InHand Undeleted",
      "60 Sum ApiCalls",
    ]
    error_message = "Eight graphs, by the minute."
  }
}

# Logs Insights is not here to refuse a query, so what it would not take would pass: each stands here once more, and a change
# of one is looked at twice.
run "queries" {
  assert {
    condition = jsonencode({ for name, query in aws_cloudwatch_query_definition.saved : name => split("\n", query.query_string) }) == jsonencode({
      failures-by-code = [
        "filter event = \"failed\"",
        "| stats count(*) as attempts, count_distinct(message_id) as messages, latest(order_id) as last_order, latest(error) as last_error by error_code",
        "| sort attempts desc",
      ]
      slowest-orders = [
        "fields @timestamp, duration_ms, event, order_id, message_id, attempts, error_code",
        "| filter event in [\"processed\", \"duplicate\", \"failed\", \"deferred\"]",
        "| sort duration_ms desc",
        "| limit 50",
      ]
      story-of-one-order = [
        "fields @timestamp, event, order_id, message_id, attempts, duration_ms, confirmation_number, error_code, error, @logStream",
        "| filter order_id = \"ORD-123456\" or message_id = \"ORD-123456\"",
        "| sort @timestamp asc",
      ]
      throughput-by-minute = [
        "filter event in [\"processed\", \"duplicate\", \"failed\", \"deferred\"]",
        "| stats sum(strcontains(event, \"processed\")) as processed, sum(strcontains(event, \"duplicate\")) as duplicates, sum(strcontains(event, \"failed\")) as failures, sum(strcontains(event, \"deferred\")) as deferrals by bin(1m)",
      ]
      throttles-and-breaker = [
        "fields @timestamp, @logStream, event, breaker, open_seconds, held, Throttles, error_code, error, remedy",
        "| filter event in [\"breaker_opened\", \"breaker_open\", \"breaker_closed\", \"receive_failed\", \"deletes_failed\"] or Throttles > 0",
        "| sort @timestamp desc",
        "| limit 200",
      ]
    })
    error_message = "Five queries are saved."
  }
  assert {
    condition = jsondecode(aws_cloudwatch_dashboard.order_processing.dashboard_body).widgets[9].properties.query == join("\n", [
      "SOURCE '/orderd/order-processing' | fields @timestamp, level, event, order_id, message_id, error_code, error",
      "| filter event != \"metrics\"",
      "| sort @timestamp desc",
      "| limit 50",
    ])
    error_message = "The last widget shows the daemon's log."
  }
}

run "outputs" {
  assert {
    condition     = output.order_queue_url == "https://queue" && output.dlq_url == "https://dlq"
    error_message = "The queues' URLs are outputs."
  }
  assert {
    condition     = output.dynamodb_table_name == "order-processing-status"
    error_message = "The table's name is an output."
  }
  assert {
    condition     = output.dashboard_url == "https://console.aws.amazon.com/cloudwatch/home?region=us-east-1#dashboards:name=order-processing-dashboard"
    error_message = "The dashboard's URL is an output."
  }
  assert {
    condition     = output.autoscaling_group_arn == null
    error_message = "There is no group without hosts."
  }
  assert {
    condition     = output.orderd_conf == <<-EOT
      region = "us-east-1";
      environment_suffix = "";
      processing: { timeout_seconds = 55; };
      log: { file = "/var/log/orderd/orderd.log"; };
    EOT
    error_message = "The settings of a daemon are an output."
  }
}

# A longer order: what follows from its time follows.
run "order_timeout" {
  variables {
    order_timeout = 300
    aws_region    = "eu-central-1"
  }
  assert {
    condition     = aws_sqs_queue.order_queue.visibility_timeout_seconds == 305
    error_message = "The queue's visibility is longer than an order may take."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.oldest_message.threshold == 3 * (300 + 25) + 35
    error_message = "The age that alarms is longer than three receives with their leases."
  }
  assert {
    condition     = output.orderd_conf == <<-EOT
      region = "eu-central-1";
      environment_suffix = "";
      processing: { timeout_seconds = 300; };
      log: { file = "/var/log/orderd/orderd.log"; };
    EOT
    error_message = "Region and timeout are those of the daemon's settings."
  }
}
