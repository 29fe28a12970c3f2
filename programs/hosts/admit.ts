import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { quote } from "../../shell/quote.ts";
import { connectionSpec, withSession } from "../ssh.ts";
import { bare, hostKeyFile, hostKeyFiles, keyPair, markedKey, mark, privateText, type KeyPair } from "../ssh-keys.ts";

export const admitSpec = z.object({
  connection: connectionSpec,
  /** All that may log in. */
  operatorKeys: z.array(keyPair).min(1),
  /** All that the SSH server shows, each of another type. */
  hostKeys: z.array(keyPair).min(1),
});
type AdmitSpec = z.infer<typeof admitSpec>;

/** How long one login may take, and how long an SSH server may take to read its keys again. */
const LOGIN_SECONDS = 20;
const RELOAD_SECONDS = 20;

/**
 * Has a host's SSH server accept and show these keys, and none that it was given before, and logs in with each of them. What is not the
 * stack's stays: other lines of authorized_keys, keys of other types.
 * @throws Error when one of the keys is not accepted, or not shown
 */
export async function admit({ connection, operatorKeys, hostKeys }: AdmitSpec): Promise<void> {
  await withSession(connection, LOGIN_SECONDS, ({ run }) => run(renderAdmit(operatorKeys.map((key) => key.public), hostKeys)));
  const deadline = Date.now() + RELOAD_SECONDS * 1000;
  for (const operator of operatorKeys) {
    for (const host of hostKeys) {
      const login = { ...connection, privateKey: operator.private, hostKey: host.public };
      for (;;) {
        try {
          await withSession(login, LOGIN_SECONDS, async () => {});
          break;
        } catch (error) {
          if (Date.now() > deadline) {
            throw new Error(`${(error as Error).message}. It has been given this key: see that its sshd_config does not exclude ${host.public.split(" ")[0]}, ` +
              "names no other HostKey, and has AuthorizedKeysFile as it is by default", { cause: error });
          }
          await sleep(500);
        }
      }
    }
  }
}

/** What brings the keys to a host, whatever it finds; it may be killed at any moment, and run again. Pure. */
export function renderAdmit(operatorKeys: readonly string[], hostKeys: readonly KeyPair[]): string {
  const alone = operatorKeys.length === 1;
  const keys = operatorKeys.map((key) => quote(bare(key)));
  const own = `grep -v ' ${mark}$' "$file"`;
  // As long as there was only ever one key, what a host was given to begin with is left as it is.
  const rewritten = alone
    ? `if ${own} | grep -qF -e ${keys[0]}; then ${own} || :; else ${own} || :; printf '%s\\n' ${quote(markedKey(operatorKeys[0]!))}; fi`
    : `{ ${own} || :; } | grep -vF ${keys.map((key) => `-e ${key}`).join(" ")} || :; printf '%s\\n' ${operatorKeys.map((key) => quote(markedKey(key))).join(" ")}`;
  const shown = hostKeys.map((key) => `show /${hostKeyFile(key.public)} ${quote(privateText(key.private))} ${quote(`${markedKey(key.public)}\n`)}`);
  const hidden = hostKeyFiles.filter((file) => !hostKeys.some((key) => hostKeyFile(key.public) === file)).map((file) => `hide /${file}`);
  return `set -eu
umask 077
put() { # PATH CONTENT
  printf '%s' "$2" > "$1.peak-new"
  mv "$1.peak-new" "$1"
}
# The SSH server reads its keys when it starts. The mark stays until it has: also when this is killed in between.
reload=/run/peak-host-keys
show() { # PATH PRIVATE PUBLIC
  if [ -e "$1" ] && printf '%s' "$2" | cmp -s - "$1" ${hostKeys.length === 1 ? "" : '&& printf \'%s\' "$3" | cmp -s - "$1.pub"'}; then return; fi
  : > $reload
  put "$1" "$2"
  put "$1.pub" "$3"
  chmod 644 "$1.pub"
}
hide() { # PATH
  grep -qs ' ${mark}$' "$1.pub" || return 0
  : > $reload
  rm -f "$1"
  rm "$1.pub"
}
mkdir -p /root/.ssh
file=/root/.ssh/authorized_keys
touch "$file"
{ ${rewritten}; } > "$file.peak-new"
if cmp -s "$file.peak-new" "$file"; then rm "$file.peak-new"; else mv "$file.peak-new" "$file"; fi
${[...shown, ...hidden].join("\n")}
if [ -e $reload ]; then
  systemctl try-reload-or-restart ssh.service
  rm $reload
fi
`;
}
