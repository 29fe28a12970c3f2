/** A fault in what the user gave (configuration, zone, command line): the message names the place and the remedy; no stack trace is due. */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** What was asked for rightly and did not come about: the message says why, and what to do; no stack trace is due. */
export class FailureError extends Error {
  override readonly name = "FailureError";
}
