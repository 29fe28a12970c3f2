import { Command, CommanderError } from "commander";
import { describe, expect, test } from "vitest";
import { program } from "./program.ts";
import { stackNames, stackOf, stackOption, takeStack } from "./stacks.ts";

test("local is the first of the stacks", () => expect(stackNames()).toEqual(["local", "minikube", "pi-testbed"]));

/** A command that passes words on, below one that takes `--stack` as well. */
function passing(): Command {
  const command = new Command("kubectl").addOption(stackOption()).configureOutput({ writeErr: () => {} }).exitOverride();
  new Command("peak").addOption(stackOption()).addCommand(command);
  return command;
}

test.each(program().commands.map((command) => [command.name(), command]))("%s takes --stack", (_, command) =>
  expect(command.options.map(({ long }) => long)).toContain("--stack"),
);

describe("--stack among words that are passed on", () => {
  test.each([
    ["anywhere", "get pods", "local", "get pods"],
    ["anywhere", "--stack minikube get pods", "minikube", "get pods"],
    ["anywhere", "-n echo get --stack=minikube pods", "minikube", "-n echo get pods"],
    ["anywhere", "exec x --stack minikube -- y --stack z", "minikube", "exec x -- y --stack z"],
    ["first", "ls --stack minikube", "local", "ls --stack minikube"],
    ["first", "--stack minikube ls --stack x", "minikube", "ls --stack x"],
    ["first", "-- --stack x", "local", "-- --stack x"],
  ] as const)("%s: %s", (where, words, stack, rest) => {
    const command = passing();
    expect(takeStack(command, words.split(" "), where)).toEqual(rest.split(" "));
    expect(stackOf(command)).toBe(stack);
  });

  test.each(["-s minikube stack export", "stack export -s=minikube", "stack -sminikube export", "stack export --stack minikube"])(
    "that has a short form there: %s",
    (words) => {
      const command = passing();
      expect(takeStack(command, words.split(" "), "anywhere", true)).toEqual(["stack", "export"]);
      expect(stackOf(command)).toBe("minikube");
    },
  );

  test.each([
    ["--stack nowhere get pods", "option '--stack <name>' argument 'nowhere' is invalid. Allowed choices are local, minikube, pi-testbed."],
    ["get pods --stack=", "argument '' is invalid"],
    ["get pods --stack", "option '--stack <name>' argument missing"],
  ])("%s is refused", (words, message) => {
    const take = () => takeStack(passing(), words.split(" "), "anywhere");
    expect(take).toThrow(CommanderError);
    expect(take).toThrow(message);
  });

  test("what stands after the command counts more", () => {
    const command = passing();
    command.parent?.setOptionValue("stack", "pi-testbed");
    expect(stackOf(command)).toBe("pi-testbed");
    takeStack(command, ["--stack", "minikube"], "first");
    expect(stackOf(command)).toBe("minikube");
  });
});
