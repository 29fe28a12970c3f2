import { Cookies } from "../wire/cookie.ts";
import type { Identity } from "../wire/edns.ts";

/** An identity and an asker for tests that do not look at them. */
export const testIdentity: Identity = { nsid: Buffer.from("test"), cookies: new Cookies(new Uint8Array(16)) };
export const testClient = Uint8Array.of(192, 0, 2, 1);
