/** Serial number arithmetic (RFC 1982): whether `a` comes after `b`. */
export const isLater = (a: number, b: number): boolean => a !== b && (a - b) >>> 0 < 0x80000000;
