# The hosts: what they are launched from, what they do at their start, how many there are, and how they end.

mock_provider "aws" {
  mock_data "aws_subnet" {
    defaults = { vpc_id = "vpc-1" }
  }

  mock_data "aws_partition" {
    defaults = { dns_suffix = "amazonaws.com" }
  }
}

variables {
  environment_suffix = "dev"
  hosts              = 2
  hosts_max          = 6
  subnet_ids         = ["subnet-1", "subnet-2"]
  package_s3_uri     = "s3://bucket/packages/orderd_0.1.0_arm64.deb"
}

run "none" {
  variables {
    hosts = 0
  }
  assert {
    condition = length(concat(
      aws_security_group.host, aws_launch_template.host, aws_autoscaling_group.host,
      aws_autoscaling_policy.backlog, terraform_data.hold_seconds,
    )) == 0
    error_message = "Without hosts there is the cloud part alone."
  }
}

run "network" {
  assert {
    condition     = length(aws_security_group.host[0].ingress) == 0
    error_message = "Nothing comes in."
  }
  assert {
    condition     = [for rule in aws_security_group.host[0].egress : "${rule.protocol} ${rule.from_port}-${rule.to_port} ${join(",", rule.cidr_blocks)}"] == ["tcp 443-443 0.0.0.0/0"]
    error_message = "HTTPS goes out, and nothing else."
  }
  assert {
    condition     = aws_security_group.host[0].vpc_id == "vpc-1" && data.aws_subnet.host[0].id == "subnet-1"
    error_message = "The security group is in the subnets' VPC."
  }
  assert {
    condition     = tobool(aws_launch_template.host[0].network_interfaces[0].associate_public_ip_address) == false
    error_message = "Hosts have no public address."
  }
  assert {
    condition     = aws_launch_template.host[0].network_interfaces[0].security_groups == toset([aws_security_group.host[0].id])
    error_message = "Hosts are in the security group."
  }
}

run "template" {
  assert {
    condition = (
      aws_launch_template.host[0].metadata_options[0].http_tokens == "required"
      && aws_launch_template.host[0].metadata_options[0].http_endpoint == "enabled"
      && aws_launch_template.host[0].metadata_options[0].http_put_response_hop_limit == 1
    )
    error_message = "Metadata are read with a token, from the host itself."
  }
  assert {
    condition = [for d in aws_launch_template.host[0].block_device_mappings : [d.device_name, d.ebs[0].volume_type, d.ebs[0].volume_size, tobool(d.ebs[0].encrypted), tobool(d.ebs[0].delete_on_termination)]] == [
      ["/dev/xvda", "gp3", 8, true, true],
    ]
    error_message = "The disk is encrypted, has 8 GB, which is what is paid for, and goes with its host."
  }
  assert {
    condition     = aws_launch_template.host[0].iam_instance_profile[0].arn == aws_iam_instance_profile.daemon.arn
    error_message = "Hosts have the daemon's role."
  }
  assert {
    condition     = aws_launch_template.host[0].image_id == "resolve:ssm:/aws/service/debian/release/12/latest/arm64"
    error_message = "A t4g host is an arm64 Debian."
  }
  assert {
    condition     = length(aws_launch_template.host[0].instance_market_options) == 0
    error_message = "Hosts are on demand."
  }
  assert {
    condition     = [for t in aws_launch_template.host[0].tag_specifications : "${t.resource_type} ${t.tags.Environment} ${t.tags.Service}"] == ["volume dev orderd", "network-interface dev orderd"]
    error_message = "Disks and network interfaces have the tags."
  }
}

run "spot_amd64" {
  variables {
    spot           = true
    instance_type  = "t3a.micro"
    package_s3_uri = "s3://bucket/packages/orderd_0.1.0_amd64.deb"
  }
  assert {
    condition     = aws_launch_template.host[0].instance_market_options[0].market_type == "spot"
    error_message = "Hosts are Spot instances."
  }
  assert {
    condition     = contains(aws_launch_template.host[0].tag_specifications[*].resource_type, "spot-instances-request")
    error_message = "The requests for them have the tags; without Spot, EC2 would refuse that."
  }
  assert {
    condition     = aws_launch_template.host[0].image_id == "resolve:ssm:/aws/service/debian/release/12/latest/amd64" && strcontains(local.user_data, "architecture='amd64'")
    error_message = "A t3a host is an amd64 Debian."
  }
}

run "user_data" {
  assert {
    condition     = base64decode(aws_launch_template.host[0].user_data) == local.user_data && startswith(local.user_data, "#!/bin/bash\n")
    error_message = "The template has the script."
  }
  assert {
    condition     = length(local.user_data) < 16384
    error_message = "EC2 takes 16 KB of user data."
  }
  assert {
    condition = alltrue([for line in [
      "domain='amazonaws.com'",
      "package='bucket/packages/orderd_0.1.0_arm64.deb'",
      "orderd_conf='region = \"us-east-1\";",
      "environment_suffix = \"dev\";",
      "memory_mb=512",
      "stop_seconds=105",
      "systemctl enable --now orderd orderd-drain",
    ] : strcontains(local.user_data, "\n${line}\n")])
    error_message = "The script has the settings of this environment."
  }
  assert {
    condition = jsondecode(local.agent_json).logs.logs_collected.files.collect_list == [{
      file_path       = "/var/log/orderd/orderd.log"
      log_group_class = "STANDARD"
      log_group_name  = "/orderd/order-processing-dev"
      log_stream_name = "{instance_id}"
    }]
    error_message = "The agent ships the daemon's log to this environment's group."
  }
}

run "group" {
  assert {
    condition     = aws_autoscaling_group.host[0].min_size == 2 && aws_autoscaling_group.host[0].max_size == 6
    error_message = "There are hosts to hosts_max of them."
  }
  assert {
    condition     = aws_autoscaling_group.host[0].vpc_zone_identifier == toset(["subnet-1", "subnet-2"])
    error_message = "They are in all subnets."
  }
  assert {
    condition     = aws_autoscaling_group.host[0].launch_template[0].id == aws_launch_template.host[0].id && aws_autoscaling_group.host[0].launch_template[0].version == tostring(aws_launch_template.host[0].latest_version)
    error_message = "They are launched from the latest template, which replaces older ones."
  }
  assert {
    condition     = { for t in aws_autoscaling_group.host[0].tag : t.key => t.value if t.propagate_at_launch } == { Environment = "dev", Service = "orderd", Name = "order-processing-host-dev" }
    error_message = "Instances have the tags."
  }
  assert {
    condition     = output.autoscaling_group_arn == aws_autoscaling_group.host[0].arn
    error_message = "The group is an output."
  }
}

run "scaling" {
  assert {
    condition = { for m in aws_autoscaling_policy.backlog[0].target_tracking_configuration[0].customized_metric_specification[0].metrics :
      m.id => m.return_data ? m.expression : join(" ", [m.metric_stat[0].stat, m.metric_stat[0].metric[0].namespace, m.metric_stat[0].metric[0].metric_name, one(m.metric_stat[0].metric[0].dimensions).name, one(m.metric_stat[0].metric[0].dimensions).value])
      } == {
      waiting          = "Maximum AWS/SQS ApproximateNumberOfMessagesVisible QueueName order-processing-queue-dev"
      hosts            = "Average AWS/AutoScaling GroupInServiceInstances AutoScalingGroupName order-processing-hosts-dev"
      backlog_per_host = "waiting / hosts"
    }
    error_message = "The number of hosts follows the backlog of each."
  }
  assert {
    condition     = aws_autoscaling_policy.backlog[0].target_tracking_configuration[0].target_value == 1000 && aws_autoscaling_policy.backlog[0].policy_type == "TargetTrackingScaling"
    error_message = "A backlog of 1,000 a host is aimed at."
  }
  assert {
    condition     = !coalesce(aws_autoscaling_policy.backlog[0].target_tracking_configuration[0].disable_scale_in, false) && aws_autoscaling_policy.backlog[0].estimated_instance_warmup == 180
    error_message = "Hosts go again when the backlog has gone, and a new one has three minutes before it counts."
  }
  assert {
    condition     = contains(aws_autoscaling_group.host[0].enabled_metrics, "GroupInServiceInstances")
    error_message = "The group counts its hosts, which the policy divides by."
  }
}

run "drain" {
  assert {
    condition = [for hook in aws_autoscaling_group.host[0].initial_lifecycle_hook : "${hook.lifecycle_transition} ${hook.heartbeat_timeout} ${hook.default_result}"] == [
      "autoscaling:EC2_INSTANCE_TERMINATING 120 CONTINUE",
    ]
    error_message = "A host that ends is held for longer than the drain, 100 s, and the five until the host has seen it."
  }
  assert {
    condition     = aws_autoscaling_group.host[0].timeouts.delete == "720s"
    error_message = "Destroy waits for longer than a host is held."
  }
}

# test_module.py reads these plans.
run "another_size" {
  command = plan
  variables {
    memory_size = 1024
  }
}

run "another_timeout" {
  command = plan
  variables {
    order_timeout = 56
  }
}

run "drain_of_long_orders" {
  variables {
    order_timeout = 7000
  }
  assert {
    condition     = one(aws_autoscaling_group.host[0].initial_lifecycle_hook).heartbeat_timeout == 7065 && strcontains(local.user_data, "\nstop_seconds=7050\n")
    error_message = "Hook and systemd wait for the longest drain; AWS takes 7,200 s at most."
  }
  assert {
    condition     = aws_autoscaling_group.host[0].timeouts.delete == "7665s"
    error_message = "Destroy waits for longer than a host is held."
  }
}
