import { Command } from "commander";
export function test(): Command { return new Command("test"); }
