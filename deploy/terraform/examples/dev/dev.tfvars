# One small host, cheap: Spot, and no second one.
environment_suffix = "dev"

hosts          = 1
hosts_max      = 1
spot           = true
instance_type  = "t4g.micro"
subnet_ids     = ["subnet-0123456789abcdef0"]
package_s3_uri = "s3://your-bucket/packages/orderd_0.1.0_arm64.deb"
