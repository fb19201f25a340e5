/** From the text of one message to a checked request, or to the answer that refuses it. Never throws. */
import { z } from 'zod';
import { type CommandName, type CommandParams, commands } from './contract.ts';
import { isLongerThan, MAX_BRIDGE_MESSAGE } from './message-size.ts';

export type CheckedRequest = { [N in CommandName]: { id: number; command: N; params: CommandParams<N> } }[CommandName];

export interface RefusedRequest {
  /** 0: the message has no id that could be read. */
  id: number;
  reason: 'FRAME_TOO_LARGE' | 'BAD_FRAME' | 'UNKNOWN_CMD' | 'BAD_REQUEST';
  message: string;
}

const requestId = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const envelope = z.strictObject({ id: requestId, command: z.string().max(64), params: z.unknown() });
const withId = z.looseObject({ id: requestId });

/** The size is checked before anything is parsed. */
export function readRequest(text: unknown): { request: CheckedRequest } | { refused: RefusedRequest } {
  if (typeof text !== 'string') return refuse(0, 'BAD_FRAME', 'a message is a string');
  if (isLongerThan(text, MAX_BRIDGE_MESSAGE)) {
    return refuse(0, 'FRAME_TOO_LARGE', `a message is at most ${MAX_BRIDGE_MESSAGE} bytes`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse(0, 'BAD_FRAME', 'the message is not JSON');
  }
  const outer = envelope.safeParse(value);
  if (!outer.success) {
    const id = withId.safeParse(value);
    return refuse(id.success ? id.data.id : 0, 'BAD_FRAME', describe(outer.error));
  }
  const { id, command, params } = outer.data;
  if (!isCommandName(command)) return refuse(id, 'UNKNOWN_CMD', 'there is no command of this name');
  const checked = commands[command].params.safeParse(params);
  if (!checked.success) return refuse(id, 'BAD_REQUEST', `${command}: ${describe(checked.error)}`);
  return { request: { id, command, params: checked.data } as CheckedRequest };
}

function refuse(id: number, reason: RefusedRequest['reason'], message: string): { refused: RefusedRequest } {
  return { refused: { id, reason, message } };
}

function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(commands, name);
}

/** Says where and which rule, never the value: arguments can be passwords or messages. */
function describe(error: z.ZodError): string {
  return error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.join('.') || 'the message'}: ${issue.code}`)
    .join('; ');
}
