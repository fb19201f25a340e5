import { fastim } from '../generated/fastim.js';
import {
  type Codec,
  codec,
  countFromWire,
  countToWire,
  delayToWire,
  idFromWire,
  idToWire,
  numberToWire,
  textToWire,
} from './codec.ts';
import { limited } from './limited.ts';
import { type Status, statusFromWire, statusToWire } from './status.ts';
import { type ConversationState, conversationField, markField, type SyncMark } from './sync.ts';

export interface LoginRequest {
  accessToken: string;
  /** "name/semver". */
  clientVersion: string;
  gateTicket: string;
}

export interface LoginResponse {
  status: Status | undefined;
  userId: bigint;
  deviceId: string;
  epoch: number;
  serverTimeMs: number;
  heartbeatIntervalMs: number;
  heartbeatTimeoutMs: number;
  maxDataLength: number;
  /** Another value than before: the server was restored from a backup, so what is stored here has to be compared. */
  historyEpoch: bigint;
  editWindowMs: number;
  recallWindowMs: number;
}

export interface HeartbeatRequest {
  mark: SyncMark;
}

export interface HeartbeatResponse {
  status: Status | undefined;
  serverTimeMs: number;
  moved: ConversationState[];
  more: boolean;
}

export interface Goodbye {
  closeCode: number;
  reason: string;
  retryAfterMs: number;
}

export interface Reconnect {
  delayMs: number;
}

export const loginRequest: Codec<LoginRequest> = codec(
  fastim.v1.LoginRequest,
  (value) => ({
    accessToken: textToWire(value.accessToken),
    clientVersion: textToWire(value.clientVersion),
    gateTicket: textToWire(value.gateTicket),
  }),
  (wire) => ({
    accessToken: wire.accessToken ?? '',
    clientVersion: wire.clientVersion ?? '',
    gateTicket: wire.gateTicket ?? '',
  }),
);

export const loginResponse: Codec<LoginResponse> = codec(
  fastim.v1.LoginResponse,
  (value) => ({
    ...(value.status && { status: statusToWire(value.status) }),
    userId: idToWire(value.userId),
    deviceId: textToWire(value.deviceId),
    epoch: numberToWire(value.epoch),
    serverTimeMs: countToWire(value.serverTimeMs),
    heartbeatIntervalMs: delayToWire(value.heartbeatIntervalMs),
    heartbeatTimeoutMs: delayToWire(value.heartbeatTimeoutMs),
    maxDataLength: numberToWire(value.maxDataLength),
    historyEpoch: idToWire(value.historyEpoch),
    editWindowMs: countToWire(value.editWindowMs),
    recallWindowMs: countToWire(value.recallWindowMs),
  }),
  (wire) => ({
    status: statusFromWire(wire.status),
    userId: idFromWire(wire.userId),
    deviceId: wire.deviceId ?? '',
    epoch: wire.epoch ?? 0,
    serverTimeMs: countFromWire(wire.serverTimeMs),
    heartbeatIntervalMs: wire.heartbeatIntervalMs ?? 0,
    heartbeatTimeoutMs: wire.heartbeatTimeoutMs ?? 0,
    maxDataLength: wire.maxDataLength ?? 0,
    historyEpoch: idFromWire(wire.historyEpoch),
    editWindowMs: countFromWire(wire.editWindowMs),
    recallWindowMs: countFromWire(wire.recallWindowMs),
  }),
);

export const heartbeatRequest: Codec<HeartbeatRequest> = codec(
  fastim.v1.HeartbeatRequest,
  (value) => ({ mark: markField.toWire(value.mark) as fastim.v1.SyncMark.$Properties }),
  (wire) => ({ mark: markField.fromWire(wire.mark) }),
);

export const heartbeatResponse: Codec<HeartbeatResponse> = codec(
  fastim.v1.HeartbeatResponse,
  (value) => ({
    ...(value.status && { status: statusToWire(value.status) }),
    serverTimeMs: countToWire(value.serverTimeMs),
    moved: value.moved.map((state) => conversationField.toWire(state) as fastim.v1.ConversationState.$Properties),
    more: value.more,
  }),
  (wire) => ({
    status: statusFromWire(wire.status),
    serverTimeMs: countFromWire(wire.serverTimeMs),
    moved: limited(wire.moved).map(conversationField.fromWire),
    more: wire.more ?? false,
  }),
);

export const goodbye: Codec<Goodbye> = codec(
  fastim.v1.Goodbye,
  (value) => ({
    closeCode: numberToWire(value.closeCode),
    reason: textToWire(value.reason),
    retryAfterMs: delayToWire(value.retryAfterMs),
  }),
  (wire) => ({
    closeCode: wire.closeCode ?? 0,
    reason: wire.reason ?? '',
    retryAfterMs: wire.retryAfterMs ?? 0,
  }),
);

export const reconnect: Codec<Reconnect> = codec(
  fastim.v1.Reconnect,
  (value) => ({ delayMs: delayToWire(value.delayMs) }),
  (wire) => ({ delayMs: wire.delayMs ?? 0 }),
);
