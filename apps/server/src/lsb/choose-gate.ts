/** A gate as the chooser sees it. */
export interface GateCandidate {
  readonly gateId: string;
  readonly connections: number;
  /** Clients that were sent there and have not arrived yet. */
  readonly reservations: number;
  /** False while it starts or drains. */
  readonly accepting: boolean;
}

/** Who asks. */
export interface GateQuestion {
  readonly userId: bigint;
  /** "name/semver". */
  readonly clientVersion: string;
}

export interface GateChoice {
  /** Best first; the client tries them in this order. Empty: none takes clients now. */
  readonly gateIds: readonly string[];
  /** How long the client waits before it connects: more than 0 when too many come at once. */
  readonly delayMs: number;
}

/** A rule for which gate a client gets. Pure: what it needs to know is in its arguments. */
export type GatePolicy = (candidates: readonly GateCandidate[], question: GateQuestion) => GateChoice;

const MAX_ANSWERS = 3;

/** Every gate that takes clients, the emptiest first: right for one gate, and for a few that report in real time. */
export const emptiestFirst: GatePolicy = (candidates) => ({
  gateIds: candidates
    .filter((gate) => gate.accepting)
    .toSorted((left, right) => left.connections + left.reservations - (right.connections + right.reservations))
    .slice(0, MAX_ANSWERS)
    .map((gate) => gate.gateId),
  delayMs: 0,
});
