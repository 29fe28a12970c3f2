import koffi from "koffi";

/** The system calls of Linux that Node does not offer (64 bit, little endian: x86-64 and arm64). */

const libc = koffi.load("libc.so.6");
export const call = {
  socket: libc.func("int socket(int domain, int type, int protocol)"),
  setsockopt: libc.func("int setsockopt(int fd, int level, int name, const void *value, unsigned int length)"),
  bind: libc.func("int bind(int fd, const void *address, unsigned int length)"),
  close: libc.func("int close(int fd)"),
  recvmmsg: libc.func("int recvmmsg(int fd, void *messages, unsigned int count, int flags, void *timeout)"),
  sendmmsg: libc.func("int sendmmsg(int fd, void *messages, unsigned int count, int flags)"),
  poll: libc.func("int poll(void *fds, unsigned long count, int timeout)"),
  syscall: libc.func("long syscall(long number, long first, void *second, long third)"),
  usleep: libc.func("int usleep(unsigned int microseconds)"),
  memmove: libc.func("uintptr_t memmove(void *to, const void *from, size_t length)"),
};

/** The system's name for the error of this thread's last call. */
export function errorName(): string {
  const number = koffi.errno();
  return Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
}

/** Octets that the garbage collector does not move: small typed arrays may live on the heap, those of an ArrayBuffer do not. */
export const fixedOctets = (size: number): Uint8Array<ArrayBuffer> => new Uint8Array(new ArrayBuffer(size));

/** Where octets are in memory. */
export const addressOf = (octets: Uint8Array): bigint => BigInt(call.memmove(octets, octets, 0) as number | bigint);
