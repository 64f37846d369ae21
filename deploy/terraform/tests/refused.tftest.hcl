# Variables that are refused.

mock_provider "aws" {}

run "suffix_too_long" {
  command = plan
  variables {
    environment_suffix = "abcdefghijklmnopqrstuvwxyz0123456"
  }
  expect_failures = [var.environment_suffix]
}

run "suffix_with_a_dot" {
  command = plan
  variables {
    environment_suffix = "a.b"
  }
  expect_failures = [var.environment_suffix]
}

run "suffix_of_the_longest" {
  command = plan
  variables {
    environment_suffix = "abcdefghijklmnopqrstuvwxyz_-0123"
  }
  assert {
    condition     = length(aws_iam_role.daemon.name) <= 64
    error_message = "The name of a role has 64 characters at most."
  }
}

run "suffix_that_is_taken" {
  command = plan
  variables {
    environment_suffix = "default"
  }
  expect_failures = [var.environment_suffix]
}

run "region" {
  command = plan
  variables {
    aws_region = "Virginia"
  }
  expect_failures = [var.aws_region]
}

run "timeout_of_nothing" {
  command = plan
  variables {
    order_timeout = 0
  }
  expect_failures = [var.order_timeout]
}

run "timeout_too_long" {
  command = plan
  variables {
    order_timeout = 7001
  }
  expect_failures = [var.order_timeout]
}

run "timeout_in_parts" {
  command = plan
  variables {
    order_timeout = 1.5
  }
  expect_failures = [var.order_timeout]
}

run "message_too_small" {
  command = plan
  variables {
    max_message_size = 1023
  }
  expect_failures = [var.max_message_size]
}

run "message_too_large" {
  command = plan
  variables {
    max_message_size = 1048577
  }
  expect_failures = [var.max_message_size]
}

run "memory_too_small" {
  command = plan
  variables {
    memory_size = 255
  }
  expect_failures = [var.memory_size]
}

run "memory_too_large" {
  command = plan
  variables {
    memory_size = 10241
  }
  expect_failures = [var.memory_size]
}

run "hosts_below_none" {
  command = plan
  variables {
    hosts = -1
  }
  expect_failures = [var.hosts]
}

run "hosts_without_subnets" {
  command = plan
  variables {
    hosts          = 1
    package_s3_uri = "s3://bucket/orderd_0.1.0_arm64.deb"
  }
  expect_failures = [var.subnet_ids]
}

run "hosts_without_package" {
  command = plan
  variables {
    hosts      = 1
    subnet_ids = ["subnet-1"]
  }
  # The template would refuse it too.
  expect_failures = [var.package_s3_uri]
}

run "hosts_beyond_the_most" {
  command = plan
  variables {
    hosts          = 5
    subnet_ids     = ["subnet-1"]
    package_s3_uri = "s3://bucket/orderd_0.1.0_arm64.deb"
  }
  expect_failures = [var.hosts_max]
}

run "backlog_of_nothing" {
  command = plan
  variables {
    backlog_per_host = 0
  }
  expect_failures = [var.backlog_per_host]
}

run "instance_type" {
  command = plan
  variables {
    instance_type = "micro"
  }
  expect_failures = [var.instance_type]
}

run "subnet" {
  command = plan
  variables {
    subnet_ids = ["vpc-1"]
  }
  expect_failures = [var.subnet_ids]
}

run "package_by_https" {
  command = plan
  variables {
    package_s3_uri = "https://bucket/orderd_0.1.0_arm64.deb"
  }
  expect_failures = [var.package_s3_uri]
}

run "package_with_a_quote" {
  command = plan
  variables {
    package_s3_uri = "s3://bucket/'_arm64.deb"
  }
  expect_failures = [var.package_s3_uri]
}

run "package_of_another_architecture" {
  command = plan
  variables {
    hosts          = 1
    subnet_ids     = ["subnet-1"]
    instance_type  = "m7i-flex.large"
    package_s3_uri = "s3://bucket/orderd_0.1.0_arm64.deb"
  }
  expect_failures = [aws_launch_template.host]
}

run "ca_that_is_none" {
  command = plan
  variables {
    roles_anywhere = { ca_certificate = "ca.pem", common_names = ["orderd"] }
  }
  expect_failures = [var.roles_anywhere]
}

run "every_certificate_of_the_ca" {
  command = plan
  variables {
    roles_anywhere = { ca_certificate = "-----BEGIN CERTIFICATE-----", common_names = [] }
  }
  expect_failures = [var.roles_anywhere]
}
