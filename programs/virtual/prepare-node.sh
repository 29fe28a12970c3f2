#!/bin/sh
# Runs first in a virtual Pi, so that from then on it is like any other machine. systemd-nspawn makes the kernel's interfaces read-only for
# what it takes to be a guest; a node's kubelet and container runtime need some of them.
set -eu

# Network settings are the node's own (network namespace).
mount --bind /proc/sys/net /proc/sys/net
mount -o remount,bind,rw /proc/sys/net

# The other kernel settings are the host's, and stay as they are: where kubelet insists on a value, the node has a copy with that value.
own=/run/peak/sysctl
mkdir -p "$own"
setting() {
  file=$own/$(echo "$1" | tr / .)
  echo "$2" > "$file"
  mount --bind "$file" "/proc/sys/$1"
}
setting vm/overcommit_memory 1
setting vm/panic_on_oom 0
setting kernel/panic 10
setting kernel/panic_on_oops 1
setting kernel/keys/root_maxkeys 1000000
setting kernel/keys/root_maxbytes 25000000

# The cgroups below the node's own root.
while read -r _ _ _ _ point _; do
  case $point in /sys/fs/cgroup | /sys/fs/cgroup/*) mount -o remount,bind,rw "$point" ;; esac
done < /proc/self/mountinfo

[ -e /dev/kmsg ] || mknod -m 600 /dev/kmsg c 1 11
mkdir -p /dev/net
[ -e /dev/net/tun ] || mknod -m 666 /dev/net/tun c 10 200
