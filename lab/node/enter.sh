#!/bin/sh
# Start a node's first process: enter.sh NODE-DIRECTORY CGROUP…
# It joins the node's group in every hierarchy, leaves the machine's namespaces and becomes PID 1 of the node. The network
# namespace is the caller's. unshare ignores SIGTERM while it waits: a node is ended with SIGKILL, as by a power cut.
set -eu
node=$1
shift
for group; do echo $$ > "$group/cgroup.procs"; done
exec unshare --mount --uts --ipc --pid --cgroup --fork --kill-child \
  bash "$(dirname "$0")/init.sh" build "$node"
