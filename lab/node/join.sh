#!/bin/sh
# Start a node's first process: join.sh NODE-DIRECTORY CGROUP…
# It joins the node's group in every hierarchy and makes it the root of a cgroup namespace; goes on in the group below it
# that is for daemons; leaves the machine's other namespaces and becomes PID 1 of the node. The network namespace is the
# caller's. unshare ignores SIGTERM while it waits: a node is ended with SIGKILL, as by a power cut.
set -eu

join() { # SUBGROUP CGROUP…
  local group subgroup=$1
  shift
  for group; do echo 0 > "$group$subgroup/cgroup.procs"; done
}

if [ "$1" != joined ]; then
  node=$1
  shift
  join "" "$@"
  exec unshare --cgroup sh "$0" joined "$node" "$@"
fi
node=$2
shift 2
join /init "$@"
exec unshare --mount --uts --ipc --pid --fork --kill-child bash "$(dirname "$0")/pid1.sh" build "$node"
