import type { Screen } from "../display/screen.ts";
import { requireHost } from "../doctor/require.ts";
import { Interrupted } from "../errors.ts";
import { interrupts } from "../interrupt.ts";
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
  await using copy = await interruptibly(screen, (signal) => openCopy(stack, screen, { ...options, signal }));
  return await work(copy);
}

/** `openSession`, ended by Ctrl-C. */
export function openInterruptibly(stack: string, screen: Screen, options: Options): Promise<Session> {
  return interruptibly(screen, (signal) => openSession(stack, screen, { ...options, signal }));
}

/** Opens something; Ctrl-C ends that, from where the same command goes on. */
export async function interruptibly<T>(screen: Screen, open: (signal: AbortSignal) => Promise<T>): Promise<T> {
  using interrupt = interrupts(
    () => screen.line("stopping"),
    () => process.exit(130),
  );
  try {
    return await open(interrupt.signal);
  } catch (error) {
    if (interrupt.signal.aborted) throw new Interrupted("stopped; the same command goes on from here");
    throw error;
  }
}
