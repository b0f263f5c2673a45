#!/bin/sh
# dnsflip/lab/demo.sh -- `make demo`: two small clusters on loopback; one is killed, 240 hostnames
# move.  DNSFLIP_BUILD: the directory of the programs.
set -eu
exec "${DNSFLIP_BUILD:?run it as make demo}/dnsflip" lab demo "$@"
