# The hosts: a group of EC2 instances that take orders off the queue, as many as its backlog wants. With hosts = 0 there is
# nothing of this file.

locals {
  # Graviton has a g behind the generation: t4g, m7gd, im4gn, hpc7g.
  architecture = can(regex("^(a1|[a-z]+[0-9]+g[a-z]*)\\.", var.instance_type)) ? "arm64" : "amd64"

  # The longest drain of orderd: queue.wait_seconds 20, the order in work, and 25 s.
  drain_seconds = var.order_timeout + 45
  # How long a host is kept for that, with the five seconds until it has seen that it is to end.
  hold_seconds = local.drain_seconds + 20

  orderd_conf = <<-EOT
    region = "${var.aws_region}";
    environment_suffix = "${var.environment_suffix}";
    processing: { timeout_seconds = ${var.order_timeout}; };
    log: { file = "/var/log/orderd/orderd.log"; };
  EOT

  # The fragment that the project ships, with this environment's log group. Its retention is the group's own here, so that
  # the agent needs no right to set it.
  agent_fragment = jsondecode(file("${path.module}/../cloudwatch-agent/orderd.json"))
  agent_json = jsonencode({
    logs = { logs_collected = { files = { collect_list = [
      for entry in local.agent_fragment.logs.logs_collected.files.collect_list : merge(
        { for name, value in entry : name => value if name != "retention_in_days" },
        { log_group_name = aws_cloudwatch_log_group.orderd.name },
      )
    ] } } }
  })

  user_data = <<-EOT
    #!/bin/bash
    set -euo pipefail
    region='${var.aws_region}'
    domain='${data.aws_partition.current.dns_suffix}'
    architecture='${local.architecture}'
    package='${trimprefix(var.package_s3_uri, "s3://")}'
    orderd_conf='${local.orderd_conf}'
    agent_json='${local.agent_json}'
    memory_mb=${var.memory_size}
    stop_seconds=${local.drain_seconds + 5}
    ${file("${path.module}/host.sh")}
  EOT
}

data "aws_subnet" "host" {
  count = var.hosts > 0 ? 1 : 0

  id = var.subnet_ids[0]
}

# Nothing comes in. Out goes HTTPS: AWS, and Debian's mirrors. Name service, time and metadata of the VPC pass by it.
resource "aws_security_group" "host" {
  count = var.hosts > 0 ? 1 : 0

  name        = "order-processing-hosts${local.suffix}"
  description = "orderd: HTTPS out, nothing in"
  vpc_id      = data.aws_subnet.host[0].vpc_id
  # Said, so that a rule that somebody adds by hand is taken away again.
  ingress = []

  egress {
    description = "HTTPS"
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_launch_template" "host" {
  count = var.hosts > 0 ? 1 : 0

  name                   = "order-processing-hosts${local.suffix}"
  description            = "Debian 12 with orderd and the CloudWatch agent"
  image_id               = "resolve:ssm:/aws/service/debian/release/12/latest/${local.architecture}"
  instance_type          = var.instance_type
  user_data              = base64encode(local.user_data)
  update_default_version = true

  iam_instance_profile {
    arn = aws_iam_instance_profile.daemon.arn
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  network_interfaces {
    associate_public_ip_address = false
    delete_on_termination       = true
    security_groups             = [aws_security_group.host[0].id]
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      encrypted             = true
      volume_type           = "gp3"
      volume_size           = 8
      delete_on_termination = true
    }
  }

  dynamic "instance_market_options" {
    for_each = var.spot ? ["spot"] : []

    content {
      market_type = instance_market_options.value
    }
  }

  # Default tags do not reach what the group launches.
  dynamic "tag_specifications" {
    for_each = concat(["volume", "network-interface"], var.spot ? ["spot-instances-request"] : [])

    content {
      resource_type = tag_specifications.value
      tags          = local.tags
    }
  }

  lifecycle {
    precondition {
      condition     = endswith(var.package_s3_uri, "_${local.architecture}.deb")
      error_message = "The instance type ${var.instance_type} needs a package for ${local.architecture}."
    }
  }
}

# A hook of a group that is there is not changed in place (below), so another time makes another group.
resource "terraform_data" "hold_seconds" {
  count = var.hosts > 0 ? 1 : 0

  input = local.hold_seconds
}

resource "aws_autoscaling_group" "host" {
  count = var.hosts > 0 ? 1 : 0

  name                = "order-processing-hosts${local.suffix}"
  min_size            = var.hosts
  max_size            = var.hosts_max
  vpc_zone_identifier = var.subnet_ids
  # For the backlog of each host, below.
  enabled_metrics = ["GroupInServiceInstances"]

  launch_template {
    id      = aws_launch_template.host[0].id
    version = aws_launch_template.host[0].latest_version
  }

  # Scale-in: the host reads in its metadata that it is to end and stops orderd, which drains (host.sh). The hook keeps it
  # until then. It is the group's own and no resource, which destroy would take away before the group, and the hosts would end
  # without it. It is not completed from the host, which would take a right and a signed call to win some seconds of an idle
  # instance.
  initial_lifecycle_hook {
    name                 = "order-processing-drain${local.suffix}"
    lifecycle_transition = "autoscaling:EC2_INSTANCE_TERMINATING"
    heartbeat_timeout    = local.hold_seconds
    default_result       = "CONTINUE"
  }

  # All hosts drain at the same time, and EC2 wants some minutes to end them.
  timeouts {
    delete = "${local.hold_seconds + 600}s"
  }

  # Another package or setting is another version of the template, which replaces the hosts half by half. One alone may be
  # gone for some minutes: its orders wait.
  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage = 50
    }
  }

  dynamic "tag" {
    for_each = merge(local.tags, { Name = "order-processing-host${local.suffix}" })

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }

  # A daemon that finds no queue, no table or no rights ends for good.
  depends_on = [
    aws_sqs_queue.order_queue,
    aws_dynamodb_table.order_status,
    aws_iam_role_policy_attachment.daemon,
    aws_iam_role_policy_attachment.agent,
    aws_iam_role_policy.package,
  ]

  lifecycle {
    replace_triggered_by = [terraform_data.hold_seconds]
  }
}

resource "aws_autoscaling_policy" "backlog" {
  count = var.hosts > 0 ? 1 : 0

  name                   = "order-processing-backlog${local.suffix}"
  autoscaling_group_name = aws_autoscaling_group.host[0].name
  policy_type            = "TargetTrackingScaling"
  # A host takes this long to install itself.
  estimated_instance_warmup = 180

  target_tracking_configuration {
    target_value = var.backlog_per_host

    customized_metric_specification {
      metrics {
        id          = "waiting"
        return_data = false

        metric_stat {
          stat = "Maximum"

          metric {
            namespace   = "AWS/SQS"
            metric_name = "ApproximateNumberOfMessagesVisible"

            dimensions {
              name  = "QueueName"
              value = aws_sqs_queue.order_queue.name
            }
          }
        }
      }

      metrics {
        id          = "hosts"
        return_data = false

        metric_stat {
          stat = "Average"

          metric {
            namespace   = "AWS/AutoScaling"
            metric_name = "GroupInServiceInstances"

            dimensions {
              name  = "AutoScalingGroupName"
              value = aws_autoscaling_group.host[0].name
            }
          }
        }
      }

      metrics {
        id          = "backlog_per_host"
        label       = "Waiting messages for each host"
        expression  = "waiting / hosts"
        return_data = true
      }
    }
  }

  # It goes with its group.
  lifecycle {
    replace_triggered_by = [terraform_data.hold_seconds]
  }
}
