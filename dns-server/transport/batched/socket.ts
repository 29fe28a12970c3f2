import koffi from "koffi";
import type { Endpoint } from "../transport.ts";
import { parseAddress } from "../../wire/address.ts";

/**
 * UDP sockets by the system calls of Linux themselves (64 bit, little endian: x86-64 and arm64), since Node has no batched receive and
 * send.
 */

const libc = koffi.load("libc.so.6");
const call = {
  socket: libc.func("int socket(int domain, int type, int protocol)"),
  setsockopt: libc.func("int setsockopt(int fd, int level, int name, const void *value, unsigned int length)"),
  bind: libc.func("int bind(int fd, const void *address, unsigned int length)"),
  close: libc.func("int close(int fd)"),
  recvmmsg: libc.func("int recvmmsg(int fd, void *messages, unsigned int count, int flags, void *timeout)"),
  sendmmsg: libc.func("int sendmmsg(int fd, void *messages, unsigned int count, int flags)"),
  poll: libc.func("int poll(void *fds, unsigned long count, int timeout)"),
  memmove: libc.func("uintptr_t memmove(void *to, const void *from, size_t length)"),
};

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

/** Socket buffers; the kernel caps the wish. */
const SOCKET_BUFFER = 4 << 20;

/** The longest wait for a datagram (under a second): so often a thread looks whether it shall stop. */
const MAX_WAIT_MS = 100;

/** Room for a sockaddr_in6; a sockaddr_in is shorter. */
export const ADDRESS_SIZE = 28;

/** What a call returned, or the system's error in Node's form. */
function checked(result: number, name: string, endpoint?: Endpoint): number {
  if (result >= 0) return result;
  const number = koffi.errno();
  const code = Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
  const place = endpoint ? ` ${endpoint.address}:${endpoint.port}` : "";
  throw Object.assign(new Error(`${name} ${code}${place}`), { code, syscall: name });
}

const int = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};

/**
 * Opens and binds a socket that others may share the port with. A receive that waits gives up after MAX_WAIT_MS. @throws the system's
 * error
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

const MSG_DONTWAIT = 0x40;
const MSG_WAITFORONE = 0x10000;
const POLLIN = 1;
const CONTROL_SIZE = 40;
/** struct mmsghdr: msg_name, msg_namelen, msg_iov, msg_iovlen, msg_control, msg_controllen, msg_flags, msg_len. */
const HEADER_SIZE = 64;
const IOVEC_SIZE = 16;
const HEADER_WORDS = HEADER_SIZE / 4;

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

/** Octets that the garbage collector does not move: small typed arrays may live on the heap, those of an ArrayBuffer do not. */
const fixedOctets = (size: number): Uint8Array<ArrayBuffer> => new Uint8Array(new ArrayBuffer(size));

/**
 * Room for a batch of datagrams, and the headers that tell the kernel where it is. An answer goes back by the address (and, on a wildcard
 * socket, from the address) that its query came with, since both use the same memory.
 */
export class Batch {
  readonly size: number;
  /** Octets of room for each query and for each answer. */
  readonly slot: number;
  readonly queries: Uint8Array;
  readonly answers: Uint8Array;
  /** Socket addresses of the askers, ADDRESS_SIZE octets each. */
  readonly addresses: Uint8Array;
  private readonly control: Uint8Array;
  private readonly received: Buffer;
  private readonly sent: Buffer;
  private readonly receivedWords: Int32Array;
  private readonly sentWords: Int32Array;
  private readonly iovecs: Buffer;
  private readonly answerLengths: Int32Array;
  /** `sent` from each slot on. */
  private readonly sentFrom: readonly Buffer[];
  private readonly controlLength: number;

  /** @param wildcard whether the socket is bound to all addresses */
  constructor(size: number, slot: number, wildcard: boolean) {
    this.size = size;
    this.slot = slot;
    this.queries = fixedOctets(size * slot);
    this.answers = fixedOctets(size * slot);
    this.addresses = fixedOctets(size * ADDRESS_SIZE);
    this.control = fixedOctets(size * CONTROL_SIZE);
    this.controlLength = wildcard ? CONTROL_SIZE : 0;
    this.received = Buffer.from(fixedOctets(size * HEADER_SIZE).buffer);
    this.sent = Buffer.from(fixedOctets(size * HEADER_SIZE).buffer);
    this.receivedWords = new Int32Array(this.received.buffer);
    this.sentWords = new Int32Array(this.sent.buffer);
    this.iovecs = Buffer.from(fixedOctets(2 * size * IOVEC_SIZE).buffer);
    this.answerLengths = new Int32Array(this.iovecs.buffer);
    this.sentFrom = Array.from({ length: size }, (_, i) => this.sent.subarray(i * HEADER_SIZE));
    this.link();
  }

  /** Writes the addresses of the buffers into the headers, once. */
  private link(): void {
    const addressOf = (bytes: Uint8Array): bigint => BigInt(call.memmove(bytes, bytes, 0) as number | bigint);
    const [queries, answers, addresses, control, iovecs] = [this.queries, this.answers, this.addresses, this.control, this.iovecs].map(
      addressOf,
    ) as [bigint, bigint, bigint, bigint, bigint];
    for (let i = 0; i < this.size; i++) {
      const own = (base: bigint, size: number): bigint => base + BigInt(i * size);
      for (const [headers, index, data] of [
        [this.received, i, own(queries, this.slot)],
        [this.sent, this.size + i, own(answers, this.slot)],
      ] as const) {
        const at = i * HEADER_SIZE;
        headers.writeBigUInt64LE(own(addresses, ADDRESS_SIZE), at);
        headers.writeBigUInt64LE(iovecs + BigInt(index * IOVEC_SIZE), at + 16);
        headers.writeBigUInt64LE(1n, at + 24);
        headers.writeBigUInt64LE(this.controlLength === 0 ? 0n : own(control, CONTROL_SIZE), at + 32);
        this.iovecs.writeBigUInt64LE(data, index * IOVEC_SIZE);
        this.iovecs.writeBigUInt64LE(BigInt(this.slot), index * IOVEC_SIZE + 8);
      }
      this.receivedWords[i * HEADER_WORDS + 2] = ADDRESS_SIZE;
      this.receivedWords[i * HEADER_WORDS + 10] = this.controlLength;
    }
  }

  /** Takes the datagrams that are there. @param wait for the first, when there is none @returns how many */
  receive(fd: number, wait: boolean): number {
    return Math.max(0, call.recvmmsg(fd, this.received, this.size, wait ? MSG_WAITFORONE : MSG_DONTWAIT, null) as number);
  }

  /** Length of a query that was received. */
  queryLength(index: number): number {
    return this.receivedWords[index * HEADER_WORDS + 14]!;
  }

  /** Puts up the answer to a query, `length` octets in its slot of `answers`; 0 for no answer. */
  setAnswer(index: number, length: number): void {
    const header = index * HEADER_WORDS;
    const { sentWords, receivedWords } = this;
    this.answerLengths[(this.size + index) * 4 + 2] = length;
    if (length === 0) return;
    sentWords[header + 2] = receivedWords[header + 2]!;
    sentWords[header + 10] = receivedWords[header + 10]!;
    // the address that was asked, but not the interface: the way back is the routing table's to choose
    if (this.controlLength > 0) this.clearInterface(index);
  }

  private clearInterface(index: number): void {
    const at = index * CONTROL_SIZE;
    // cmsghdr: length (8), level (4), type (4), then in6_pktinfo (address, index) or in_pktinfo (index, address, address)
    const ipv6 = this.control[at + 8] === IPPROTO_IPV6;
    // a link-local address means nothing without its interface
    if (ipv6 && this.control[at + 16] === 0xfe && (this.control[at + 17]! & 0xc0) === 0x80) return;
    this.control.fill(0, at + (ipv6 ? 32 : 16), at + (ipv6 ? 36 : 20));
  }

  /** Sends the answers to the first `count` queries, and makes ready to receive again. */
  send(fd: number, count: number): void {
    const { answerLengths, size } = this;
    for (let start = 0; start < count;) {
      if (answerLengths[(size + start) * 4 + 2] === 0) {
        start++;
        continue;
      }
      let end = start + 1;
      while (end < count && answerLengths[(size + end) * 4 + 2] !== 0) end++;
      // what cannot be sent (no route, a filter) is skipped: UDP promises nothing
      while (start < end) start += Math.max(1, call.sendmmsg(fd, this.sentFrom[start]!, end - start, 0) as number);
    }
    for (let i = 0; i < count; i++) {
      this.receivedWords[i * HEADER_WORDS + 2] = ADDRESS_SIZE;
      this.receivedWords[i * HEADER_WORDS + 10] = this.controlLength;
    }
  }

  /** What an answer from elsewhere needs to find its way back: the asker's address and the control data. */
  copyRoute(index: number): Route {
    const [name, control] = [index * ADDRESS_SIZE, index * CONTROL_SIZE];
    return {
      address: this.addresses.slice(name, name + this.receivedWords[index * HEADER_WORDS + 2]!),
      control: this.control.slice(control, control + this.receivedWords[index * HEADER_WORDS + 10]!),
    };
  }

  /** Takes over a route as if the query at `index` had come by it. */
  setRoute(index: number, { address, control }: Route): void {
    this.addresses.set(address, index * ADDRESS_SIZE);
    this.control.set(control, index * CONTROL_SIZE);
    this.receivedWords[index * HEADER_WORDS + 2] = address.length;
    this.receivedWords[index * HEADER_WORDS + 10] = control.length;
  }
}

export interface Route {
  /** A sockaddr_in or sockaddr_in6. */
  readonly address: Uint8Array;
  readonly control: Uint8Array;
}
