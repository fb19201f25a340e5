import {
  type ChangeGroupRequest,
  type ChangeGroupResponse,
  type Codec,
  Command,
  changeGroupRequest,
  changeGroupResponse,
  type ErrorName,
  type HistoryRequest,
  type HistoryResponse,
  historyRequest,
  historyResponse,
  joinRequest,
  joinResponse,
  makeLinkRequest,
  makeLinkResponse,
} from '@fastim/protocol';
import type { LogicHarness, TestConnection } from './logic-harness.ts';

type Asking = Pick<LogicHarness, 'settle' | 'nextClientMsgId'>;

/** Asks, and reads the answer once all is quiet. */
export async function ask<T>(
  harness: Asking,
  connection: TestConnection,
  cmd: number,
  data: Uint8Array,
  codec: Codec<T>,
): Promise<T> {
  const sequenceId = connection.request(cmd, data);
  await harness.settle();
  return connection.read(sequenceId, codec);
}

/** The name of the error that the request is answered with; undefined: OK. */
export async function refusalOf(
  harness: Asking,
  connection: TestConnection,
  cmd: number,
  data: Uint8Array,
): Promise<ErrorName | undefined> {
  const sequenceId = connection.request(cmd, data);
  await harness.settle();
  return connection.refusal(sequenceId);
}

export function changeData(
  harness: Asking,
  conversationId: bigint,
  change: number,
  more: Partial<ChangeGroupRequest> = {},
): Uint8Array {
  const clientMsgId = harness.nextClientMsgId();
  return changeGroupRequest.encode({ clientMsgId, conversationId, change, userIds: [], text: '', number: 0, ...more });
}

export function change(
  harness: Asking,
  connection: TestConnection,
  conversationId: bigint,
  what: number,
  more: Partial<ChangeGroupRequest> = {},
): Promise<ChangeGroupResponse> {
  const data = changeData(harness, conversationId, what, more);
  return ask(harness, connection, Command.changeGroup, data, changeGroupResponse);
}

export function history(
  harness: Asking,
  connection: TestConnection,
  conversationId: bigint,
  more: Partial<HistoryRequest> = {},
): Promise<HistoryResponse> {
  const request = { conversationId, fromSeq: 1, toSeq: 0, limit: 100, newestFirst: false, ...more };
  return ask(harness, connection, Command.history, historyRequest.encode(request), historyResponse);
}

export async function linkTo(
  harness: Asking,
  connection: TestConnection,
  conversationId: bigint,
  more: { expiresMs?: number; maxUses?: number } = {},
): Promise<string> {
  const clientMsgId = harness.nextClientMsgId();
  const data = makeLinkRequest.encode({ clientMsgId, conversationId, expiresMs: 0, maxUses: 0, ...more });
  return (await ask(harness, connection, Command.makeLink, data, makeLinkResponse)).link!.token;
}

export function join(harness: Asking, connection: TestConnection, token: string) {
  const data = joinRequest.encode({ clientMsgId: harness.nextClientMsgId(), token });
  return ask(harness, connection, Command.join, data, joinResponse);
}
