# What a host does at its first start, behind the settings that hosts.tf puts before it. All of it is in
# /var/log/cloud-init-output.log, and on the instance's console.

export DEBIAN_FRONTEND=noninteractive
metadata=http://169.254.169.254/latest

# A host that did not come so far as to run orderd ends, and EC2's health check makes the group try another one.
trap '[ $? = 0 ] || { say "failed: this host ends"; poweroff; }' EXIT

say() { echo "order-processing: $*"; }

# get URL [OPTION...]: fetches it, again for a while: rights take some seconds to reach everything.
get() { curl -sSf --retry 8 --retry-all-errors --connect-timeout 5 "${@:2}" "$1"; }

# key NAME: one member of the role's keys.
key() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p" <<<"$keys"; }

# apt ARGUMENT...: apt-get, which waits for the system's own updates to be over.
apt() { apt-get -qq -y -o Acquire::Retries=5 -o DPkg::Lock::Timeout=300 "$@"; }

say 'packages of the system'
# The security group lets HTTPS out and nothing else.
find /etc/apt -type f \( -name '*.list' -o -name '*.sources' \) -exec sed -i 's|http://|https://|' {} +
# The boot's own update may hold the lists, for whose lock apt does not wait.
tries=0
until apt update; do
    ((++tries < 30))
    sleep 10
done
apt install ca-certificates curl

say 'settings'
install -d /etc/orderd /etc/systemd/system/orderd.service.d
printf '%s' "$orderd_conf" >/etc/orderd/orderd.conf
cat >/etc/systemd/system/orderd.service.d/host.conf <<EOF
[Service]
MemoryMax=${memory_mb}M
TimeoutStopSec=$stop_seconds
EOF

say "orderd, from s3://$package"
token=$(get $metadata/api/token -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300')
role=$(get $metadata/meta-data/iam/security-credentials/ -H "X-aws-ec2-metadata-token: $token")
keys=$(get "$metadata/meta-data/iam/security-credentials/$role" -H "X-aws-ec2-metadata-token: $token")
# The keys go through a pipe, so that no list of processes shows them.
get "https://s3.$region.$domain/$package" -o /root/orderd.deb --config - \
    --aws-sigv4 "aws:amz:$region:s3" -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' <<EOF
user = "$(key AccessKeyId):$(key SecretAccessKey)"
header = "x-amz-security-token: $(key Token)"
EOF
apt -o Dpkg::Options::=--force-confold install /root/orderd.deb

say 'CloudWatch agent'
agent=amazon-cloudwatch-agent
get "https://amazoncloudwatch-agent-$region.s3.$region.$domain/debian/$architecture/latest/$agent.deb" -o /root/$agent.deb
apt install /root/$agent.deb
printf '%s' "$agent_json" >/opt/aws/$agent/etc/orderd.json
/opt/aws/$agent/bin/$agent-ctl -a fetch-config -m ec2 -s -c file:/opt/aws/$agent/etc/orderd.json

say 'drain before the end'
cat >/usr/local/sbin/orderd-drain <<'EOF'
#!/bin/sh
# Stops orderd, which drains, as soon as this host is to end: by scale-in, which a lifecycle hook holds up meanwhile, or by
# a Spot interruption, two minutes ahead.
metadata=http://169.254.169.254/latest
get() { curl -sf -m 2 -H "X-aws-ec2-metadata-token: $token" $metadata/meta-data/$1; }
while sleep 5; do
    token=$(curl -sf -m 2 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' $metadata/api/token) || continue
    if [ "$(get autoscaling/target-lifecycle-state)" = Terminated ] || get spot/instance-action >/dev/null; then
        exec systemctl stop orderd
    fi
done
EOF
chmod 755 /usr/local/sbin/orderd-drain
cat >/etc/systemd/system/orderd-drain.service <<'EOF'
[Unit]
Description=Stops orderd before this host ends

[Service]
ExecStart=/usr/local/sbin/orderd-drain
Restart=on-failure

[Install]
WantedBy=multi-user.target
EOF

systemctl daemon-reload
systemctl enable --now orderd orderd-drain
say 'orderd runs'
