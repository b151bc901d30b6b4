#!/bin/sh
# Run a router's daemons where the files of its root seem to be all there are: router.sh ROOT DIRECTORY COMMAND…
# What they write goes to DIRECTORY/upper. The caller's mount namespace is used up for it.
set -eu
root=$1 directory=$2
shift 2
mount -t overlay -o "lowerdir=$root,upperdir=$directory/upper,workdir=$directory/work" router "$directory/root"
mount -t proc proc "$directory/root/proc"
mount --rbind /dev "$directory/root/dev"
exec chroot "$directory/root" "$@"
