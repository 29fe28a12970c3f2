/** A source cannot provide what was asked for, so the next one is tried. Every other error ends the attempt. */
export class Unavailable extends Error {
  override name = "Unavailable";
}
