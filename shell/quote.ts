/** Quotes a text as one word for a POSIX shell: any text but one with NUL, which no shell can hold. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
