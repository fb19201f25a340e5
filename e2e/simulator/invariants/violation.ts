/** A broken promise, by its number in the design (I1–I11), and what showed it. */
export interface Violation {
  readonly invariant: string;
  readonly message: string;
  readonly atMs: number;
}

/** Thrown where going on makes no sense: the first violation of a run is the one that tells something. */
export class ViolationFound extends Error {
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.name = 'ViolationFound';
    this.invariant = invariant;
  }
}
