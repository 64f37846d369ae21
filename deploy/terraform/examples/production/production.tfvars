# Two hosts in two zones, more when the backlog grows, and somebody who is called.
aws_region = "us-east-1"

hosts            = 2
hosts_max        = 10
backlog_per_host = 1000
instance_type    = "t4g.small"
subnet_ids       = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
package_s3_uri   = "s3://your-bucket/packages/orderd_0.1.0_arm64.deb"

alarm_topic = true
