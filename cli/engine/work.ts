import type { Screen } from "../display/screen.ts";
import { requireHost } from "../doctor/require.ts";
import { interruptibly } from "../interrupt.ts";
import { LOCAL } from "../stacks.ts";
import { type Copy, openCopy } from "./copy.ts";
import { lockStack } from "./run-lock.ts";
import { openSession, type OpenOptions, type Session } from "./session.ts";

type Options = Omit<OpenOptions, "signal">;

/** Opens a stack, as the only ./peak that changes it, and does some work on it. Refuses a host that the local stack cannot live on. */
export async function workOn<T>(stack: string, screen: Screen, options: Options, work: (session: Session) => Promise<T>): Promise<T> {
  if (stack === LOCAL) await requireHost();
  using _lock = await lockStack(stack);
  return work(await openInterruptibly(stack, screen, options));
}

/** Does some work on a copy of a stack, so that nothing is written. Refuses a host that the local stack cannot live on. */
export async function workOnCopy<T>(stack: string, screen: Screen, options: Options, work: (copy: Copy) => Promise<T>): Promise<T> {
  if (stack === LOCAL) await requireHost();
  await using copy = await interruptibly((text) => screen.line(text), (signal) => openCopy(stack, screen, { ...options, signal }));
  return await work(copy);
}

/** `openSession`, ended by Ctrl-C. */
export function openInterruptibly(stack: string, screen: Screen, options: Options): Promise<Session> {
  return interruptibly((text) => screen.line(text), (signal) => openSession(stack, screen, { ...options, signal }));
}
