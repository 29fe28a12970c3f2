import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { testStack } from "../shared/stack.ts";
import { SSHD, sshdInstalled, startSshd } from "./sshd.ts";

test.skipIf(!sshdInstalled)(
  `remote resources through the engine (needs ${SSHD}, Debian package openssh-server)`,
  async () => {
    await using server = await startSshd();
    const { connection } = server;
    let text = "one";
    let program = (dir: string): Record<string, unknown> | void => {
      const file = new remote.CopyToRemote("file", {
        connection,
        source: new pulumi.asset.StringAsset(text),
        remotePath: join(dir, "folder", "file"),
      });
      const command = new remote.Command(
        "command",
        {
          connection,
          create: "sh -s",
          stdin: pulumi.interpolate`cat ${file.remotePath}`,
          delete: `echo gone > ${join(dir, "deleted")}`,
          triggers: [text],
        },
        { dependsOn: file },
      );
      return { said: command.stdout };
    };
    await using subject = await testStack(async () => program(subject.dir));
    await subject.stack.preview();
    expect((await subject.stack.up()).outputs["said"]).toEqual({ value: "one", secret: false });
    expect((await subject.stack.up()).summary.resourceChanges).toEqual({ same: 3 });
    expect(await subject.storedState()).not.toContain("PRIVATE KEY");

    text = "two";
    const changed = await subject.stack.up();
    expect(changed.summary.resourceChanges).toEqual({ same: 1, update: 1, replace: 1 });
    expect(changed.outputs["said"]?.value).toBe("two");

    program = () => {};
    await subject.stack.up();
    expect(await readFile(join(subject.dir, "deleted"), "utf8")).toBe("gone\n");
    await subject.stack.destroy();
  },
  600_000,
);
