# The cloud part alone: queues, table, log group, alarms and rights, for daemons on machines of your own.
environment_suffix = "site1"

hosts = 0

alarm_topic = true

# Machines that have a certificate of this CA, under one of these names, take the daemon's role. Leave it out where the
# daemon has static keys: their user gets the policies of the outputs.
roles_anywhere = {
  common_names   = ["orderd-1.example.com", "orderd-2.example.com"]
  ca_certificate = <<-EOT
    -----BEGIN CERTIFICATE-----
    the certificate of your CA, in PEM form
    -----END CERTIFICATE-----
  EOT
}
