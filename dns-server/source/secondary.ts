import type { SecondaryConfig } from "../config/roles.ts";
import { loadSigner } from "../dnssec/load.ts";
import type { TransferCounts } from "../transfer/counts.ts";
import { SecondaryZone } from "../transfer/secondary.ts";
import type { Request, Response } from "../view/exchange.ts";
import type { View } from "../view/view.ts";
import { Flag, Rcode, HEADER_LENGTH } from "../wire/constants.ts";
import { bareAnswer } from "../wire/message.ts";
import { foldName, readName } from "../wire/name.ts";
import type { Source } from "./source.ts";

/**
 * A view of zones that are fetched from their primaries. One that was not fetched yet, or has expired, is SERVFAIL.
 * @param changed called after each new view
 * @param old the source of the configuration before, whose zones are served on until they are fetched anew
 */
export async function secondarySource(
  config: SecondaryConfig,
  counts: TransferCounts,
  changed: () => void,
  old?: Source,
): Promise<Source> {
  const keys = new Map(config.keys.map((key) => [key.name, key]));
  const earlier = old?.primaries?.zones ?? [];
  // what tells of the keys comes with the zone: its primary signs with the same
  const signers = new Map(config.zones.flatMap(({ origin, dnssec }) => (dnssec ? [[origin, loadSigner(origin, dnssec)]] : [])));
  const build = (): View => ({
    signers,
    zones: new Map(
      zones.flatMap((zone) => {
        const served = zone.zone();
        return served ? [[served.origin, served] as const] : [];
      }),
    ),
    loading: zones.filter((zone) => !zone.zone()).map(({ settings }) => settings.origin),
  });
  let view: View = { zones: new Map(), loading: config.zones.map(({ origin }) => origin) };
  let started = false;
  const rebuild = (): void => {
    if (!started) return;
    view = build();
    changed();
  };
  const zones = config.zones.map((zone) => new SecondaryZone(zone, zone.key && keys.get(zone.key), counts, rebuild));
  await Promise.all(zones.map((zone) => zone.start(earlier.find(({ settings }) => settings.origin === zone.settings.origin))));
  view = build();
  started = true;

  const zoneOf = ({ message }: Request): SecondaryZone | undefined => {
    const name = message.readUInt16BE(4) === 1 ? readName(message, HEADER_LENGTH)?.name : undefined;
    return name === undefined ? undefined : zones.find(({ settings }) => settings.origin === foldName(name));
  };
  const answer = ({ message }: Request, rcode: number, flags = 0): Response => ({
    message: bareAnswer(message, rcode, flags),
    rcode,
    type: undefined,
  });
  return {
    view: () => view,
    lost: () => {
      const seconds = Math.max(...zones.map((zone) => zone.ageSeconds()));
      return seconds > 0 ? { seconds, reason: "primary" } : undefined;
    },
    primaries: {
      zones,
      transfer: (name) => zones.find(({ settings }) => settings.origin === name)?.force(),
      behind: () => zones.map(({ settings, isPrimaryBehind }) => [settings.origin, isPrimaryBehind] as const),
    },
    exchange: {
      keys,
      offers: new Map(config.zones.map(({ origin, transfer }) => [origin, transfer])),
      // the primary is to be told; nothing is passed on (RFC 2136 section 6)
      update: (request) => answer(request, zoneOf(request) ? Rcode.REFUSED : Rcode.NOTAUTH),
      notify: (request) => {
        const zone = zoneOf(request);
        if (!zone) return answer(request, Rcode.NOTAUTH);
        if (!zone.believes(request)) {
          counts.notify("in", "refused");
          return answer(request, Rcode.REFUSED);
        }
        counts.notify("in", "answered");
        zone.notify(request.message);
        return answer(request, Rcode.NOERROR, Flag.AA);
      },
    },
    stop: async () => void (await Promise.all(zones.map((zone) => zone.stop()))),
  };
}
