#!/bin/sh
# Becomes the systemd-nspawn process of a virtual Pi; never returns.
# launch-pi.sh NAME CGROUP NAMESPACE LOWER DIRECTORY
#
# All of its mounts are in a mount namespace of its own, so the host has none of them and they end with the last process.
set -eu

if [ "${PEAK_STAGE:-}" != inside ]; then
  cgroup=$2
  # The node gets a cgroup of its own in each hierarchy, and becomes the root of what it sees (cgroup namespace).
  for root in /sys/fs/cgroup /sys/fs/cgroup/*; do
    [ -f "$root/cgroup.procs" ] || continue
    path=$root
    for part in $(printf %s "$cgroup" | tr / ' '); do
      parent=$path
      path=$path/$part
      mkdir -p "$path"
      # v1: a cpuset starts out empty, and an empty one takes no process.
      if [ -f "$path/cpuset.cpus" ] && [ -f "$path/cpuset.mems" ] && [ ! -f "$path/cgroup.controllers" ]; then
        cat "$parent/cpuset.cpus" > "$path/cpuset.cpus"
        cat "$parent/cpuset.mems" > "$path/cpuset.mems"
      fi
      # v2: children get the controllers that their parent passes on.
      if [ -f "$parent/cgroup.controllers" ]; then
        for controller in $(cat "$parent/cgroup.controllers"); do
          echo "+$controller" > "$parent/cgroup.subtree_control" || true
        done
      fi
    done
    echo $$ > "$path/cgroup.procs"
    # v2 has one hierarchy; below its root are cgroups, not hierarchies.
    if [ -f "$root/cgroup.controllers" ] && [ "$root" = /sys/fs/cgroup ]; then break; fi
  done
  PEAK_STAGE=inside exec unshare --mount --cgroup --propagation private sh "$0" "$@"
fi

name=$1 cgroup=$2 namespace=$3 lower=$4 directory=$5
unset PEAK_STAGE
cd "$directory"
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$directory/upper,workdir=$directory/work" root
for root in /sys/fs/cgroup /sys/fs/cgroup/*; do
  # Shown from the node's own cgroup down, as the namespace wants it.
  if [ -f "$root/cgroup.procs" ]; then mount --bind "$root/$cgroup" "$root"; fi
  if [ "$root" = /sys/fs/cgroup ] && [ -f /sys/fs/cgroup/cgroup.controllers ]; then break; fi
done
# The host's /run is out of sight: systemd-nspawn keeps its own things there.
touch network
mount --bind "/run/netns/$namespace" network
mount -t tmpfs -o mode=755 tmpfs /run

# Overlay file systems do not stack, so containers' layers need a real one; and what etcd syncs should reach the disk without a detour.
set --
for data in containerd kubelet etcd; do
  mkdir -p "data/$data"
  set -- "$@" "--bind=$directory/data/$data:/var/lib/$data"
done
[ ! -d /lib/modules ] || set -- "$@" --bind-ro=/lib/modules

# The system-call filter of systemd-nspawn is in the way of containers within.
export SYSTEMD_SECCOMP=0
exec systemd-nspawn --directory=root --machine="$name" --register=no --keep-unit --network-namespace-path="$directory/network" \
  --capability=all --console=pipe --resolv-conf=off --timezone=off --link-journal=no "$@" --boot
