/** A value or the reason why there is none; faults travel as values, never as exceptions, past a door. */
export type Result<T, E = Fault> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

/** What went wrong: a stable code for the program, one sentence for people. */
export interface Fault {
  readonly code: string;
  readonly message: string;
}

export const good = <T>(value: T): Result<T, never> => ({ ok: true, value });

export const bad = <E>(error: E): Result<never, E> => ({ ok: false, error });
