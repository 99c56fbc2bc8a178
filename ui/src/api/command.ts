import type { ErrorCode, ErrorReport } from "../bindings";

/** What a command answers: the shape that the bindings give to every fallible command. */
type CommandResult<T> = { status: "ok"; data: T } | { status: "error"; error: ErrorReport };

/** A command that failed; carries everything the backend said about it. */
export class CommandFailure extends Error {
  readonly error: ErrorReport;

  constructor(error: ErrorReport) {
    super(error.message);
    this.name = "CommandFailure";
    this.error = error;
  }

  get code(): ErrorCode {
    return this.error.code;
  }
}

/** Turns a command's answer into its value, or throws a `CommandFailure`. */
export async function unwrap<T>(answer: Promise<CommandResult<T>>): Promise<T> {
  const result = await answer;
  if (result.status === "error") throw new CommandFailure(result.error);
  return result.data;
}

/** The command error in anything thrown: queries and mutations can also fail below the contract. */
export function toErrorReport(thrown: unknown): ErrorReport {
  if (thrown instanceof CommandFailure) return thrown.error;
  return {
    code: "internal",
    message: "The window got no usable answer from the program.",
    action: "Try again. If it happens again, restart Beamline Registry and look at its log.",
    detail: thrown instanceof Error ? thrown.message : textOf(thrown),
    field: null,
    facts: null,
  };
}

/** An object as JSON: as a text it would be no more than that it is one. */
function textOf(thrown: unknown): string {
  return typeof thrown === "object" ? JSON.stringify(thrown) : String(thrown);
}
