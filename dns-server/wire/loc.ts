/** LOC record data (RFC 1876). */

const EQUATOR = 2 ** 31;
const ALTITUDE_BASE_CM = 10_000_000;

/** `d [m [s]] N|S d [m [s]] E|W altitude[m] [size[m] [horizontal precision[m] [vertical precision[m]]]]` */
export function parseLoc(words: readonly string[]): Uint8Array {
  let at = 0;
  const angle = (positive: string, negative: string, limit: number): number => {
    const parts: number[] = [];
    for (; parts.length < 3 && /^\d+(\.\d{1,3})?$/.test(words[at] ?? ""); at++) parts.push(Number(words[at]));
    const [degrees = NaN, minutes = 0, seconds = 0] = parts;
    const direction = (words[at++] ?? "").toUpperCase();
    const thousandths = Math.round((degrees * 3600 + minutes * 60 + seconds) * 1000);
    const whole = Number.isInteger(degrees) && Number.isInteger(minutes);
    if (
      !whole ||
      minutes > 59 ||
      seconds >= 60 ||
      !(thousandths <= limit * 3_600_000) ||
      (direction !== positive && direction !== negative)
    ) {
      throw new Error(`LOC: expected degrees [minutes [seconds]] ${positive}|${negative} at word ${at}`);
    }
    return EQUATOR + (direction === positive ? thousandths : -thousandths);
  };
  const centimetres = (name: string, fallback: number | undefined): number => {
    const word = words[at++];
    if (word === undefined && fallback !== undefined) return fallback;
    const match = /^(-?\d+(?:\.\d{1,2})?)m?$/i.exec(word ?? "");
    if (!match) throw new Error(`LOC: ${name} must be metres, such as 10m`);
    return Math.round(Number(match[1]) * 100);
  };
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, angle("N", "S", 90));
  view.setUint32(8, angle("E", "W", 180));
  const altitude = centimetres("altitude", undefined) + ALTITUDE_BASE_CM;
  if (altitude < 0 || altitude > 0xffffffff) throw new Error("LOC: altitude is out of range");
  view.setUint32(12, altitude);
  bytes[1] = precision(centimetres("size", 100));
  bytes[2] = precision(centimetres("horizontal precision", 1_000_000));
  bytes[3] = precision(centimetres("vertical precision", 1_000));
  if (at < words.length) throw new Error("LOC: words after the vertical precision");
  return bytes;
}

/** A length in centimetres as mantissa and power of ten. */
function precision(centimetres: number): number {
  if (centimetres < 0 || centimetres > 9e9) throw new Error("LOC: a size or precision is out of range");
  let exponent = 0;
  for (; centimetres >= 10; centimetres = Math.floor(centimetres / 10)) exponent++;
  return (centimetres << 4) | exponent;
}

export function formatLoc(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const angle = (value: number, positive: string, negative: string): string => {
    const offset = value - EQUATOR;
    const total = Math.abs(offset);
    const seconds = (total % 60_000) / 1000;
    return `${Math.floor(total / 3_600_000)} ${Math.floor(total / 60_000) % 60} ${seconds.toFixed(3)} ${offset >= 0 ? positive : negative}`;
  };
  const metres = (octet: number): string => `${(((octet >> 4) * 10 ** (octet & 15)) / 100).toFixed(2)}m`;
  const altitude = ((view.getUint32(12) - ALTITUDE_BASE_CM) / 100).toFixed(2);
  const latitude = angle(view.getUint32(4), "N", "S");
  const longitude = angle(view.getUint32(8), "E", "W");
  return `${latitude} ${longitude} ${altitude}m ${metres(bytes[1]!)} ${metres(bytes[2]!)} ${metres(bytes[3]!)}`;
}
