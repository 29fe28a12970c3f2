import { readFileSync, unwatchFile, watchFile } from "node:fs";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { UserError } from "../runtime/errors.ts";
import { log } from "../runtime/log.ts";

/** PEM files: a certificate with those of its issuers, and its private key. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** How often the files are looked at, milliseconds. By path, since renewals rename files, or the folder that a link leads to. */
const WATCH_MS = 5000;

/** A certificate that follows its files: whoever renews it only has to write them. */
export class Certificate {
  private readonly files: CertificateFiles;
  private readonly listeners: ((options: SecureContextOptions) => void)[] = [];
  private readonly watched = (): void => this.tryReload();
  private options: SecureContextOptions;

  /** @throws UserError when the files are not usable */
  constructor(files: CertificateFiles, watchMs = WATCH_MS) {
    this.files = files;
    this.options = load(files);
    for (const file of [files.certificate, files.key]) watchFile(file, { interval: watchMs, persistent: false }, this.watched);
  }

  /** Tells a listener what is to be used, and from then on every change. */
  listen(listener: (options: SecureContextOptions) => void): void {
    listener(this.options);
    this.listeners.push(listener);
  }

  /** Reads the files again. @throws UserError when they are not usable: the old certificate stays */
  reload(): void {
    const fresh = load(this.files);
    if (fresh.cert === this.options.cert && fresh.key === this.options.key) return;
    this.options = fresh;
    for (const listener of this.listeners) listener(fresh);
    log("info", "a new certificate is in use", { file: this.files.certificate });
  }

  private tryReload(): void {
    try {
      this.reload();
    } catch (error) {
      // while only one of the two has been written they do not go together
      log("warn", "the old certificate stays in use", { error: (error as Error).message });
    }
  }

  close(): void {
    for (const file of [this.files.certificate, this.files.key]) unwatchFile(file, this.watched);
  }
}

function load({ certificate, key }: CertificateFiles): SecureContextOptions {
  try {
    const options: SecureContextOptions = {
      cert: readFileSync(certificate, "utf8"),
      key: readFileSync(key, "utf8"),
      // RFC 9325 section 3.1.1
      minVersion: "TLSv1.2",
    };
    createSecureContext(options);
    return options;
  } catch (error) {
    throw new UserError(`tls: ${certificate} and ${key} are no certificate and its key: ${(error as Error).message}`);
  }
}
