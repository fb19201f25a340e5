import type { Connection } from '../connection.ts';
import type { Interest } from './interest.ts';
import type { Parcel, ParcelFrame } from './parcel.ts';

/** The groups of one connection. Only connections with groups have one. */
export class Follower {
  readonly connection: Connection;
  /** Of the connection; read for every delivery. */
  readonly id: number;
  readonly userId: bigint;
  readonly interests: Interest[] = [];
  /** The conversation on the connection's screen. */
  viewing: bigint | undefined;
  /** What this tick brought, not yet in the connection's queue. */
  parcel: Parcel | undefined;
  #owed: Set<Interest> | undefined;

  constructor(connection: Connection, userId: bigint) {
    this.connection = connection;
    this.id = connection.id;
    this.userId = userId;
  }

  forget(interest: Interest): void {
    const { interests } = this;
    const at = interests.indexOf(interest);
    if (at < 0) return;
    const last = interests.pop()!;
    if (last !== interest) interests[at] = last;
    if (this.viewing === interest.conversationId) this.viewing = undefined;
    this.#owed?.delete(interest);
  }

  takeParcel(): readonly ParcelFrame[] {
    const frames = this.parcel!.frames();
    this.parcel = undefined;
    return frames;
  }

  // ---- what the client did not read in time ----

  get isOwed(): boolean {
    return this.#owed !== undefined;
  }

  /** The client reads too slowly for this frame: it is told later how far the conversations are, and pulls. */
  owe(frame: ParcelFrame): void {
    for (const interest of frame.interests) {
      this.#owed ??= new Set();
      this.#owed.add(interest);
    }
  }

  /** The conversations whose heads are owed, those only that the connection may still have. */
  takeOwed(): Interest[] {
    const owed = [...(this.#owed ?? [])].filter((interest) => interest.reaches(this));
    this.#owed = undefined;
    return owed;
  }
}
