/** The numbers that SOA data ends with (RFC 1035 section 3.3.13): each stands so many octets before its end. */
const FromEnd = { SERIAL: 20, REFRESH: 16, RETRY: 12, EXPIRE: 8, MINIMUM: 4 } as const;

const viewOf = (rdata: Uint8Array): DataView => new DataView(rdata.buffer, rdata.byteOffset, rdata.byteLength);
const read = (rdata: Uint8Array, fromEnd: number): number => viewOf(rdata).getUint32(rdata.byteLength - fromEnd);

/** @param rdata well-formed, as for what follows */
export const soaSerial = (rdata: Uint8Array): number => read(rdata, FromEnd.SERIAL);

/** How long an absence may be remembered, seconds (RFC 2308 section 4). */
export const soaMinimum = (rdata: Uint8Array): number => read(rdata, FromEnd.MINIMUM);

/** What secondaries go by, seconds. */
export const soaTimers = (rdata: Uint8Array): { refresh: number; retry: number; expire: number } => ({
  refresh: read(rdata, FromEnd.REFRESH),
  retry: read(rdata, FromEnd.RETRY),
  expire: read(rdata, FromEnd.EXPIRE),
});

/** The same SOA data with another serial. */
export function withSerial(rdata: Uint8Array, serial: number): Uint8Array {
  const changed = Uint8Array.from(rdata);
  viewOf(changed).setUint32(changed.length - FromEnd.SERIAL, serial);
  return changed;
}
