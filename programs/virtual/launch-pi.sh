#!/bin/sh
# Becomes the systemd-nspawn process of a virtual Pi; never returns.
# launch-pi.sh NAME CGROUP NAMESPACE LOWER DIRECTORY
# LOWER is the root file system that all share; the rest of the node's disk is in DIRECTORY.
#
# All of its mounts are in a mount namespace of its own, so the host has none of them and they end with the last process.
set -eu

if [ "${PEAK_STAGE:-}" != inside ]; then
  cgroup=$2
  # The node gets a cgroup of its own in each hierarchy: systemd-nspawn makes it the root of what the node sees (cgroup namespace).
  for root in /sys/fs/cgroup /sys/fs/cgroup/*; do
    [ -f "$root/cgroup.procs" ] || continue
    path=$root
    for part in $(printf %s "$cgroup" | tr / ' '); do
      parent=$path
      path=$path/$part
      mkdir -p "$path"
      # v1: a cpuset starts out empty, and an empty one takes no process.
      if [ -f "$path/cpuset.cpus" ] && [ ! -f "$path/cgroup.controllers" ]; then
        cat "$parent/cpuset.cpus" > "$path/cpuset.cpus"
        cat "$parent/cpuset.mems" > "$path/cpuset.mems"
      fi
      # v2: a cgroup has the controllers that its parent passes on.
      for controller in cpuset cpu io memory pids; do
        if grep -qsw "$controller" "$parent/cgroup.controllers"; then echo "+$controller" > "$parent/cgroup.subtree_control"; fi
      done
    done
    echo $$ > "$path/cgroup.procs"
    # v2 alone: what is below the root are its cgroups, not further hierarchies.
    [ "$root" != /sys/fs/cgroup ] || break
  done
  PEAK_STAGE=inside exec unshare --mount --propagation private sh "$0" "$@"
fi

name=$1 namespace=$3 lower=$4 directory=$5
unset PEAK_STAGE
cd "$directory"
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$directory/upper,workdir=$directory/work" root
# The host's /run is out of sight: systemd-nspawn keeps its own things there.
touch network
mount --bind "/run/netns/$namespace" network
mount -t tmpfs -o mode=755 tmpfs /run

# Overlay file systems do not stack, so containers' layers need a real one; kubelet's and etcd's data is better off there, too.
set --
for data in containerd kubelet etcd; do
  mkdir -p "data/$data"
  [ "$data" = kubelet ] || chmod 700 "data/$data" # as they have it themselves
  set -- "$@" "--bind=$directory/data/$data:/var/lib/$data"
done
[ ! -d /lib/modules ] || set -- "$@" --bind-ro=/lib/modules

# The system-call filter of systemd-nspawn is in the way of containers within.
export SYSTEMD_SECCOMP=0
exec systemd-nspawn --directory=root --machine="$name" --register=no --keep-unit --network-namespace-path="$directory/network" \
  --capability=all --console=pipe --resolv-conf=off --timezone=off --link-journal=no "$@" --boot
