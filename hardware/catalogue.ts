/** A figure and where it is from, so that who doubts it can look it up. */
export interface Figure {
  value: number;
  source: string;
}

/** Watts that a board takes at its own 5 V, without what its PoE card loses. */
export interface BoardModel {
  kind: "board";
  title: string;
  arch: "amd64" | "arm64";
  /** GiB. */
  memory: number;
  /** The network interface that its cable goes to, as Linux names it. */
  interface: string;
  /** Shut down, but with power. */
  off: Figure;
  idle: Figure;
  typical: Figure;
  /** With all cores busy. */
  worst: Figure;
}

export interface PoeCardModel {
  kind: "poe card";
  title: string;
  /** Models of boards that it fits. */
  fits: readonly string[];
  /** The class that it asks the switch for (IEEE 802.3 clause 33). */
  class: Figure;
  /** Watts that it gives the board at most. */
  output: Figure;
  /** What of the power at the switch's port reaches the board, 0 to 1. */
  efficiency: Figure;
}

export interface StorageModel {
  kind: "storage";
  title: string;
  medium: "microsd";
  /** Decimal gigabytes, as it is sold. */
  gigabytes: number;
  fits: readonly string[];
}

export interface SwitchModel {
  kind: "switch";
  title: string;
  /** Watts for all ports together. */
  budget: Figure;
  /** Ports that give power: from, to (both counted), and watts at most of each. */
  poe: readonly { from: number; to: number; watts: Figure }[];
  /** Ports without power, for the way out. */
  uplinks: readonly number[];
  /** Rows of PoE ports as they are on the front, each from left to right: what the plan draws. */
  front: readonly (readonly number[])[];
}

export type Model = BoardModel | PoeCardModel | StorageModel | SwitchModel;

const documentation = "Raspberry Pi documentation, Power supply, Typical power requirements";
const stepping =
  "hardwareluxx.de 64340, on measurements of J. Geerling: 2.4 W idle and 8.9 W busy (stepping D0), 3.3 W and 9.8 W (C1); the higher ones";
const modes = "help.ui.com 115000263008, PoE availability and modes";

/** A figure from the given source. */
const from =
  (source: string) =>
  (value: number): Figure => ({ value, source });

const raspberryPi5 = (memory: number): BoardModel => ({
  kind: "board",
  title: `Raspberry Pi 5, ${memory} GB`,
  arch: "arm64",
  memory,
  interface: "eth0",
  off: from("u-labs.de, measured after shutdown, with the default of POWER_OFF_ON_HALT")(1.8),
  idle: from(stepping)(3.3),
  typical: from(`${documentation}: 800 mA at 5 V`)(4),
  worst: from(stepping)(9.8),
});

const microSd = (gigabytes: number): StorageModel => ({
  kind: "storage",
  title: `microSD card, ${gigabytes} GB`,
  medium: "microsd",
  gigabytes,
  fits: ["raspberry-pi-5-8gb", "raspberry-pi-5-16gb"],
});

/** What an inventory may name. A model more is an entry more. */
export const catalogue: Readonly<Record<string, Model>> = {
  "raspberry-pi-5-8gb": raspberryPi5(8),
  "raspberry-pi-5-16gb": raspberryPi5(16),
  "poe-hat-f": {
    kind: "poe card",
    title: "Waveshare PoE HAT (F), 802.3af/at, for Raspberry Pi 5",
    fits: ["raspberry-pi-5-8gb", "raspberry-pi-5-16gb"],
    class: from("Waveshare PoE HAT (F): 802.3at, more than 12.95 W")(4),
    output: from("Waveshare PoE HAT (F): 5 V, 4.5 A")(22.5),
    efficiency: from("RAK9003 data sheet, a card of the same kind: 83 % (48 V to 5 V, 5 A); the maker of this one tells none")(0.83),
  },
  "microsd-128gb": microSd(128),
  "microsd-256gb": microSd(256),
  "usw-pro-max-24-poe": {
    kind: "switch",
    title: "Ubiquiti USW-Pro-Max-24-PoE",
    budget: from("the plan of the testbed; not compared with the maker's data sheet yet")(400),
    poe: [
      { from: 1, to: 16, watts: from(`${modes}: PoE+`)(30) },
      { from: 17, to: 24, watts: from(`${modes}: PoE++ (type 3)`)(60) },
    ],
    uplinks: [25, 26],
    front: [
      [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23],
      [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24],
    ],
  },
};

/** Watts that a switch keeps for a port by the class of what hangs there (IEEE 802.3 clauses 33 and 145). */
export const reservedWatts: Readonly<Record<number, number>> = { 0: 15.4, 1: 4, 2: 7, 3: 15.4, 4: 30, 5: 45, 6: 60, 7: 75, 8: 90 };

/** The names of the catalogue's models of one kind, for messages. */
export function modelsOf(kind: Model["kind"]): string[] {
  return Object.keys(catalogue).filter((name) => catalogue[name]!.kind === kind);
}
