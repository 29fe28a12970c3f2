import { Command } from "commander";
export function doctor(): Command { return new Command("doctor"); }
