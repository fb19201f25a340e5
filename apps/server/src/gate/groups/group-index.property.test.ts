import { Command, typingPush } from '@fastim/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../../../scripts/test-scale.ts';
import type { GroupPacket } from '../../cluster/contract.ts';
import { ASK_AGAIN_MS, TICK_MS } from '../gate-limits.ts';
import { GROUP, type GroupClient, GroupHarness, groupPacket } from '../testing/group-harness.ts';

const USERS = 3;

/** What really happened in the group: each conv_seq is a message, or somebody's coming or going. */
class History {
  head = 0;
  #removalsSeq = 0;
  /** For each user the conv_seqs of coming and going, by turns. */
  readonly #turns = new Map<bigint, number[]>();
  readonly packets: GroupPacket[] = [];

  constructor() {
    for (let user = 1n; user <= USERS; user += 1n) this.#turns.set(user, []);
    this.move(1n);
  }

  isMember(user: bigint, at = this.head): boolean {
    return this.#turns.get(user)!.filter((turn) => turn <= at).length % 2 === 1;
  }

  /** At any time from then on. */
  wasMemberFrom(user: bigint, from: number): boolean {
    for (let at = from; at <= this.head; at += 1) if (this.isMember(user, at)) return true;
    return false;
  }

  get removalsSeq(): number {
    return this.#removalsSeq;
  }

  message(): void {
    this.head += 1;
    this.packets.push(groupPacket(this.head, { removalsSeq: this.#removalsSeq }));
  }

  /** In, or out. */
  move(user: bigint): void {
    const leaves = this.isMember(user);
    this.head += 1;
    this.#turns.get(user)!.push(this.head);
    if (leaves) this.#removalsSeq = this.head;
    this.packets.push(groupPacket(this.head, { removalsSeq: this.#removalsSeq, removed: leaves ? [user] : [] }));
  }
}

interface Follow {
  readonly client: GroupClient;
  readonly asOfSeq: number;
}

const someClient = fc.nat({ max: USERS - 1 });
const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ do: 'message' } as const) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('move' as const), user: fc.integer({ min: 1, max: USERS }) }) },
  /** One of the packets that are under way arrives: the oldest, or any. */
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('arrive' as const), which: fc.oneof(fc.constant(0), fc.nat()) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('lose' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('repeat' as const), which: fc.nat() }) },
  /** The storage is read for a connection; what it says arrives at once, or later. */
  { weight: 4, arbitrary: fc.record({ do: fc.constant('read' as const), client: someClient, late: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('follow' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('look away' as const), client: someClient }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reconnect' as const), client: someClient }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('confirm' as const), which: fc.nat() }) },
  /** By somebody whose membership was read just now, or some conv_seqs ago. */
  { weight: 3, arbitrary: fc.record({ do: fc.constant('signal' as const), ago: fc.nat({ max: 3 }) }) },
  { weight: 3, arbitrary: fc.constant({ do: 'tick' } as const) },
  { weight: 2, arbitrary: fc.constant({ do: 'calm' } as const) },
);

function take<T>(list: T[], which: number): T | undefined {
  return list.length === 0 ? undefined : list.splice(which % list.length, 1)[0];
}

describe('whatever is lost, repeated, late or out of order', () => {
  it('nobody who is out gets anything of it, and in the end everybody who is in knows the newest head', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 100, size: 'max' }), async (steps) => {
        const gate = await new GroupHarness().start();
        const history = new History();
        const under = { packets: [] as GroupPacket[], follows: [] as Follow[], questions: [] as bigint[][] };
        const clients: GroupClient[] = [];
        // Everybody looks at the conversation: a body is the more telling thing to get by mistake.
        const connect = (user: bigint) => {
          const client = gate.connect(user);
          gate.view(client);
          return client;
        };
        for (let user = 1n; user <= USERS; user += 1n) clients.push(connect(user));
        let announced = 0;

        const announce = () => {
          under.packets.push(...history.packets.slice(announced));
          announced = history.packets.length;
        };
        const check = () => {
          for (const client of clients) {
            for (const told of client.told()) {
              const [what, convSeq] = told.split(' ') as [string, string];
              // A head is a number: that of a time before somebody came in says nothing. A signal is of a moment since then.
              const from = Number(convSeq);
              const allowed =
                what !== 'body' ? history.wasMemberFrom(client.userId, from) : history.isMember(client.userId, from);
              if (!allowed) throw new Error(`user ${client.userId} was told ${told}`);
            }
          }
        };
        const tick = () => {
          gate.tick();
          check();
          under.questions.push(...gate.logic.stale.splice(0).map(({ userIds }) => [...userIds]));
        };
        const read = (client: GroupClient) => {
          if (!history.isMember(client.userId)) return;
          // Drops out of the view when it is removed; who comes back opens it again.
          gate.view(client);
          under.follows.push({ client, asOfSeq: history.head });
        };
        const answer = (question: bigint[] | undefined) => {
          if (!question) return;
          const members = question.filter((user) => history.isMember(user));
          gate.gate.confirm(GROUP, members, history.head);
        };
        const signal = (asOfSeq: number) => {
          // Who types is the conv_seq, so that it can be told later.
          const piece = typingPush.encode({ typing: [{ conversationId: GROUP, userId: BigInt(asOfSeq) }] });
          const { typingPush: cmd } = Command;
          gate.gate.signal({
            conversationId: GROUP,
            asOfSeq,
            viewersOnly: false,
            exceptUser: 0n,
            cmd,
            piece,
            logId: 0,
          });
        };
        const follow = (one: Follow | undefined) => {
          if (one) gate.follow(one.client, one.asOfSeq);
        };

        for (const one of steps) {
          switch (one.do) {
            case 'message':
              history.message();
              announce();
              break;
            case 'move':
              history.move(BigInt(one.user));
              announce();
              break;
            case 'arrive': {
              const packet = take(under.packets, one.which);
              if (packet) gate.gate.group(packet);
              break;
            }
            case 'lose':
              take(under.packets, one.which);
              break;
            case 'repeat':
              if (announced > 0) gate.gate.group(history.packets[one.which % announced]!);
              break;
            case 'read':
              read(clients[one.client]!);
              if (!one.late) follow(under.follows.pop());
              break;
            case 'follow':
              follow(take(under.follows, one.which));
              break;
            case 'look away':
              gate.lookAway(clients[one.client]!);
              break;
            case 'reconnect': {
              const before = clients[one.client]!;
              before.socket.close();
              clients[one.client] = connect(before.userId);
              break;
            }
            case 'confirm':
              answer(take(under.questions, one.which));
              break;
            case 'signal':
              signal(Math.max(1, history.head - one.ago));
              break;
            case 'tick':
              tick();
              break;
            case 'calm':
              gate.calm();
              tick();
          }
          if (one.do === 'move') tick();
        }

        // What is under way arrives; then each member's heartbeat names the group, and one more message comes.
        for (const packet of under.packets.splice(0)) gate.gate.group(packet);
        for (const one of under.follows.splice(0)) follow(one);
        tick();
        gate.clock.advance(ASK_AGAIN_MS + TICK_MS);
        tick();
        for (const client of clients) read(client);
        for (const one of under.follows.splice(0)) follow(one);
        history.message();
        for (const client of clients) client.news();
        gate.gate.group(history.packets.at(-1)!);
        for (let round = 0; round < 3; round += 1) {
          gate.calm();
          for (const { userIds } of gate.logic.stale.splice(0)) answer([...userIds]);
        }
        for (const client of clients) {
          const newest = Math.max(0, ...client.told().map((told) => Number(told.split(' ')[1])));
          expect([client.userId, newest]).toEqual([client.userId, history.isMember(client.userId) ? history.head : 0]);
        }
        await gate.stop();
      }),
      { numRuns: runs(400) },
    );
  });
});
