import type { Logger } from 'pino';
import type { TraceRing } from '../observe/trace-ring.ts';
import type { ClusterBus, ClusterQuestion, RegistrySelf } from '../registry/contract.ts';
import type { AdminStorage } from './admin-storage.ts';
import type { KickAnswer, MessageAnswer } from './answers.ts';

/** A gate of this process, as far as an operator asks about it. */
export interface GateView {
  readonly gateId: string;
  load(): { readonly connections: number };
  list(query: {
    userId?: bigint;
    limit: number;
  }): ReadonlyArray<{ readonly connectionId: number; readonly userId: string | null }>;
}

export interface AnswerQuestionsOptions {
  readonly self: RegistrySelf;
  readonly bus: Pick<ClusterBus, 'subscribe' | 'reply'>;
  readonly gate?: GateView | undefined;
  readonly storage?: AdminStorage | undefined;
  readonly trace: TraceRing;
  readonly logger: Logger;
}

const MAX_ENTRIES = 1_000;

/**
 * Every process answers what it knows of: gates who is connected, all what they noted of a message, one that has a
 * storage what it is told to do there. Returns how to end that.
 */
export function answerQuestions(options: AnswerQuestionsOptions): () => void {
  const { self, bus, logger } = options;
  return bus.subscribe((event) => {
    if (event.type !== 'ask') return;
    find(event.question, options).then(
      (found) => {
        if (found !== undefined) bus.reply(event.askId, { ...self, found });
      },
      (error: unknown) => logger.error({ err: error, about: event.question.about }, 'a question was not answered'),
    );
  });
}

/** Undefined: it is not for this node. */
async function find(question: ClusterQuestion, options: AnswerQuestionsOptions): Promise<unknown> {
  const { self, gate, storage, trace } = options;
  switch (question.about) {
    case 'connections': {
      if (!gate || (question.gateId !== null && question.gateId !== gate.gateId)) return undefined;
      const query = question.userId === null ? {} : { userId: BigInt(question.userId) };
      return {
        gateId: gate.gateId,
        total: gate.load().connections,
        connections: gate.list({ ...query, limit: question.limit }),
      };
    }
    case 'message':
      return whatIsKnown(question, trace, storage);
    case 'user':
      if (question.nodeId !== self.nodeId) return undefined;
      return { userId: (await storage?.userNamed(question.username)) ?? null };
    case 'kick':
      if (question.nodeId !== self.nodeId) return undefined;
      return kick(question, options);
  }
}

async function whatIsKnown(
  question: { logId: number | null; msgId: string | null },
  trace: TraceRing,
  storage: AdminStorage | undefined,
): Promise<MessageAnswer> {
  const entries = [...trace.find(question, MAX_ENTRIES)];
  // Where it was stored, the storage knows how far those are who are to get it.
  const stored = entries.find((entry) => entry.conversationId !== undefined && Number(entry.convSeq) > 0);
  if (!storage || !stored) return { entries, stored: null };
  return { entries, stored: await storage.message(BigInt(String(stored.conversationId)), Number(stored.convSeq)) };
}

async function kick(
  question: { userId: string; deviceId: string | null },
  { storage, logger }: AnswerQuestionsOptions,
): Promise<KickAnswer> {
  if (!storage) return { sessionIds: [], error: 'this node has no storage' };
  try {
    return { sessionIds: await storage.kick(BigInt(question.userId), question.deviceId), error: null };
  } catch (error) {
    logger.error({ err: error, userId: question.userId }, 'sessions could not be ended');
    return { sessionIds: [], error: 'the storage could not end them all; it may be tried again' };
  }
}
