import { addressOf, call, errorName, fixedOctets } from "./libc.ts";

/** Room for a sockaddr_in6; a sockaddr_in is shorter. */
export const ADDRESS_SIZE = 28;
const ADDRESS_WORDS = ADDRESS_SIZE / 4;

const MSG_DONTWAIT = 0x40;
const MSG_WAITFORONE = 0x10000;
const IPPROTO_IPV6 = 41;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;

/** struct mmsghdr in 32-bit words. */
const HEADER_SIZE = 64;
const HEADER_WORDS = HEADER_SIZE / 4;
const Header = { NAME: 0, NAME_LENGTH: 2, IOVECS: 4, IOVEC_COUNT: 6, CONTROL: 8, CONTROL_LENGTH: 10, LENGTH: 14 } as const;
/** struct iovec. */
const IOVEC_SIZE = 16;
const IOVEC_WORDS = IOVEC_SIZE / 4;
const Iovec = { BASE: 0, LENGTH: 2 } as const;
/** Control data that a query to a wildcard comes with: a cmsghdr and an in6_pktinfo, or the shorter in_pktinfo. */
const PKTINFO_SIZE = 40;
/** Control data with the size of segments: a cmsghdr (length, level, type) and 16 bits, padded. */
const SEGMENT_SIZE = 24;
const SEGMENT_LENGTH = 18;
const CONTROL_SIZE = PKTINFO_SIZE + SEGMENT_SIZE;
const CONTROL_WORDS = CONTROL_SIZE / 4;
/** What a message to be segmented may have in all: the largest UDP payload, and the kernel's limit. */
const MAX_SEGMENTED = 65_507;
const MAX_SEGMENTS = 64;

/** Size of the hash table of messages; a collision costs a message of its own. */
const TABLE_SIZE = 256;

/** A message of answers to one asker, in words. `FIRST` is the first slot, `TAIL` that of a last answer shorter than the others. */
const Message = { FIRST: 0, SEGMENT_SIZE: 1, SEGMENTS: 2, TAIL: 3, IOVEC: 4 } as const;
const MESSAGE_WORDS = 5;
const NONE = -1;

/**
 * Room for a batch of datagrams, and the headers that tell the kernel where it is. An answer goes back by the address (and, on a wildcard
 * socket, from the address) that its query came with, since both use the same memory. Answers to one asker leave as one message that
 * the kernel cuts into datagrams (UDP_SEGMENT), which spares most of its work for each. All must have one length, but the last may be
 * shorter.
 */
export class Batch {
  readonly size: number;
  /** Octets of room for each query and for each answer. */
  readonly slot: number;
  readonly queries: Uint8Array;
  readonly answers: Uint8Array;
  /** Socket addresses of the askers, ADDRESS_SIZE octets each. */
  readonly addresses: Uint8Array;
  private readonly addressWords: Int32Array;
  private readonly control: Uint8Array;
  private readonly controlWords: Int32Array;
  /** Room for control data of a query. */
  private readonly controlRoom: number;
  private readonly received: Uint8Array;
  private readonly receivedWords: Int32Array;
  private readonly sentWords: Int32Array;
  /** The headers of answers from each on. */
  private readonly sentFrom: readonly Uint8Array[];
  private readonly iovecs: Int32Array;
  /** Of the answers; 0: none. */
  readonly lengths: Int32Array;
  /** Two words each: where a slot's address, control data and answer are, and the iovecs for answers. */
  private readonly at: Readonly<Record<"address" | "control" | "answer" | "iovec", Int32Array>>;
  /** The latest message to askers with a hash. */
  private readonly table = new Int32Array(TABLE_SIZE);
  private readonly messages: Int32Array;
  /** Message of each slot. */
  private readonly messageOf: Int32Array;
  private segmented = true;
  /** Headers for the answers of one message, each by itself. */
  private readonly single = fixedOctets(MAX_SEGMENTS * HEADER_SIZE);
  private readonly singleWords = new Int32Array(this.single.buffer);

  /** @param wildcard whether the socket is bound to all addresses */
  constructor(size: number, slot: number, wildcard: boolean) {
    this.size = size;
    this.slot = slot;
    this.queries = fixedOctets(size * slot);
    this.answers = fixedOctets(size * slot);
    this.addresses = fixedOctets(size * ADDRESS_SIZE);
    this.addressWords = new Int32Array(this.addresses.buffer);
    this.control = fixedOctets(size * CONTROL_SIZE);
    this.controlWords = new Int32Array(this.control.buffer);
    this.controlRoom = wildcard ? PKTINFO_SIZE : 0;
    this.received = fixedOctets(size * HEADER_SIZE);
    this.receivedWords = new Int32Array(this.received.buffer);
    const sent = fixedOctets(size * HEADER_SIZE);
    this.sentWords = new Int32Array(sent.buffer);
    this.sentFrom = Array.from({ length: size }, (_, i) => sent.subarray(i * HEADER_SIZE));
    const iovecs = fixedOctets(2 * size * IOVEC_SIZE);
    this.iovecs = new Int32Array(iovecs.buffer);
    this.lengths = new Int32Array(size);
    this.messageOf = new Int32Array(size);
    this.messages = new Int32Array(size * MESSAGE_WORDS);
    const [queries, answers, addresses, control, vectors] = [this.queries, this.answers, this.addresses, this.control, iovecs].map(
      addressOf,
    ) as [bigint, bigint, bigint, bigint, bigint];
    const pointers = (base: bigint, step: number): Int32Array =>
      new Int32Array(BigInt64Array.from({ length: size }, (_, i) => base + BigInt(i * step)).buffer);
    this.at = {
      address: pointers(addresses, ADDRESS_SIZE),
      control: pointers(control, CONTROL_SIZE),
      answer: pointers(answers, slot),
      iovec: new Int32Array(BigInt64Array.from({ length: 2 * size }, (_, i) => vectors + BigInt(i * IOVEC_SIZE)).buffer),
    };
    const query = pointers(queries, slot);
    const queryIovec = pointers(vectors, IOVEC_SIZE);
    for (let i = 0; i < size; i++) {
      const header = i * HEADER_WORDS;
      copyPointer(this.receivedWords, header + Header.NAME, this.at.address, i);
      copyPointer(this.receivedWords, header + Header.IOVECS, queryIovec, i);
      this.receivedWords[header + Header.IOVEC_COUNT] = 1;
      if (wildcard) copyPointer(this.receivedWords, header + Header.CONTROL, this.at.control, i);
      copyPointer(this.iovecs, i * IOVEC_WORDS + Iovec.BASE, query, i);
      this.iovecs[i * IOVEC_WORDS + Iovec.LENGTH] = slot;
    }
    this.makeReady(size);
  }

  /** Gives the kernel the whole room for addresses and control data again. */
  private makeReady(count: number): void {
    for (let header = 0; header < count * HEADER_WORDS; header += HEADER_WORDS) {
      this.receivedWords[header + Header.NAME_LENGTH] = ADDRESS_SIZE;
      this.receivedWords[header + Header.CONTROL_LENGTH] = this.controlRoom;
    }
  }

  /** Takes the datagrams that are there. @param wait for the first, when there is none @returns how many */
  receive(fd: number, wait: boolean): number {
    return Math.max(0, call.recvmmsg(fd, this.received, this.size, wait ? MSG_WAITFORONE : MSG_DONTWAIT, null) as number);
  }

  /** Length of a query that was received. */
  queryLength(index: number): number {
    return this.receivedWords[index * HEADER_WORDS + Header.LENGTH]!;
  }

  /** Puts up the answer to a query, `length` octets in its slot of `answers`; 0 for no answer. */
  setAnswer(index: number, length: number): void {
    this.lengths[index] = length;
    // the address that was asked, but not the interface: the way back is the routing table's to choose
    if (length > 0 && this.controlRoom > 0) this.clearInterface(index);
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
    const messages = this.gather(count);
    for (let start = 0; start < messages;) {
      const sent = call.sendmmsg(fd, this.sentFrom[start]!, messages - start, 0) as number;
      if (sent < 0 && this.messages[start * MESSAGE_WORDS + Message.SEGMENTS]! > 1) {
        // a device that cannot do checksums cannot cut either: answers go one by one from now on
        if (errorName() === "EIO") this.segmented = false;
        // the way to this asker may take no cut ones, such as one with a smaller MTU
        this.sendSingly(fd, start);
      }
      // what cannot be sent (no route, a filter) is skipped: UDP promises nothing
      start += Math.max(1, sent);
    }
    this.makeReady(count);
  }

  /** Sends the answers of a message each by itself. */
  private sendSingly(fd: number, message: number): void {
    const { messages, sentWords, singleWords } = this;
    const at = message * MESSAGE_WORDS;
    const segments = messages[at + Message.SEGMENTS]!;
    const controlLength = this.controlLength(messages[at + Message.FIRST]!);
    // it was moved on behind all but the last
    const iovec = messages[at + Message.IOVEC]! - segments + (messages[at + Message.TAIL] === NONE ? 0 : 1);
    for (let i = 0; i < segments; i++) {
      const header = i * HEADER_WORDS;
      for (let word = 0; word < HEADER_WORDS; word++) singleWords[header + word] = sentWords[message * HEADER_WORDS + word]!;
      copyPointer(singleWords, header + Header.IOVECS, this.at.iovec, iovec + i);
      singleWords[header + Header.IOVEC_COUNT] = 1;
      singleWords[header + Header.CONTROL_LENGTH] = controlLength;
    }
    for (let start = 0; start < segments;) {
      start += Math.max(1, call.sendmmsg(fd, this.single.subarray(start * HEADER_SIZE), segments - start, 0) as number);
    }
  }

  /** Makes messages of the answers to the first `count` queries. @returns how many */
  private gather(count: number): number {
    const { lengths, messageOf, messages } = this;
    const total = this.assign(count);
    let iovec = this.size;
    for (let message = 0; message < total; message++) {
      this.writeHeader(message, iovec);
      const at = message * MESSAGE_WORDS;
      messages[at + Message.IOVEC] = iovec;
      iovec += messages[at + Message.SEGMENTS]!;
      if (messages[at + Message.TAIL] !== NONE) this.writeIovec(iovec - 1, messages[at + Message.TAIL]!);
    }
    for (let slot = 0; slot < count; slot++) {
      if (lengths[slot] === 0) continue;
      const at = messageOf[slot]! * MESSAGE_WORDS;
      if (messages[at + Message.TAIL] !== slot) this.writeIovec(messages[at + Message.IOVEC]!++, slot);
    }
    return total;
  }

  /** Assigns the answers to messages. @returns number of messages */
  private assign(count: number): number {
    const { lengths, table, messageOf, messages } = this;
    table.fill(NONE);
    let total = 0;
    for (let slot = 0; slot < count; slot++) {
      const length = lengths[slot]!;
      if (length === 0) continue;
      const address = slot * ADDRESS_WORDS;
      // askers differ in port and in the end of the address (word 5 for IPv6, 1 for IPv4, with zeros in the other)
      const end = this.addressWords[address + 1]! ^ this.addressWords[address + 5]!;
      const hash = ((this.addressWords[address]! >>> 16) ^ (end >>> 24)) & (TABLE_SIZE - 1);
      const message = table[hash]!;
      if (message !== NONE && this.join(message, slot, length)) {
        messageOf[slot] = message;
        continue;
      }
      const at = MESSAGE_WORDS * total;
      messages[at + Message.FIRST] = slot;
      messages[at + Message.SEGMENT_SIZE] = length;
      messages[at + Message.SEGMENTS] = 1;
      messages[at + Message.TAIL] = NONE;
      messageOf[slot] = table[hash] = total++;
    }
    return total;
  }

  /** Lets an answer be part of a message, if it can. @returns whether it is */
  private join(message: number, slot: number, length: number): boolean {
    const { messages } = this;
    const at = message * MESSAGE_WORDS;
    const segments = messages[at + Message.SEGMENTS]! + 1;
    const size = messages[at + Message.SEGMENT_SIZE]!;
    if (!this.segmented || segments > MAX_SEGMENTS || segments * Math.max(size, length) > MAX_SEGMENTED) return false;
    const first = messages[at + Message.FIRST]!;
    if (!this.isSameRoute(first, slot)) return false;
    if (length !== size) {
      // the last segment, and only that, may be shorter
      if (messages[at + Message.TAIL] !== NONE) return false;
      if (length > size && segments > 2) return false;
      messages[at + Message.TAIL] = length < size ? slot : first;
      messages[at + Message.SEGMENT_SIZE] = Math.max(size, length);
    }
    messages[at + Message.SEGMENTS] = segments;
    return true;
  }

  private writeIovec(iovec: number, slot: number): void {
    const at = iovec * IOVEC_WORDS;
    copyPointer(this.iovecs, at + Iovec.BASE, this.at.answer, slot);
    this.iovecs[at + Iovec.LENGTH] = this.lengths[slot]!;
  }

  /** Writes the header of a message; the size of segments stands behind the control data that its first query came with. */
  private writeHeader(message: number, iovec: number): void {
    const { sentWords, receivedWords, controlWords, messages } = this;
    const header = message * HEADER_WORDS;
    const at = message * MESSAGE_WORDS;
    const slot = messages[at + Message.FIRST]!;
    const segments = messages[at + Message.SEGMENTS]!;
    const controlLength = this.controlLength(slot);
    copyPointer(sentWords, header + Header.NAME, this.at.address, slot);
    sentWords[header + Header.NAME_LENGTH] = receivedWords[slot * HEADER_WORDS + Header.NAME_LENGTH]!;
    copyPointer(sentWords, header + Header.IOVECS, this.at.iovec, iovec);
    sentWords[header + Header.IOVEC_COUNT] = segments;
    copyPointer(sentWords, header + Header.CONTROL, this.at.control, slot);
    sentWords[header + Header.CONTROL_LENGTH] = segments > 1 ? controlLength + SEGMENT_SIZE : controlLength;
    const segment = slot * CONTROL_WORDS + controlLength / 4;
    controlWords[segment] = SEGMENT_LENGTH;
    controlWords[segment + 2] = SOL_UDP;
    controlWords[segment + 3] = UDP_SEGMENT;
    controlWords[segment + 4] = messages[at + Message.SEGMENT_SIZE]!;
  }

  /** Octets of control data that a query came with. */
  private controlLength(slot: number): number {
    return this.receivedWords[slot * HEADER_WORDS + Header.CONTROL_LENGTH]!;
  }

  /** Whether two queries came from one socket address to one address of ours. */
  private isSameRoute(a: number, b: number): boolean {
    const words = this.receivedWords[a * HEADER_WORDS + Header.NAME_LENGTH]! / 4;
    return (
      isSame(this.addressWords, a * ADDRESS_WORDS, b * ADDRESS_WORDS, words) &&
      isSame(this.controlWords, a * CONTROL_WORDS, b * CONTROL_WORDS, this.controlLength(a) / 4)
    );
  }

  /** What an answer from elsewhere needs to find its way back: the asker's address and the control data. */
  copyRoute(index: number): Route {
    const [name, control] = [index * ADDRESS_SIZE, index * CONTROL_SIZE];
    return {
      address: this.addresses.slice(name, name + this.receivedWords[index * HEADER_WORDS + Header.NAME_LENGTH]!),
      control: this.control.slice(control, control + this.controlLength(index)),
    };
  }

  /** Takes over a route as if the query at `index` had come by it. */
  setRoute(index: number, { address, control }: Route): void {
    this.addresses.set(address, index * ADDRESS_SIZE);
    this.control.set(control, index * CONTROL_SIZE);
    this.receivedWords[index * HEADER_WORDS + Header.NAME_LENGTH] = address.length;
    this.receivedWords[index * HEADER_WORDS + Header.CONTROL_LENGTH] = control.length;
  }
}

export interface Route {
  /** A sockaddr_in or sockaddr_in6. */
  readonly address: Uint8Array;
  readonly control: Uint8Array;
}

function copyPointer(to: Int32Array, at: number, from: Int32Array, index: number): void {
  to[at] = from[2 * index]!;
  to[at + 1] = from[2 * index + 1]!;
}

function isSame(words: Int32Array, a: number, b: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (words[a + i] !== words[b + i]) return false;
  return true;
}
