import { parseAddress } from "../../wire/address.ts";
import type { Endpoint } from "../../wire/endpoint.ts";
import { call, errorName, fixedOctets } from "./libc.ts";

/** UDP sockets by the system calls themselves: to be read and written in batches. */

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_REUSEPORT = 15;
const SO_RCVTIMEO = 20;
const IPPROTO_IP = 0;
const IP_PKTINFO = 8;
const IP_MTU_DISCOVER = 10;
const IP_PMTUDISC_OMIT = 5;
const IPPROTO_IPV6 = 41;
const IPV6_MTU_DISCOVER = 23;
const IPV6_PMTUDISC_OMIT = 5;
const IPV6_V6ONLY = 26;
const IPV6_RECVPKTINFO = 49;
const POLLIN = 1;

/** Socket buffers; the kernel caps the wish. */
const SOCKET_BUFFER = 4 << 20;

/** The longest wait for a datagram (under a second): so often a thread looks whether it shall stop. */
const MAX_WAIT_MS = 100;

/** What a call returned, or the system's error in Node's form. */
function checked(result: number, name: string, endpoint?: Endpoint): number {
  if (result >= 0) return result;
  const code = errorName();
  const place = endpoint ? ` ${endpoint.address}:${endpoint.port}` : "";
  throw Object.assign(new Error(`${name} ${code}${place}`), { code, syscall: name });
}

const int = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};

/**
 * Opens and binds a socket that others may share the port with. A receive that waits gives up after MAX_WAIT_MS.
 * @throws the system's error
 */
export function openSocket(endpoint: Endpoint): number {
  const octets = parseAddress(endpoint.address);
  const ipv6 = octets.length === 16;
  const fd = checked(call.socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) as number, "socket");
  const set = (level: number, name: number, value: Buffer): void =>
    void checked(call.setsockopt(fd, level, name, value, value.length) as number, "setsockopt");
  try {
    const timeout = Buffer.alloc(16);
    timeout.writeBigInt64LE(BigInt(MAX_WAIT_MS * 1000), 8);
    set(SOL_SOCKET, SO_RCVTIMEO, timeout);
    set(SOL_SOCKET, SO_REUSEPORT, int(1));
    set(SOL_SOCKET, SO_RCVBUF, int(SOCKET_BUFFER));
    set(SOL_SOCKET, SO_SNDBUF, int(SOCKET_BUFFER));
    // no path MTU that somebody may have forged makes fragments of answers that fit
    set(ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, ipv6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, int(ipv6 ? IPV6_PMTUDISC_OMIT : IP_PMTUDISC_OMIT));
    if (ipv6) set(IPPROTO_IPV6, IPV6_V6ONLY, int(1));
    // only a wildcard needs to know which of the host's addresses was asked
    if (isWildcard(octets)) set(ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, ipv6 ? IPV6_RECVPKTINFO : IP_PKTINFO, int(1));
    const address = Buffer.alloc(ipv6 ? 28 : 16);
    address.writeUInt16LE(ipv6 ? AF_INET6 : AF_INET);
    address.writeUInt16BE(endpoint.port, 2);
    address.set(octets, ipv6 ? 8 : 4);
    checked(call.bind(fd, address, address.length) as number, "bind", endpoint);
    return fd;
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
}

export const isWildcard = (octets: Uint8Array): boolean => octets.every((octet) => octet === 0);

export const closeSocket = (fd: number): void => void call.close(fd);

/** Waits until one of several sockets has something to receive. */
export class Poll {
  private readonly fds: Buffer;
  private readonly count: number;

  constructor(fds: readonly number[]) {
    this.count = fds.length;
    this.fds = Buffer.from(fixedOctets(8 * fds.length).buffer);
    fds.forEach((fd, i) => {
      this.fds.writeInt32LE(fd, 8 * i);
      this.fds.writeInt16LE(POLLIN, 8 * i + 4);
    });
  }

  /** Returns after MAX_WAIT_MS at the latest. */
  wait(): void {
    call.poll(this.fds, this.count, MAX_WAIT_MS);
  }
}
