import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { createSecureContext } from "node:tls";
import { UserError } from "../runtime/errors.ts";
import { log } from "../runtime/log.ts";

/** How to be let in at a Prometheus, and how to know it. Secrets are in files. */
export interface AccessSettings {
  readonly url: string;
  readonly user?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly ca?: string | undefined;
  readonly tenant?: string | undefined;
}

/** What a request is sent with. */
export interface Access {
  readonly agent: HttpAgent | HttpsAgent;
  readonly headers: Readonly<Record<string, string>>;
}

/** The keys of the configuration that name files. */
export const ACCESS_FILES = ["passwordFile", "tokenFile", "certificate", "key", "ca"] as const;
type FileKey = (typeof ACCESS_FILES)[number];
type Texts = Readonly<Partial<Record<FileKey, string>>>;

/** Between two looks at the files, milliseconds. By reading them, since what renews them renames files or the folder that a link leads to. */
const LOOK_MS = 1000;

/** Credentials that follow their files: whoever renews them only has to write them. */
export class PrometheusAccess {
  private readonly settings: AccessSettings;
  private texts: Texts;
  private access: Access;
  private lookedAt = performance.now();
  private told: string | undefined;

  /** @throws UserError when a file is not usable: it names the key */
  constructor(settings: AccessSettings) {
    this.settings = settings;
    this.texts = readTexts(settings);
    this.access = makeAccess(settings, this.texts);
  }

  /** What to send a request with now. Files that are not usable any more are told, and the last that were stay in use. */
  current(): Access {
    if (performance.now() - this.lookedAt >= LOOK_MS) this.look();
    return this.access;
  }

  close(): void {
    this.access.agent.destroy();
  }

  private look(): void {
    this.lookedAt = performance.now();
    try {
      const texts = readTexts(this.settings);
      if (ACCESS_FILES.every((key) => texts[key] === this.texts[key])) return;
      const fresh = makeAccess(this.settings, texts);
      // what is under way ends as it began
      for (const sockets of Object.values(this.access.agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
      Object.assign(this, { texts, access: fresh, told: undefined });
      log("info", "new credentials for Prometheus are in use", { url: this.settings.url });
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.told) log("warn", "the old credentials for Prometheus stay in use", { error: message });
      this.told = message;
    }
  }
}

/** @throws UserError */
function readTexts(settings: AccessSettings): Texts {
  const texts: Partial<Record<FileKey, string>> = {};
  for (const key of ACCESS_FILES) {
    const file = settings[key];
    if (file === undefined) continue;
    try {
      texts[key] = readFileSync(file, "utf8");
    } catch (error) {
      throw new UserError(`prometheus.${key}: cannot be read: ${(error as Error).message}`);
    }
  }
  return texts;
}

/** @throws UserError */
function makeAccess(settings: AccessSettings, texts: Texts): Access {
  const { url, user, tenant } = settings;
  const headers = {
    ...(user === undefined ? {} : { authorization: `Basic ${Buffer.from(`${user}:${password(settings, texts)}`).toString("base64")}` }),
    ...(texts.tokenFile === undefined ? {} : { authorization: `Bearer ${token(settings, texts.tokenFile)}` }),
    ...(tenant === undefined ? {} : { "x-scope-orgid": tenant }),
  };
  if (new URL(url).protocol === "http:") return { agent: new HttpAgent({ keepAlive: true }), headers };
  return { agent: new HttpsAgent({ keepAlive: true, ...secured(settings, texts) }), headers };
}

function password({ passwordFile }: AccessSettings, { passwordFile: text = "" }: Texts): string {
  const line = text.replace(/\r?\n$/, "");
  if (line === "" || /[\r\n\0]/.test(line)) throw new UserError(`prometheus.passwordFile: ${passwordFile} must be one line, the password`);
  return line;
}

function token({ tokenFile }: AccessSettings, text: string): string {
  const line = text.trim();
  // RFC 6750 section 2.1
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(line)) throw new UserError(`prometheus.tokenFile: ${tokenFile} must be one line, the bearer token alone`);
  return line;
}

/** RFC 9325 section 3.1.1 */
const OLDEST_TLS = "TLSv1.2";

type Secured = { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly minVersion: typeof OLDEST_TLS };

function secured({ certificate, key, ca }: AccessSettings, texts: Texts): Secured {
  if (texts.ca !== undefined) {
    const blocks = texts.ca.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    try {
      for (const block of blocks) new X509Certificate(block);
    } catch (error) {
      throw new UserError(`prometheus.ca: ${ca} has a certificate that cannot be read: ${(error as Error).message}`);
    }
    if (blocks.length === 0) throw new UserError(`prometheus.ca: ${ca} has no certificate; it must be in PEM`);
  }
  const options = {
    ...(texts.ca === undefined ? {} : { ca: texts.ca }),
    ...(texts.certificate === undefined || texts.key === undefined ? {} : { cert: texts.certificate, key: texts.key }),
    minVersion: OLDEST_TLS,
  } as const;
  try {
    createSecureContext(options);
  } catch (error) {
    throw new UserError(`prometheus.certificate: ${certificate} and ${key} are no certificate and its key: ${(error as Error).message}`);
  }
  return options;
}
