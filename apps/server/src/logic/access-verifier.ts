import type { Identity } from '../cluster/contract.ts';

export type AccessOutcome =
  /** The token is good until `expiresAtMs`; a connection made with it may live on until its session ends. */
  | { outcome: 'granted'; identity: Identity; expiresAtMs: number }
  /**
   * unauthenticated: unknown or past its time: refresh it. ended: its session is over for good. unavailable: could not
   * be looked up now; says nothing about the token.
   */
  | { outcome: 'unauthenticated' | 'ended' | 'unavailable' };

/** Who an access token belongs to. Never rejects; takes the same time for every token that is not known. */
export interface AccessVerifier {
  verify(accessToken: string): Promise<AccessOutcome>;
}
