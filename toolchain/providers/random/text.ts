import { shuffled, type Draw } from "./draw.ts";

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const NUMERIC = "0123456789";
const SPECIAL = "!@#$%&*()-_=+[]{}<>:?";

/** What a random text consists of. */
export interface TextRules {
  /** Number of characters. */
  readonly length: number;
  readonly lower: boolean;
  readonly upper: boolean;
  readonly numeric: boolean;
  readonly special: boolean;
  /** The least number of characters of a class. Counts also when the class is switched off for the rest of the text. */
  readonly minLower: number;
  readonly minUpper: number;
  readonly minNumeric: number;
  readonly minSpecial: number;
  /** The special characters to use instead of the default ones. */
  readonly overrideSpecial?: string | undefined;
}

/** What is wrong with the rules, or undefined if a text can follow them. */
export function faultOf(rules: TextRules): string | undefined {
  const least = rules.minLower + rules.minUpper + rules.minNumeric + rules.minSpecial;
  if (rules.length < 1) return "length must be at least 1";
  if (rules.length < least) return `length (${rules.length}) must be at least the sum of the min* inputs (${least})`;
  if (alphabet(rules) === "" && least < rules.length) return "at least one of lower, upper, numeric and special must be true";
  return undefined;
}

/** A random text that follows the rules: the least numbers first, the rest from all classes switched on, then all shuffled. */
export function randomText(rules: TextRules, draw: Draw): string {
  const from = (characters: string, count: number): string[] =>
    Array.from({ length: count }, () => characters.charAt(draw(characters.length)));
  const required = [
    ...from(LOWER, rules.minLower),
    ...from(UPPER, rules.minUpper),
    ...from(NUMERIC, rules.minNumeric),
    ...from(specialOf(rules), rules.minSpecial),
  ];
  return shuffled([...required, ...from(alphabet(rules), rules.length - required.length)], draw).join("");
}

function alphabet(rules: TextRules): string {
  return (rules.lower ? LOWER : "") + (rules.upper ? UPPER : "") + (rules.numeric ? NUMERIC : "") + (rules.special ? specialOf(rules) : "");
}

function specialOf({ overrideSpecial }: TextRules): string {
  return overrideSpecial || SPECIAL;
}
