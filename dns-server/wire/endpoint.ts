/** An address to listen on, or of another server. */
export interface Endpoint {
  /** IPv6 or IPv4 address, without brackets. */
  readonly address: string;
  readonly port: number;
}

/** Reads `[ADDRESS]:PORT` or, for IPv4, `ADDRESS:PORT`. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|(\d+\.\d+\.\d+\.\d+)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  return match && port <= 0xffff ? { address: match[1] ?? match[2]!, port } : undefined;
}

export const formatEndpoint = ({ address, port }: Endpoint): string =>
  address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
