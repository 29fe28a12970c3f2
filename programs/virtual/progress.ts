/** A line of progress, where a person sees it. */
export function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}
