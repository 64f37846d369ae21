# Log, alarms, dashboard and saved queries. Metrics and fields are those of docs/metrics.md and docs/log-messages.md.

locals {
  metrics_namespace  = "OrderProcessing"
  metrics_dimensions = { Environment = local.environment, Service = local.service }
  alarm_actions      = aws_sns_topic.alarms[*].arn
  oldest_seconds     = max(900, 3 * (var.order_timeout + 25) + 35)
}

# The daemon's log, as the CloudWatch agent ships it. CloudWatch makes the metrics of it, which only a group of the class
# STANDARD does, the default.
resource "aws_cloudwatch_log_group" "orderd" {
  # checkov:skip=CKV_AWS_158: encrypted with CloudWatch's own key; the log has no body, no key and no token
  # checkov:skip=CKV_AWS_338: what became of an order is in the table; the log is for whoever looks into a fault
  name              = "/orderd/order-processing${local.suffix}"
  retention_in_days = 7
}

# --- alarms ---------------------------------------------------------------------------------------

resource "aws_sns_topic" "alarms" {
  # checkov:skip=CKV_AWS_26: alarms cannot be sent with the account's key for SNS, and say nothing of an order
  count = var.alarm_topic ? 1 : 0

  name = "order-processing-alarms${local.suffix}"
}

resource "aws_cloudwatch_metric_alarm" "dlq_alarm" {
  alarm_name          = "order-processing-dlq-messages${local.suffix}"
  alarm_description   = "More than 5 messages in the dead-letter queue: orderctl dlq list says why each is there."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dlq.name }
  statistic           = "Average"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 5
  period              = 300
  evaluation_periods  = 1
  # A queue that nobody uses for six hours has no metrics.
  treat_missing_data = "notBreaching"
  alarm_actions      = local.alarm_actions
  ok_actions         = local.alarm_actions
}

# Longer than a good order ever waits where there are workers enough: three receives, each with the lease of a host that died, and
# the waits between them. By default that is within five minutes, and a quarter of an hour is the least. It sees what no daemon can
# say: that nobody takes the orders, or too few.
resource "aws_cloudwatch_metric_alarm" "oldest_message" {
  alarm_name          = "order-processing-oldest-message${local.suffix}"
  alarm_description   = "An order has waited for more than ${local.oldest_seconds} s: see whether daemons run and keep up (orderctl stats)."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.order_queue.name }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = local.oldest_seconds
  period              = 60
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
}

# 3 minutes of 5: a fault that passes closes the breaker within half a minute of its end, so one or two are nothing that a
# person could help with.
resource "aws_cloudwatch_metric_alarm" "breaker_open" {
  alarm_name          = "order-processing-breaker-open${local.suffix}"
  alarm_description   = "A daemon receives nothing, as the table or SQS fails: the log line breaker_opened says why and what to do."
  namespace           = local.metrics_namespace
  metric_name         = "BreakerOpen"
  dimensions          = local.metrics_dimensions
  statistic           = "Maximum"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
}

# Each daemon counts what it received every minute, also when that is nothing: no data means no daemon, or that its log does not
# arrive. Three minutes, as one may be empty where a line is late, and a host that starts again takes less.
resource "aws_cloudwatch_metric_alarm" "no_daemon" {
  alarm_name          = "order-processing-no-daemon${local.suffix}"
  alarm_description   = "No daemon has written its metrics for 3 minutes: none runs, or its log does not reach CloudWatch."
  namespace           = local.metrics_namespace
  metric_name         = "Received"
  dimensions          = local.metrics_dimensions
  statistic           = "SampleCount"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 60
  evaluation_periods  = 3
  treat_missing_data  = "breaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
}

# --- dashboard ------------------------------------------------------------------------------------

locals {
  queue_metrics = { for name in ["NumberOfMessagesVisible", "NumberOfMessagesNotVisible", "AgeOfOldestMessage"] :
    name => ["AWS/SQS", "Approximate${name}", "QueueName", aws_sqs_queue.order_queue.name]
  }
  # As a widget wants them: namespace, name, and the dimensions one after the other.
  daemon_metrics = { for name in [
    "Processed", "Duplicates", "Failed", "Deferred", "DeleteFailures", "LeasesLost", "Unreadable", "Throttles", "LogLinesLost",
    "BreakerOpen", "WorkersBusy", "InHand", "Undeleted", "ApiCalls",
    "MessageAge", "QueueWait", "ProcessingTime", "RecordTime", "DeleteTime", "TotalTime",
    ] : name => concat([local.metrics_namespace, name], flatten([for key, value in local.metrics_dimensions : [key, value]]))
  }

  # Three in a row, in this order.
  graphs = [
    {
      title = "Queue: messages, and age of the oldest"
      stat  = "Maximum"
      metrics = [
        concat(local.queue_metrics["NumberOfMessagesVisible"], [{ label = "waiting" }]),
        concat(local.queue_metrics["NumberOfMessagesNotVisible"], [{ label = "in hand" }]),
        concat(local.queue_metrics["AgeOfOldestMessage"], [{ label = "age, seconds", yAxis = "right" }]),
      ]
    },
    {
      title   = "Orders a minute"
      stat    = "Sum"
      metrics = [for name in ["Processed", "Duplicates", "Failed", "Deferred"] : local.daemon_metrics[name]]
    },
    {
      title = "Dead-letter queue: messages"
      stat  = "Maximum"
      metrics = [
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", aws_sqs_queue.dlq.name],
      ]
    },
    {
      title   = "From receive to confirmed delete, milliseconds"
      stat    = "p50"
      metrics = [for stat in ["p50", "p90", "p99"] : concat(local.daemon_metrics["TotalTime"], [{ stat = stat, label = stat }])]
    },
    {
      title   = "Stages, milliseconds (p90)"
      stat    = "p90"
      metrics = [for name in ["MessageAge", "QueueWait", "ProcessingTime", "RecordTime", "DeleteTime"] : local.daemon_metrics[name]]
    },
    {
      title   = "Errors a minute"
      stat    = "Sum"
      metrics = [for name in ["DeleteFailures", "LeasesLost", "Unreadable", "Throttles", "LogLinesLost"] : local.daemon_metrics[name]]
    },
    {
      title   = "Daemons, the worst of them"
      stat    = "Maximum"
      metrics = [for name in ["BreakerOpen", "WorkersBusy", "InHand", "Undeleted"] : local.daemon_metrics[name]]
    },
    {
      title   = "Calls to AWS a minute"
      stat    = "Sum"
      metrics = [local.daemon_metrics["ApiCalls"]]
    },
  ]

  widgets = concat(
    [for i, graph in local.graphs : {
      type   = "metric"
      x      = i % 3 * 8
      y      = floor(i / 3) * 6
      width  = 8
      height = 6
      properties = {
        title   = graph.title
        region  = var.aws_region
        view    = "timeSeries"
        period  = 60
        stat    = graph.stat
        metrics = graph.metrics
      }
    }],
    [
      {
        type   = "alarm"
        x      = 16
        y      = 12
        width  = 8
        height = 6
        properties = {
          title = "Alarms"
          alarms = [
            aws_cloudwatch_metric_alarm.dlq_alarm.arn,
            aws_cloudwatch_metric_alarm.oldest_message.arn,
            aws_cloudwatch_metric_alarm.breaker_open.arn,
            aws_cloudwatch_metric_alarm.no_daemon.arn,
          ]
        }
      },
      {
        type   = "log"
        x      = 0
        y      = 18
        width  = 24
        height = 8
        properties = {
          title  = "Recent log lines"
          region = var.aws_region
          view   = "table"
          query  = "SOURCE '${aws_cloudwatch_log_group.orderd.name}' | ${trimspace(local.recent_lines)}"
        }
      },
    ],
  )
}

resource "aws_cloudwatch_dashboard" "order_processing" {
  dashboard_name = "order-processing-dashboard${local.suffix}"
  dashboard_body = jsonencode({ widgets = local.widgets })
}

# --- saved queries --------------------------------------------------------------------------------

locals {
  recent_lines = <<-EOT
    fields @timestamp, level, event, order_id, message_id, error_code, error
    | filter event != "metrics"
    | sort @timestamp desc
    | limit 50
  EOT

  # By the name that follows the folder's.
  queries = {
    failures-by-code = <<-EOT
      filter event = "failed"
      | stats count(*) as attempts, count_distinct(message_id) as messages, latest(order_id) as last_order, latest(error) as last_error by error_code
      | sort attempts desc
    EOT

    slowest-orders = <<-EOT
      fields @timestamp, duration_ms, event, order_id, message_id, attempts, error_code
      | filter event in ["processed", "duplicate", "failed", "deferred"]
      | sort duration_ms desc
      | limit 50
    EOT

    # Put the id of an order, or of a message, in the place of ORD-123456.
    story-of-one-order = <<-EOT
      fields @timestamp, event, order_id, message_id, attempts, duration_ms, confirmation_number, error_code, error, @logStream
      | filter order_id = "ORD-123456" or message_id = "ORD-123456"
      | sort @timestamp asc
    EOT

    throughput-by-minute = <<-EOT
      filter event in ["processed", "duplicate", "failed", "deferred"]
      | stats sum(strcontains(event, "processed")) as processed, sum(strcontains(event, "duplicate")) as duplicates, sum(strcontains(event, "failed")) as failures, sum(strcontains(event, "deferred")) as deferrals by bin(1m)
    EOT

    throttles-and-breaker = <<-EOT
      fields @timestamp, @logStream, event, breaker, open_seconds, held, Throttles, error_code, error, remedy
      | filter event in ["breaker_opened", "breaker_open", "breaker_closed", "receive_failed", "deletes_failed"] or Throttles > 0
      | sort @timestamp desc
      | limit 200
    EOT
  }
}

resource "aws_cloudwatch_query_definition" "saved" {
  for_each = local.queries

  name            = "order-processing${local.suffix}/${each.key}"
  log_group_names = [aws_cloudwatch_log_group.orderd.name]
  query_string    = trimspace(each.value)
}
