import { request } from "node:http";
import { connect } from "node:net";
import type { ProbeSpec } from "../model/domain.ts";

/** Outcome of one probe: `ok`, or why not. */
export type ProbeResult = "ok" | "refused" | "timeout" | "unreachable" | "reset" | "status" | "other";

/** Asks one target once. Never throws. */
export type Check = (address: string, spec: ProbeSpec, timeoutMs: number) => Promise<ProbeResult>;

/** A TCP connection that is closed as soon as it stands (not reset: that ends careless servers), or a GET whose status is 2xx or 3xx. */
export const probeBySocket: Check = (address, spec, timeoutMs) =>
  spec.kind === "tcp" ? checkTcp(address, spec.port, timeoutMs) : checkHttp(address, spec.port, spec.path, timeoutMs);

function checkTcp(address: string, port: number, timeoutMs: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const finish = (result: ProbeResult): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(finish, timeoutMs, "timeout");
    socket.once("connect", () => finish("ok"));
    socket.on("error", (error) => finish(reason(error)));
  });
}

function checkHttp(address: string, port: number, path: string, timeoutMs: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const asked = request({ host: address, port, path, agent: false, headers: { "user-agent": "peakdns-probe" } });
    const finish = (result: ProbeResult): void => {
      clearTimeout(timer);
      asked.destroy();
      resolve(result);
    };
    const timer = setTimeout(finish, timeoutMs, "timeout");
    asked.once("response", ({ statusCode = 0 }) => finish(statusCode >= 200 && statusCode < 400 ? "ok" : "status"));
    asked.on("error", (error) => finish(reason(error)));
    asked.end();
  });
}

function reason(error: NodeJS.ErrnoException): ProbeResult {
  switch (error.code) {
    case "ECONNREFUSED":
      return "refused";
    case "ECONNRESET":
    case "EPIPE":
      return "reset";
    case "ETIMEDOUT":
      return "timeout";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EADDRNOTAVAIL":
    case "EACCES":
      return "unreachable";
    default:
      return "other";
  }
}
