import type { DeviceOptions, Place } from './device.ts';

/** What a driver process can be asked for. */
export interface DriverCalls {
  open: { params: DeviceOptions; result: { userId: string } };
  makeDirect: { params: { device: number; userId: string }; result: { conversationId: string } };
  makeGroup: {
    params: { device: number; name: string; userIds: readonly string[] };
    result: { conversationId: string };
  };
  begin: { params: { device: number; places: readonly Place[]; perSecond: number }; result: object };
  /** No new messages from now on. */
  end: { params: object; result: object };
  states: { params: object; result: DeviceState[] };
  heads: { params: object; result: Array<{ device: number; heads: Head[] }> };
  /** Writes a View for each conversation into the file. */
  read: { params: { device: number; places: readonly Place[]; file: string }; result: { changing: number } };
  readFresh: {
    params: { options: DeviceOptions; places: readonly Place[]; file: string };
    result: { changing: number };
  };
  close: { params: object; result: object };
}

export interface DeviceState {
  readonly device: number;
  readonly online: boolean;
  readonly unacked: number;
  readonly ended: string | undefined;
}

export interface Head {
  readonly conversationId: string;
  readonly headSeq: number;
  readonly readSeq: number;
  readonly unread: number;
  /** Own messages that are only on the device. */
  readonly unsent: number;
}

export interface DriverCall {
  readonly id: number;
  readonly call: keyof DriverCalls;
  readonly params: unknown;
}

export interface DriverAnswer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}
