import type { Screen } from "../display/screen.ts";
import { Interrupted } from "../errors.ts";
import { interrupts } from "../interrupt.ts";
import { LOCAL } from "../stacks.ts";
import { requireHost } from "../doctor/require.ts";
import { lockStack } from "./run-lock.ts";
import { openSession, type Session } from "./session.ts";

/** Opens a stack, as the only ./peak that changes it, and does some work on it. Refuses a host that the local stack cannot live on. */
export async function workOn<T>(
  stack: string,
  screen: Screen,
  options: { nodes?: number | undefined },
  work: (session: Session) => Promise<T>,
): Promise<T> {
  using _lock = await lockStack(stack);
  if (stack === LOCAL) await requireHost();
  return work(await openInterruptibly(stack, screen, options.nodes));
}

/** `openSession`, ended by Ctrl-C. */
export async function openInterruptibly(stack: string, screen: Screen, nodes: number | undefined): Promise<Session> {
  using interrupt = interrupts(
    () => screen.line("stopping"),
    () => process.exit(130),
  );
  try {
    return await openSession(stack, screen, { nodes, signal: interrupt.signal });
  } catch (error) {
    if (interrupt.signal.aborted) throw new Interrupted("stopped; the same command goes on from here");
    throw error;
  }
}
