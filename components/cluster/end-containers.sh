#!/bin/sh
# Ends all that runs in containers of this node, whether or not containerd and its shims still do, and takes away what they leave.
set -eu

# Programs by path: another containerd's shims on this host are none of ours.
shims() {
  for exe in /proc/[0-9]*/exe; do
    case $(readlink "$exe" || :) in /opt/peak/containerd*/containerd-shim*) pid=${exe%/exe} && echo "${pid#/proc/}" ;; esac
  done
}
cgroups() { find /sys/fs/cgroup -depth -type d -path '*/k8s.io*'; }
with_children() { for pid in $(cat /proc/"$1"/task/*/children 2> /dev/null || :); do with_children "$pid"; done; echo "$1"; }
running() {
  for pid in $(shims); do with_children "$pid"; done
  for cgroup in $(cgroups); do cat "$cgroup/cgroup.procs" 2> /dev/null || :; done
}

tries=0
while pids=$(running) && [ "$pids" ]; do
  [ $tries -lt 200 ] || { echo "these processes of containers cannot be ended:" $pids >&2; exit 1; }
  kill -KILL $pids 2> /dev/null || :
  tries=$((tries + 1))
  sleep 0.1
done

mounts() { awk '$5 ~ "^/(run/containerd|run/netns/cni-|var/lib/containerd/|var/lib/kubelet/)" { print $5 }' /proc/self/mountinfo | sort -r; }
# containerd may be at it as well.
for point in $(mounts); do umount "$point" 2> /dev/null || umount --lazy "$point" 2> /dev/null || :; done
[ -z "$(mounts)" ] || { echo "these mounts of containers cannot be removed:" $(mounts) >&2; exit 1; }
rm -f /run/netns/cni-*
rmdir /run/netns 2> /dev/null || :
# A cgroup is busy for a moment after its last process.
for cgroup in $(cgroups); do
  tries=0
  until rmdir "$cgroup" 2> /dev/null || [ ! -d "$cgroup" ] || [ $tries -ge 50 ]; do tries=$((tries + 1)); sleep 0.1; done
done
