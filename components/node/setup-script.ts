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
  /** Debian packages, installed where missing. */
  packages: string[];
  files: SetupFile[];
  /** Absolute paths of directories whose content is not of this set-up; it goes when they are taken back. */
  directories: string[];
  units: SetupUnit[];
  /** Kernel parameters by their dotted names. */
  sysctls: Record<string, string>;
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

/** Where a host keeps what it knows of a set-up. */
const records = "/var/lib/peak-setups";

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
  const paths = [...files, ...unitFiles].map((file) => file.path);
  const units = setup.units.map((unit) => unit.name);
  const put = ({ path, content, mode = 0o644 }: SetupFile) => `put ${quote(path)} ${mode.toString(8).padStart(4, "0")} ${quote(content)}`;

  return `set -eu
changed=
put() { # PATH MODE CONTENT: sets changed when the file was not that already
  mkdir -p "\${1%/*}"
  (umask 077 && printf %s "$3" > "$1.peak-new")
  chmod "$2" "$1.peak-new"
  if cmp -s "$1.peak-new" "$1"; then chmod "$2" "$1"; rm "$1.peak-new"; else mv "$1.peak-new" "$1"; changed=1; fi
}
fail() { # MESSAGE: with what the units said last
  echo "$1" >&2
  ${units.map((name) => `journalctl --no-pager --quiet --lines 15 --output cat --unit ${quote(name)} >&2 || :`).join("\n  ") || ":"}
  exit 1
}
record=${records}/${quote(setup.name)}
mkdir -p "$record"
${setup.packages.length > 0 ? renderPackages(setup.packages) : ":"}

touch "$record/units" "$record/files" "$record/directories"
for unit in $(cat "$record/units"); do
  case ${quote(` ${units.join(" ")} `)} in *" $unit "*) ;; *) systemctl disable --now --quiet "$unit" || : ;; esac
done
while read -r path; do
  case ${quote(`\n${paths.join("\n")}\n`)} in *"
$path
"*) ;; *) rm -f "$path" ;; esac
done < "$record/files"
while read -r path; do
  case ${quote(`\n${setup.directories.join("\n")}\n`)} in *"
$path
"*) ;; *) rm -rf "$path" ;; esac
done < "$record/directories"
printf '%s\\n' ${paths.map(quote).join(" ")} > "$record/files"
printf '%s\\n' ${setup.directories.map(quote).join(" ")} > "$record/directories"
echo ${quote(units.join(" "))} > "$record/units"

${setup.directories.map((path) => `mkdir -p ${quote(path)}`).join("\n") || ":"}
${files.map(put).join("\n")}
${sysctls.length > 0 ? `sysctl --quiet --load ${quote(sysctlPath)}` : ":"}
files_changed=$changed
restart=
${setup.units.map((unit, index) => `changed=
${put(unitFiles[index]!)}
if [ "$files_changed$changed" ]; then restart="$restart "${quote(unit.name)}; fi`).join("\n")}
if [ "$restart" ]; then systemctl daemon-reload; fi
${units.map((name) => `systemctl enable --quiet ${quote(name)}`).join("\n") || ":"}
for unit in $restart; do systemctl restart "$unit" || fail "$unit did not start:"; done
${units.map((name) => `systemctl start ${quote(name)} || fail ${quote(`${name} did not start:`)}`).join("\n") || ":"}
${setup.check ? renderCheck(setup.check) : ":"}
`;
}

/** The command that takes a set-up off its host again; nothing to do is no error. Pure. */
export function renderRemove(name: string): string {
  const record = `${records}/${quote(name)}`;
  return `if [ -d ${record} ]; then
  for unit in $(cat ${record}/units); do systemctl disable --now --quiet "$unit" || :; done
  while read -r path; do rm -f "$path"; done < ${record}/files
  while read -r path; do rm -rf "$path"; done < ${record}/directories
  systemctl daemon-reload
  rm -r ${record}
fi`;
}

function unitPath(name: string): string {
  return `/etc/systemd/system/${name}`;
}

function renderPackages(packages: string[]): string {
  return `missing=
for package in ${packages.map(quote).join(" ")}; do
  dpkg-query --show --showformat='\${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ "$missing" ]; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update && apt-get -qq install --no-install-recommends $missing || fail "cannot install$missing"
fi`;
}

function renderCheck({ description, command, seconds }: SetupCheck): string {
  return `deadline=$(($(date +%s) + ${seconds}))
until said=$( { ${command}; } 2>&1 ); do
  [ "$(date +%s)" -lt $deadline ] || fail ${quote(`after ${seconds} s it is still not so that ${description}: `)}"$said"
  sleep 0.3
done`;
}
