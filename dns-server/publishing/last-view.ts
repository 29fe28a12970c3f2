import { mkdirSync, readFileSync, statSync, utimesSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import type { Owner } from "../domains/origins.ts";
import type { Target } from "../model/domain.ts";
import { replaceFile } from "../runtime/atomic-file.ts";
import { log } from "../runtime/log.ts";
import { going } from "../runtime/unexpected.ts";
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from "../wire/address.ts";
import { foldName, formatName, parseName, type Name } from "../wire/name.ts";
import type { Published } from "./domain-zone.ts";

/** What is given, and whose each name is, kept in a file: a server that starts while the Kubernetes API is away goes on with it. */
export interface LastView {
  readonly published: readonly Published[];
  readonly owners: ReadonlyMap<Name, Owner>;
}

/** A last view that was kept. */
export interface KeptView extends LastView {
  /** When it was last known to be current, milliseconds since the epoch. */
  readonly at: number;
}

const nameText = z.string().transform((text) => foldName(parseName(text)));
const target = z
  .strictObject({
    key: z.string(),
    label: z.string().optional(),
    ipv6: z.string().transform(parseIpv6).optional(),
    ipv4: z.string().transform(parseIpv4).optional(),
    ports: z.array(
      z.tuple([z.string().nullable(), z.int(), z.enum(["TCP", "UDP", "SCTP"])]).transform(([portName, port, protocol]) => ({
        name: portName ?? undefined,
        port,
        protocol,
      })),
    ),
  })
  .transform(
    ({ key, label, ipv6, ipv4, ports }): Target => ({
      key,
      namespace: "",
      name: key,
      label,
      node: undefined,
      ipv6,
      ipv4,
      state: "ready",
      ports,
      probe: undefined,
    }),
  );
const schema = z.strictObject({
  version: z.literal(1),
  owners: z.array(z.strictObject({ origin: nameText, namespace: z.string(), byWord: z.boolean() })),
  published: z.array(
    z
      .strictObject({
        name: nameText,
        origin: nameText,
        alias: nameText.optional(),
        onlyTop: z.boolean(),
        ttl: z.int().min(0),
        targets: z.array(target),
        /** Indexes into `targets`. */
        chosen: z.array(z.int().min(0)),
      })
      .transform(({ targets, chosen, alias, ...rest }): Published => ({
        ...rest,
        alias,
        named: targets,
        chosen: chosen.flatMap((index) => targets[index] ?? []),
      })),
  ),
});

function encode({ published, owners }: LastView): string[] {
  const domains = published.map(({ name: domain, origin, alias, onlyTop, ttl, chosen, named }) => {
    const targets = [...new Set([...named, ...chosen])];
    const index = new Map(targets.map((each, i) => [each, i]));
    return JSON.stringify({
      name: formatName(domain),
      origin: formatName(origin),
      ...(alias === undefined ? {} : { alias: formatName(alias) }),
      onlyTop,
      ttl,
      targets: targets.map(({ key, label, ipv6, ipv4, ports }) => ({
        key,
        label,
        ipv6: ipv6 && formatIpv6(ipv6),
        ipv4: ipv4 && formatIpv4(ipv4),
        ports: ports.map((port) => [port.name ?? null, port.port, port.protocol]),
      })),
      chosen: chosen.map((each) => index.get(each)),
    });
  });
  const known = Array.from(owners, ([origin, owner]) => JSON.stringify({ origin: formatName(origin), ...owner }));
  return [`{"version":1,"owners":[${known.join(",\n")}],\n"published":[`, domains.join(",\n"), "]}\n"];
}

/** Between two writes. */
const MIN_INTERVAL_MS = 5000;
/** Until it is tried again to write what was not known to be current. */
const RETRY_MS = 500;
/** How often it is noted that what is in the file still is the last view. */
const TOUCH_MS = 15_000;

/** The file that a last view is kept in. */
export class LastViewFile {
  private readonly file: string;
  private readonly current: () => LastView | undefined;
  private readonly toucher: NodeJS.Timeout;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  private writtenAt = -Infinity;
  private lastError: string | undefined;

  /** @param current what is to be kept; undefined while that is not known */
  constructor(file: string, current: () => LastView | undefined) {
    this.file = file;
    this.current = current;
    this.toucher = setInterval(
      going("view", () => this.touch()),
      TOUCH_MS,
    ).unref();
  }

  /** @returns what is in the file; undefined when there is nothing to use */
  read(): KeptView | undefined {
    const { file } = this;
    try {
      const found = statSync(file, { throwIfNoEntry: false });
      if (!found) return undefined;
      const { published, owners } = schema.parse(JSON.parse(readFileSync(file, "utf8")));
      return { published, owners: new Map(owners.map(({ origin, ...owner }) => [origin, owner])), at: Math.min(Date.now(), found.mtimeMs) };
    } catch (error) {
      const text = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
      log("warn", "the last view cannot be read, starting without it", { file, error: text.slice(0, 500) });
      return undefined;
    }
  }

  /** The view is another: it will be in the file in a moment. */
  changed(): void {
    this.schedule(Math.max(0, this.writtenAt + MIN_INTERVAL_MS - performance.now()));
  }

  /** Writes what is still to be written. */
  async stop(): Promise<void> {
    clearInterval(this.toucher);
    if (this.timer !== undefined) this.write();
    clearTimeout(this.timer);
    await this.writing;
  }

  private schedule(ms: number): void {
    this.timer ??= setTimeout(
      going("view", () => {
        this.timer = undefined;
        this.write();
      }),
      ms,
    ).unref();
  }

  private write(): void {
    const view = this.current();
    // it is read before its watches have begun, and lost and found at any time
    if (!view) return this.schedule(RETRY_MS);
    this.writtenAt = performance.now();
    this.writing = this.replace(encode(view));
  }

  private async replace(parts: readonly string[]): Promise<void> {
    try {
      mkdirSync(dirname(this.file), { recursive: true });
      await replaceFile(this.file, parts);
      this.lastError = undefined;
    } catch (error) {
      const text = (error as Error).message;
      if (text !== this.lastError) log("warn", "cannot keep the last view in its file", { file: this.file, error: text });
      this.lastError = text;
    }
  }

  private touch(): void {
    if (!this.current() || !statSync(this.file, { throwIfNoEntry: false })) return;
    utimesSync(this.file, new Date(), new Date());
  }
}
