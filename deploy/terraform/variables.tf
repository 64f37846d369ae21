variable "environment_suffix" {
  description = "Goes behind every name, with a hyphen; empty for none. The same as the daemon's environment_suffix"
  type        = string
  default     = ""

  validation {
    # A role's name has 64 characters at most.
    condition     = can(regex("^[A-Za-z0-9_-]{0,32}$", var.environment_suffix))
    error_message = "The suffix has up to 32 letters, digits, hyphens and underscores."
  }

  validation {
    # Tags and metrics of the environment without a suffix have this word.
    condition     = var.environment_suffix != "default"
    error_message = "The environment without a suffix is called default already."
  }
}

variable "aws_region" {
  description = "Region of everything"
  type        = string
  default     = "us-east-1"

  validation {
    condition     = can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]$", var.aws_region))
    error_message = "A region is written as us-east-1."
  }
}

variable "order_timeout" {
  description = "The longest that one order may take, in seconds (in the place of lambda_timeout). Everything that depends on it follows: the queue's visibility, how long a stop may take, how long scale-in waits"
  type        = number
  default     = 55

  validation {
    # Scale-in waits for a drain, timeout + 65 s, and a lifecycle hook for two hours at most.
    condition     = var.order_timeout >= 1 && var.order_timeout <= 7000 && floor(var.order_timeout) == var.order_timeout
    error_message = "The timeout is a whole number of seconds from 1 to 7000."
  }
}

variable "max_message_size" {
  description = "The largest message that the queues take, in bytes, 1024 to 1048576; more than 262144 wants the AWS provider from 6.8 on"
  type        = number
  default     = 262144

  validation {
    condition     = var.max_message_size >= 1024 && var.max_message_size <= 1048576 && floor(var.max_message_size) == var.max_message_size
    error_message = "The size is a whole number of bytes from 1024 to 1048576."
  }
}

variable "memory_size" {
  description = "MemoryMax of the daemon on each host, in MB (in the place of lambda_memory_size)"
  type        = number
  default     = 512

  validation {
    condition     = var.memory_size >= 256 && var.memory_size <= 10240 && floor(var.memory_size) == var.memory_size
    error_message = "The memory is a whole number of MB from 256 to 10240."
  }
}

variable "hosts" {
  description = "The fewest EC2 hosts that run the daemon; 0 makes the cloud part alone, for daemons elsewhere"
  type        = number
  default     = 0

  validation {
    condition     = var.hosts >= 0 && var.hosts <= 100 && floor(var.hosts) == var.hosts
    error_message = "There are 0 to 100 hosts."
  }
}

variable "hosts_max" {
  description = "The most hosts that the backlog may call for"
  type        = number
  default     = 4

  validation {
    condition     = var.hosts_max >= 1 && var.hosts_max <= 100 && floor(var.hosts_max) == var.hosts_max
    error_message = "There are 1 to 100 hosts at most."
  }

  validation {
    condition     = var.hosts_max >= var.hosts
    error_message = "hosts_max is not less than hosts."
  }
}

variable "backlog_per_host" {
  description = "Waiting messages for each host from which on hosts are added. It is the wait that you accept, divided by the time that an order takes, times the ten workers: 10 s / 0.1 s * 10 = 1000"
  type        = number
  default     = 1000

  validation {
    condition     = var.backlog_per_host >= 1
    error_message = "The backlog is 1 message or more."
  }
}

variable "instance_type" {
  description = "EC2 instance type of the hosts; its processor says whether they are arm64 or amd64"
  type        = string
  default     = "t4g.micro"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[0-9][a-z0-9-]*\\.[a-z0-9-]+$", var.instance_type))
    error_message = "An instance type is written as t4g.micro."
  }
}

variable "spot" {
  description = "Whether the hosts are Spot instances, which are cheaper and may be taken away with two minutes' notice"
  type        = bool
  default     = false
}

variable "subnet_ids" {
  description = "Private subnets of one VPC for the hosts, with a way to AWS and to Debian's mirrors (NAT)"
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for id in var.subnet_ids : startswith(id, "subnet-")])
    error_message = "The id of a subnet begins with subnet-."
  }

  validation {
    condition     = length(var.subnet_ids) > 0 || var.hosts == 0
    error_message = "Hosts need at least one subnet."
  }
}

variable "package_s3_uri" {
  description = "Where the hosts get the daemon's package: s3://BUCKET/KEY_arm64.deb or _amd64.deb, in the same region"
  type        = string
  default     = ""

  validation {
    condition     = var.package_s3_uri == "" || can(regex("^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[A-Za-z0-9/_.~-]+_(arm64|amd64)\\.deb$", var.package_s3_uri))
    error_message = "The package is written as s3://BUCKET/KEY_arm64.deb or s3://BUCKET/KEY_amd64.deb."
  }

  validation {
    condition     = var.package_s3_uri != "" || var.hosts == 0
    error_message = "Hosts need the daemon's package."
  }
}

variable "alarm_topic" {
  description = "Whether the alarms go to an SNS topic of their own, to which you subscribe whoever is to be called"
  type        = bool
  default     = false
}

variable "roles_anywhere" {
  description = "Lets daemons outside of AWS take the role with a certificate: the CA in PEM form, and the common names (CN) that it may have"
  type = object({
    ca_certificate = string
    common_names   = list(string)
  })
  default = null

  validation {
    condition     = var.roles_anywhere == null ? true : startswith(var.roles_anywhere.ca_certificate, "-----BEGIN CERTIFICATE-----")
    error_message = "The CA's certificate is in PEM form."
  }

  validation {
    # Without names every certificate of the CA would do.
    condition     = var.roles_anywhere == null ? true : length(var.roles_anywhere.common_names) > 0 && alltrue([for name in var.roles_anywhere.common_names : name != ""])
    error_message = "At least one common name is given."
  }
}
