import type { SteeringSpec } from "../model/domain.ts";
import { mean } from "./capacity.ts";

export type ThresholdSpec = SteeringSpec["threshold"];

/** Load above which a target is overloaded. */
export interface Threshold {
  readonly value: number;
  /** An overloaded target is taken back at this load or below. */
  readonly readmission: number;
  /** How the value came about, for people. */
  readonly how: string;
}

/**
 * @param loads of all targets that have one
 * @param margin of the threshold that re-admission needs: 0.1 is ten per cent
 * @returns undefined when there is nothing to compare with
 */
export function thresholdOf(spec: ThresholdSpec, loads: readonly number[], margin: number): Threshold | undefined {
  if (spec.kind === "absolute") return { value: spec.value, readmission: lessMargin(spec.value, margin), how: "absolute" };
  if (loads.length === 0) return undefined;
  const average = mean(loads);
  const value = spec.factor * average;
  return { value, readmission: lessMargin(value, margin), how: `${spec.factor} x ${short(average)}, the average of ${loads.length}` };
}

/** A value lowered by a share of itself, whatever its sign. */
export const lessMargin = (value: number, margin: number): number => value - Math.abs(value) * margin;

/** A number as people read it. */
export const short = (value: number): string => String(Number(value.toPrecision(4)));
