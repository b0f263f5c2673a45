#!/bin/sh
# promote.sh -- example of a promotion hook: makes the destination's database writable.
#
# Called without a shell in between, with the operation in the environment (DNSFLIP_OPERATION,
# DNSFLIP_GROUP, DNSFLIP_FROM, DNSFLIP_TO).  It must be safe to run again with the same operation:
# a controller that was restarted asks the proof first and runs this once more only if that fails.
# Exit code 0 means promoted; anything else means no flip.
set -eu

to=${DNSFLIP_TO:?is set by dnsflip}

# Put in place of these lines what promotes the destination, for instance
#   aws rds failover-global-cluster --global-cluster-identifier airflow \
#       --target-db-cluster-identifier "arn:aws:rds:...:cluster:airflow-$to" --allow-data-loss
echo "promote.sh: nothing is configured that would promote $to" >&2
exit 1
