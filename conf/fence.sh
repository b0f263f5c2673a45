#!/bin/sh
# fence.sh -- example of a fence hook: stops the cluster that is left from writing.
#
# Called before promote.sh, without a shell in between, with the operation in the environment
# (DNSFLIP_OPERATION, DNSFLIP_GROUP, DNSFLIP_FROM, DNSFLIP_TO).  Its failure is a warning: the
# cluster may be out of reach, which is why it is left.  It may run more than once.
set -eu

from=${DNSFLIP_FROM:?is set by dnsflip}

# Put in place of this line what takes the source out of service, for instance
#   kubectl --context "$from" -n airflow scale deployment airflow-scheduler --replicas=0
#   aws rds modify-db-cluster --db-cluster-identifier "airflow-$from" ...
echo "fence.sh: nothing is configured that would stop $from" >&2
exit 1
