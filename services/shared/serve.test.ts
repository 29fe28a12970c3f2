import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { afterEach, expect, it } from "vitest";

/**
 * Signals are a process's own: each test has a child that serves on a free port, says when it is asked, and answers after `delay` (null:
 * never).
 */
function program(drainSeconds: number, delay: number | null): string {
  const file = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
  return `
    import { Readiness } from ${file("./readiness.ts")};
    import { serve } from ${file("./serve.ts")};
    const readiness = new Readiness();
    const listener = (_, response) => {
      console.log("asked");
      if (${delay} !== null) setTimeout(() => response.end(String(readiness.ready)), ${delay});
    };
    await serve({ listener, readiness, port: 0, drainSeconds: ${drainSeconds} });
  `;
}

let child: ChildProcessByStdio<null, Readable, null>;
let lines: AsyncIterator<string>;

async function start(drainSeconds: number, delay: number | null = 0): Promise<string> {
  child = spawn(process.execPath, ["--input-type=module", "-e", program(drainSeconds, delay)], { stdio: ["ignore", "pipe", "inherit"] });
  lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const port = /:(\d+)$/.exec(await next())?.[1];
  return `http://[::1]:${port}`;
}

async function next(): Promise<string> {
  return (await lines.next()).value as string;
}

afterEach(() => child.kill("SIGKILL"));

it("serves on after SIGTERM, not ready, and ends at once at the second", async () => {
  const url = await start(600);
  expect(await (await fetch(url)).text()).toBe("true");
  expect(await next()).toBe("asked");
  child.kill("SIGTERM");
  expect(await next()).toBe("draining for 600 s");
  expect(await (await fetch(url)).text()).toBe("false");
  expect(await next()).toBe("asked");
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  expect(await next()).toBe("stopped");
  expect(await exit).toEqual([0, null]);
});

it("ends by itself when the drain is over, and lets an answer under way finish", async () => {
  const url = await start(0, 100);
  const answer = fetch(url).then((answer) => answer.text());
  expect(await next()).toBe("asked");
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  expect(await answer).toBe("false");
  expect(await exit).toEqual([0, null]);
});

it("cuts an answer that does not come", async () => {
  const url = await start(0, null);
  const answer = expect(fetch(url)).rejects.toThrow();
  expect(await next()).toBe("asked");
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  await answer;
  expect(await exit).toEqual([0, null]);
});
