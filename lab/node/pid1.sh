#!/bin/bash
# PID 1 of a node, in two lives: `build` sees the machine's files and makes the node's root out of them; `boot` sees the
# node's files only and starts what a node runs. NODE/settings says the rest.
set -eu

build() {
  local node=$1 root=$1/root kind directory options
  . "$node/settings"
  mount --make-rprivate /
  mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$node/upper,workdir=$node/work" "$root"
  mkdir -p "$root"/var/lib/{containerd,kubelet} "$root"/.machine "$root"/opt/openelb-src
  mount -t proc proc "$root/proc"
  mount -t sysfs sysfs "$root/sys" # a fresh one shows this network namespace's interfaces
  mount -t bpf bpf "$root/sys/fs/bpf" || true # as systemd does it
  # Control groups, mounted from within the cgroup namespace: the node's own group is the root.
  while read -r kind directory options; do
    mkdir -p "$root$directory"
    mount -t "$kind" -o "$options" "$kind" "$root$directory"
  done < "$node/cgroups"
  mount --rbind /dev "$root/dev" && mount --make-rslave "$root/dev"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
  mount -t tmpfs shm "$root/dev/shm"
  mount -t tmpfs -o mode=755 run "$root/run"
  mount -t tmpfs tmp "$root/tmp"
  # The snapshotter cannot put an overlay on an overlay: these are the machine's own file system.
  mount --bind "$node/containerd" "$root/var/lib/containerd"
  mount --bind "$node/kubelet" "$root/var/lib/kubelet"
  mount --bind "$node/log" "$root/var/log"
  read_only "$BINARIES" "$root/usr/local/bin"
  [ -z "$SOURCE" ] || read_only "$SOURCE" "$root/opt/openelb-src"
  cp "$0" "$root/etc/pid1.sh"
  cp "$node/settings" "$root/etc/settings"
  cd "$root"
  pivot_root . .machine
  exec chroot . /bin/bash /etc/pid1.sh boot
}

read_only() {
  mount --bind "$1" "$2"
  mount -o remount,bind,ro "$2"
}

boot() {
  . /etc/settings
  umount -l /.machine
  mount --make-rshared / # as systemd does it; kubelet and containers expect it
  hostname "$NAME"
  # kubelet writes these for the whole machine: let it write to copies.
  keep vm/overcommit_memory 1
  keep vm/panic_on_oom 0
  keep kernel/panic 10
  keep kernel/panic_on_oops 1
  nft -f /etc/masquerade.nft
  export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  supervise containerd --config /etc/containerd/config.toml
  until ctr version > /dev/null 2>&1; do sleep 0.1; done
  supervise kubelet --config=/etc/kubernetes/kubelet.yaml --kubeconfig=/etc/kubernetes/kubelet.kubeconfig \
    --hostname-override="$NAME" --node-ip="$ADDRESSES"
  supervise kube-proxy --config=/etc/kubernetes/kube-proxy.yaml
  while :; do wait || sleep 1; done # reaps the orphans too: containers' shims are its children
}

keep() {
  mkdir -p "/run/sysctl/$(dirname "$1")"
  echo "$2" > "/run/sysctl/$1"
  mount --bind "/run/sysctl/$1" "/proc/sys/$1"
}

supervise() {
  (
    while :; do
      "$@" >> "/var/log/$1.log" 2>&1 || true
      echo "-- $1 ended" >> "/var/log/$1.log"
      sleep 1
    done
  ) &
}

"$@"
