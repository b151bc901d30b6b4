#!/bin/sh
# Run a command in a directory as if it were all the files of a machine: root.sh DIRECTORY COMMAND…
# The caller's mount namespace is used up for it; the kernel, its control groups and the network stay the machine's own.
set -eu

if [ "$1" != entered ]; then
  root=$1
  shift
  mount --bind "$root" "$root" # what is to be the root must be a mount
  mount -t proc proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs -o mode=755 run "$root/run"
  mkdir -p "$root/run/lock" "$root/.machine"
  cp "$0" "$root/run/root.sh"
  cd "$root"
  pivot_root . .machine
  exec chroot . /bin/sh /run/root.sh entered "$@"
fi
shift
umount -l /.machine
rmdir /.machine
cd /root/openelb
exec "$@"
