import { readFileSync } from "node:fs";
import { join } from "node:path";
import { quote } from "../../shell/quote.ts";

/** A file that a host is given. */
export interface SetupFile {
  /** Absolute path. */
  path: string;
  content: string;
  /** Permission bits; 0644 when omitted. */
  mode?: number;
}

/** A systemd unit that a host runs (systemd.service(5)). */
export interface SetupUnit {
  /** With its suffix, e.g. `kubelet.service`. */
  name: string;
  description: string;
  /** `oneshot` units stay active after their command; `notify` units are started when they say so. */
  type: "notify" | "exec" | "oneshot";
  /** Units that must be up before. */
  after?: string[];
  /** The command: its program by absolute path, and its arguments as they are (no shell). */
  exec: string[];
  environment?: Record<string, string>;
  restart?: "always";
  /** `process` leaves the unit's children alone when it is stopped. */
  killMode?: "process";
  /** Whether the unit manages cgroups below its own. */
  delegate?: boolean;
  /** What else it is made of, e.g. a digest of its binaries: a change restarts it. */
  version?: string;
}

/** What one set-up puts on a host. */
export interface Setup {
  /** Unique on the host. */
  name: string;
  /** Of the host, see `Host`. */
  incarnation: string;
  /** Debian packages, installed where missing. */
  packages: string[];
  files: SetupFile[];
  /** Absolute paths of directories whose content is not of this set-up; it goes when they are taken back. */
  directories: string[];
  units: SetupUnit[];
  /** Kernel parameters by their dotted names. */
  sysctls: Record<string, string>;
  /** Shell commands that take back what the units leave besides all this, once they have stopped; they may find it gone already. */
  undo?: string;
  /** What must succeed before the set-up counts as done. */
  check?: SetupCheck;
}

/** A shell command that is tried until it succeeds. */
export interface SetupCheck {
  /** What it waits for, in words: it is part of the error. */
  description: string;
  command: string;
  /** How long it is tried. */
  seconds: number;
}

/** The text of a unit file. Pure. */
export function renderUnit(unit: SetupUnit): string {
  const after = unit.after ?? [];
  const lines = [
    "[Unit]",
    `Description=${unit.description}`,
    ...(after.length > 0 ? [`After=${after.join(" ")}`, `Wants=${after.join(" ")}`] : []),
    ...(unit.restart ? ["StartLimitIntervalSec=0"] : []),
    ...(unit.version === undefined ? [] : [`X-Peak-Version=${unit.version}`]),
    "",
    "[Service]",
    `Type=${unit.type}`,
    ...(unit.type === "oneshot" ? ["RemainAfterExit=yes"] : []),
    ...Object.entries(unit.environment ?? {}).map(([name, value]) => `Environment=${word(`${name}=${value}`)}`),
    `ExecStart=${unit.exec.map(word).join(" ")}`,
    ...(unit.restart ? [`Restart=${unit.restart}`, "RestartSec=1"] : []),
    ...(unit.killMode ? [`KillMode=${unit.killMode}`] : []),
    ...(unit.delegate ? ["Delegate=yes"] : []),
    ...(unit.restart ? ["LimitNOFILE=1048576", "TasksMax=infinity"] : []),
    "",
    "[Install]",
    "WantedBy=multi-user.target",
    "",
  ];
  return lines.join("\n");
}

/** One word of a systemd command line: quoted, with specifiers and variables taken literally. */
function word(text: string): string {
  const literal = text.replaceAll("\\", "\\\\").replaceAll("%", "%%").replaceAll("$", "$$$$").replaceAll('"', '\\"');
  return /^[\w@+,./:=[\]%~-]+$/.test(literal) ? literal : `"${literal}"`;
}

/** Where a host keeps what it knows of its set-ups. */
export const records = "/var/lib/peak-setups";

/** What both scripts are made of. */
const functions = readFileSync(join(import.meta.dirname, "host-setup.sh"), "utf8");

/** The lists of a record: what a set-up consists of, a line each. */
type List = "units" | "files" | "directories" | "packages";

/**
 * The script that brings a host to the state that the set-up describes, whatever it finds; pure. It changes only what differs,
 * restarts the units when one of their files did, and removes what an earlier version of the set-up had put there.
 */
export function renderInstall(setup: Setup): string {
  const sysctls = Object.entries(setup.sysctls);
  const sysctlPath = `/etc/sysctl.d/60-${setup.name}.conf`;
  const files = [
    ...setup.files,
    ...(sysctls.length > 0 ? [{ path: sysctlPath, content: sysctls.map(([key, value]) => `${key} = ${value}\n`).join("") }] : []),
  ];
  const unitFiles = setup.units.map((unit) => ({ path: unitPath(unit.name), content: renderUnit(unit) }));
  const units = setup.units.map((unit) => unit.name);
  const paths = [...files, ...unitFiles].map((file) => file.path);
  const lists: Record<List, string[]> = { units, files: paths, directories: setup.directories, packages: setup.packages };
  const put = ({ path, content, mode = 0o644 }: SetupFile) => `put ${quote(path)} ${mode.toString(8).padStart(4, "0")} ${quote(content)}`;
  const each = <T>(items: T[], line: (item: T) => string) => items.map(line).join("\n") || ":";
  const discard = (list: List, drop: string) => `discard ${list} ${drop} ${quote(lists[list].join("\n"))}`;

  return `set -eu
# The disk that this is for: ${setup.incarnation}
${functions}
record=$records/${quote(setup.name)}
put() { # PATH MODE CONTENT: when the file is not that already, $owed are to be restarted, in this run or, if that is killed, in the next
  make_directory "\${1%/*}"
  (umask 077 && printf %s "$3" > "$1.peak-new")
  chmod "$2" "$1.peak-new"
  if cmp -s "$1.peak-new" "$1" && [ ! -L "$1" ]; then chmod "$2" "$1"; rm "$1.peak-new"; return; fi
  for unit in $owed; do listed restart "$unit" || echo "$unit" >> "$record/restart"; done
  mv "$1.peak-new" "$1"
}
fail() { # MESSAGE: with what the units said last
  echo "$1" >&2
  ${each(units, (name) => `journalctl --no-pager --quiet --lines 15 --output cat --unit ${quote(name)} >&2 || :`).replaceAll("\n", "\n  ")}
  exit 1
}
lock
${each(setup.directories, (path) => `refuse_directory ${quote(path)}`)}
mkdir -p "$record"
${discard("units", "drop_unit")}
${discard("files", "drop_file")}
${discard("directories", "drop_directory")}
restore_sysctls ${quote(sysctls.map(([key]) => key).join("\n"))}
${each(paths, (path) => `listed files ${quote(path)} || keep_file ${quote(path)}`)}
${each(Object.entries(lists), ([list, lines]) => `keep_list ${list} ${quote(lines.map((line) => `${line}\n`).join(""))}`)}
printf %s ${quote(setup.undo ?? "")} > "$record/undo"
printf %s ${quote(renderRemoval(setup.name))} > "$record/remove.new"
mv "$record/remove.new" "$record/remove"
remove_created

${setup.packages.length > 0 ? `install_packages ${setup.packages.map(quote).join(" ")}` : ":"}
${each(setup.directories, (path) => `make_directory ${quote(path)}`)}
owed=${quote(units.join(" "))}
${each(files, put)}
${each(sysctls, ([key]) => `keep_sysctl ${quote(key)}`)}
${sysctls.length > 0 ? `sysctl --quiet --load ${quote(sysctlPath)}` : ":"}
restart=
${each(setup.units, (unit) => `owed=${quote(unit.name)}
${put(unitFiles[setup.units.indexOf(unit)]!)}
if listed restart ${quote(unit.name)}; then restart="$restart "${quote(unit.name)}; fi`)}
unlock
if [ "$restart" ]; then systemctl daemon-reload; fi
${each(units, (name) => `systemctl enable --quiet ${quote(name)}`)}
for unit in $restart; do systemctl restart "$unit" || fail "$unit did not start:"; done
rm -f "$record/restart"
${each(units, (name) => `systemctl start ${quote(name)} || fail ${quote(`${name} did not start:`)}`)}
${setup.check ? renderCheck(setup.check) : ":"}
# What could not be removed was said.
[ -z "$failed" ] || exit 1
`;
}

/**
 * The command that takes a set-up off its host again, by the script that was kept there when it was installed; nothing to do is no
 * error, and neither is a removal that was cut short before. Pure.
 */
export function renderRemove(name: string): string {
  return `if [ -e ${records}/${quote(name)}/remove ]; then sh ${records}/${quote(name)}/remove; fi`;
}

/** The script that removes what the record says. */
function renderRemoval(name: string): string {
  return `set -u\n${functions}record=$records/${quote(name)}\nlock\nremove\n`;
}

function unitPath(name: string): string {
  return `/etc/systemd/system/${name}`;
}

function renderCheck({ description, command, seconds }: SetupCheck): string {
  return `deadline=$(($(date +%s) + ${seconds}))
until said=$( { ${command}; } 2>&1 ); do
  [ "$(date +%s)" -lt $deadline ] || fail ${quote(`after ${seconds} s it is still not so that ${description}: `)}"$said"
  sleep 0.3
done`;
}
