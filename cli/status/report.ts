import type { Outputs, StackState } from "../engine/outputs.ts";
import { notUpText } from "../stacks.ts";

/** What `./peak status --json` prints; every field is described in docs/status.md, and scripts depend on them. */
export interface Status {
  stack: string;
  state: "up" | "degraded" | "partial" | "absent";
  nodes: { name: string; role: string; ready: boolean; ula: string; global: string | null }[];
  clients: { name: string; ula: string; global: string | null }[];
  rootDns: { address: string; port: number } | null;
  secondaryDns: { address: string; port: number }[];
  clusterDns: { address: string; port: number }[];
  names: string[];
  services: Record<string, string>;
  /** Certificates that the stack has made: the one that ends first is first. */
  certificates: { name: string; ends: string }[];
  /** Why something is not as it should be, for people. */
  problems: string[];
}

/** What is known at the moment: which nodes are ready, or why that is not known. */
export type Live = { ready: ReadonlyMap<string, boolean> } | { error: string };

/** Puts together what the state says and what is there at the moment. */
export function report(stack: string, found: StackState, live: Live | undefined, now: Date): Status {
  if (found.state !== "up") {
    const problems = found.state === "partial" ? ["the last update did not come to its end"] : [];
    const nothing = { nodes: [], clients: [], rootDns: null, secondaryDns: [], clusterDns: [], names: [], services: {}, certificates: [] };
    return { stack, state: found.state, ...nothing, problems };
  }
  const { nodes, clients, rootDns, secondaryDns, clusterDns, names, services } = found.outputs;
  const ready = live && "ready" in live ? live.ready : new Map<string, boolean>();
  const rows = nodes.map(({ name, role, ula, global }) => ({ name, role, ready: ready.get(name) ?? false, ula, global: global ?? null }));
  const silent =
    live && "error" in live
      ? [`the cluster does not answer: ${live.error}`]
      : rows.filter((node) => !node.ready).map((node) => `${node.name} is not ready`);
  const certificates = found.outputs.certificates.toSorted((a, b) => Date.parse(a.ends) - Date.parse(b.ends));
  const problems = [...silent, ...endingSoon(certificates, now)];
  return {
    stack,
    state: problems.length > 0 ? "degraded" : "up",
    nodes: rows,
    clients: clients.map(({ name, ula, global }) => ({ name, ula, global: global ?? null })),
    rootDns,
    secondaryDns,
    clusterDns,
    names,
    services,
    certificates: certificates.map(({ name, ends }) => ({ name, ends })),
    problems,
  };
}

/** A line about certificates with a third of their life left or less, which `up` would renew. */
function endingSoon(certificates: { name: string; ends: string; hours: number }[], now: Date): string[] {
  const due = certificates.filter(({ ends, hours }) => Date.parse(ends) - now.getTime() <= (hours / 3) * 3_600_000);
  const [first] = due;
  if (!first) return [];
  const verb = Date.parse(first.ends) > now.getTime() ? "ends" : "has ended";
  const others = due.length > 1 ? `, and ${due.length - 1} more end soon` : "";
  return [`the certificate ${first.name} ${verb} on ${first.ends.slice(0, 10)}${others}: ./peak up renews what is due`];
}

/** The status for people. */
export function statusText(status: Status): string {
  const { stack, state } = status;
  if (state === "absent" || state === "partial") return `${notUpText(stack, state).replace(/^t/, "T")}\n`;
  const lines = [
    state === "up" ? `The stack ${stack} is up.` : `The stack ${stack} is up, but:`,
    ...status.problems.map((problem) => `  ${problem}`),
    ...section(
      "Nodes",
      status.nodes.map((node) => [node.name, node.role, node.ready ? "ready" : "not ready", node.global ?? node.ula]),
    ),
    ...section(
      "Clients",
      status.clients.map((client) => [client.name, client.global ?? client.ula]),
    ),
    ...section(
      "Names",
      status.names.map((name) => [name, serviceOf(name, status.services)]),
    ),
    ...section("Certificates", status.certificates.slice(0, 3).map(({ name, ends }) => [name, `ends ${ends.slice(0, 10)}`])),
    ...section("DNS", [
      ...(status.rootDns ? [["root", socket(status.rootDns)]] : []),
      ...status.secondaryDns.map((server) => ["secondary", socket(server)]),
      ...status.clusterDns.map((server) => ["cluster", socket(server)]),
    ]),
  ];
  return `${lines.join("\n")}\n`;
}

/** Lines to try on a stack that is up. */
export function tryText({ stack, clients, names, rootDns }: Pick<Status, "stack" | "clients" | "names" | "rootDns">): string {
  const peak = stack === "local" ? "./peak" : `./peak --stack ${stack}`;
  const name = names[0];
  const rows = [
    ...(clients.length > 0 && name !== undefined
      ? [
          [`${peak} client -- curl -s http://${name.replace(/\.$/, "")}/`, "a pod answers, by its own address"],
          ...(rootDns
            ? [[`${peak} client -- dig +norecurse @${rootDns.address} ${name} AAAA`, "the root server refers to the cluster's"]]
            : []),
          [`${peak} client -- dig ${name} AAAA`, "the addresses of the pods"],
        ]
      : []),
    [`${peak} kubectl get pods -A -o wide`, "what runs where"],
    [`${peak} status`, "this again"],
  ];
  return section("Try", rows).join("\n");
}

function section(title: string, rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const widths = rows.reduce<number[]>((all, row) => row.map((cell, column) => Math.max(all[column] ?? 0, cell.length)), []);
  return ["", title, ...rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd())];
}

function socket({ address, port }: { address: string; port: number }): string {
  return `[${address}]:${port}`;
}

/** The URL whose host is the name. */
function serviceOf(name: string, services: Outputs["services"]): string {
  const host = name.replace(/\.$/, "");
  return Object.values(services).find((url) => URL.parse(url)?.hostname === host) ?? "";
}
