import { expect, it } from "vitest";
import { parseSimulation } from "./debian.ts";

it("takes versions from what apt would install, and from nothing else", () => {
  const text = `The following NEW packages will be installed:
  libc6 libgcc-s1
Inst libgcc-s1 (12.2.0-14+deb12u1 Debian:12.15/oldstable [arm64]) []
Inst libc6 (2.36-9+deb12u14 Debian:12.15/oldstable [arm64])
Inst openssl (3.0.22-1~deb12u2 Debian-Security:12/oldstable-security [arm64])
Conf libc6 (2.36-9+deb12u14 Debian:12.15/oldstable [arm64])
W: skipping mounting of proc
`;
  expect(Object.entries(parseSimulation(text))).toEqual([["libc6", "2.36-9+deb12u14"], ["libgcc-s1", "12.2.0-14+deb12u1"], ["openssl", "3.0.22-1~deb12u2"]]);
  expect(parseSimulation("E: Unable to locate package")).toEqual({});
});
