import type { Role } from "../../hardware/inventory.ts";
import { quote } from "../../shell/quote.ts";

/** What a node's role is called, as a label and as a taint. */
export const roleKey = "peak/role";

/** The taints of a role: steering hosts take only pods that tolerate it. Pure. */
export function taintsOf(role: Role): { key: string; value: string; effect: "NoSchedule" }[] {
  return role === "steering" ? [{ key: roleKey, value: role, effect: "NoSchedule" }] : [];
}

/**
 * The command that waits for a node which its kubelet registers, and gives it the label and the taint of its role: those of the kubelet
 * count at its registration only. Pure.
 * @param kubectl start of a command that administers the cluster
 * @param store identity of the cluster's store: in another one, the node is registered anew
 */
export function renderJoin(kubectl: string, { name, role }: { name: string; role: Role }, store: string): string {
  const node = quote(name);
  const taints = taintsOf(role).map(({ key, value, effect }) => `${key}=${value}:${effect}`);
  return `set -e
# As the store ${store} is to have it.
${kubectl} wait --for=create --timeout=120s node/${node}
# A removal that was not carried through may have left it so.
${kubectl} uncordon node/${node}
${kubectl} wait --for=condition=Ready --timeout=120s node/${node}
${kubectl} label --overwrite node/${node} ${roleKey}=${role}
${taints.length > 0
    ? `${kubectl} taint --overwrite node ${node} ${taints.join(" ")}`
    : `case " $(${kubectl} get node/${node} --output='jsonpath={.spec.taints[*].key}') " in
  *" ${roleKey} "*) ${kubectl} taint node ${node} ${roleKey}- ;;
esac`}`;
}

/**
 * The command that takes a node out of the cluster. Its pods are evicted as their disruption budgets allow, and end in their own time, while
 * the node still runs; after the limit the removal that was asked for goes on, and says whom it hits. A node that is dead already
 * has nobody who would end pods: that is not waited for. When whoever asked for the removal is gone before the pods are, the node stays and
 * takes pods again: nobody would know that it has been removed. Pure.
 * @param seconds the limit
 */
export function renderLeave(kubectl: string, name: string, seconds: number): string {
  const node = quote(name);
  const pods = `${kubectl} get pods --all-namespaces --field-selector=spec.nodeName=${node} \\
    --output='jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name} {.metadata.ownerReferences[*].kind}{"\\n"}{end}' |
    sed '/ DaemonSet$/d; s/ .*//' | paste -sd ' '`;
  return `set -e
ready=$(${kubectl} get --ignore-not-found node/${node} --output='jsonpath={.status.conditions[?(@.type=="Ready")].status}')
limit=${seconds}
[ "$ready" = True ] || limit=
drain() {
  ${kubectl} drain ${node} --ignore-daemonsets --delete-emptydir-data --force --timeout="\${limit}s" &
  # The process that this one was started by goes with the connection.
  while kill -0 $! 2> /dev/null; do
    if [ ! -d /proc/$PPID ]; then
      kill $!
      wait $! || :
      ${kubectl} uncordon node/${node}
      exit 1
    fi
    sleep 1
  done
  wait $!
}
if [ ! "$limit" ] || ! drain; then
  left=$(${pods})
  if [ "$left" ]; then
    [ "$limit" ] && why="was not drained within $limit s" || why="is not ready, so nothing was drained"
    echo "warning: ${name} $why; these pods end with it: $left" >&2
  fi
fi
${kubectl} delete --ignore-not-found node/${node}`;
}
