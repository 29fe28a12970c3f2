/**
 * Runs tasks, so many at a time; the others wait in the order in which they came.
 * @returns runs one task and gives its result
 */
export function limiter(limit: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running < limit) running++;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      // the place passes on without being free in between
      if (next) next();
      else running--;
    }
  };
}
