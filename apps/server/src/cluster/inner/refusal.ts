/** Why one node does not link with another. The words are for operators, in logs and in the admin list. */
export type RefusalCode =
  /** It does not know the cluster's secret. */
  | 'secret'
  | 'version'
  /** Its clock is too far off. */
  | 'clock'
  | 'role'
  /** Its id belongs to somebody else. */
  | 'taken'
  /** Who answers at this address is not who was looked for: it was started anew there. Nothing is wrong. */
  | 'another'
  /** It does not speak this protocol. */
  | 'protocol'
  | 'timeout';

export interface Refusal {
  readonly code: RefusalCode;
  readonly reason: string;
}
