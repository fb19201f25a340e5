import { seededRandom } from '@fastim/core/testing';
import { Command, MsgType } from '@fastim/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../../scripts/test-scale.ts';
import {
  type DeviceProcess,
  type FrameInTransit,
  SERVER_URL,
  type SimulatedDevice,
  textsOf,
  World,
} from './testing/index.ts';

const drain = () => new Promise<void>((resolve) => setImmediate(resolve));

/** One device's way through the test: its processes come and go, its disk stays. */
interface Player {
  device: SimulatedDevice;
  process: DeviceProcess;
  /** Texts whose sendMessage resolved, in order: promised to be on disk. */
  accepted: string[];
}

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('send' as const), who: fc.nat(2), count: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 2_000 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crash' as const), who: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cut' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('outage' as const), ms: fc.integer({ min: 100, max: 40_000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('refuse' as const), ms: fc.integer({ min: 10, max: 5_000 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('read' as const), who: fc.nat(2), seq: fc.integer({ min: 1, max: 40 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('jump' as const), ms: fc.integer({ min: -600_000, max: 600_000 }) }),
  },
);

describe('whatever the network and the machines do', () => {
  // Two devices of alice and one of bob in one conversation.
  it(
    'every device ends with the server’s history: nothing lost, nothing twice, everybody’s own order kept',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer(),
          fc.double({ min: 0, max: 0.3, noNaN: true }),
          fc.array(step, { minLength: 5, maxLength: 40 }),
          run,
        ),
        { numRuns: runs(40) },
      );
    },
    runs(40) * 2_000,
  );
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function run(seed: number, faultRate: number, steps: readonly Step[]): Promise<void> {
  const world = new World(drain, { seed });
  const random = seededRandom(seed);
  const alice = world.server.addUser('alice');
  const bob = world.server.addUser('bob');
  const wireId = world.server.openDirect(alice, bob);
  const conversationId = wireId.toString();
  const players: Player[] = [];
  for (const name of ['alice', 'alice', 'bob']) {
    const { device, ...process } = await world.loggedIn(name);
    players.push({ device, process, accepted: [] });
  }
  world.server.network.fate = (frame) => {
    if (random() >= faultRate) return 'deliver';
    return fateOf(frame, random(), () => world.server.network.cutAll());
  };
  let refuseUntil = 0;
  world.server.refuse = (cmd) =>
    world.clock.now() < refuseUntil && cmd !== Command.login && random() < 0.5
      ? { reason: 'OVERLOADED', retryAfterMs: Math.floor(random() * 1_000) }
      : undefined;

  let written = 0;
  for (const action of steps) {
    const player = 'who' in action ? players[action.who]! : players[0]!;
    switch (action.do) {
      case 'send':
        for (let index = 0; index < action.count; index += 1) {
          written += 1;
          const text = `${'who' in action ? action.who : 0}:${written}`;
          // Not waited for: a crash may come before it is on disk, then it was never promised.
          player.process.client.sendMessage({ conversationId, text }).then(
            () => player.accepted.push(text),
            () => undefined,
          );
        }
        if (random() < 0.7) await drain();
        break;
      case 'wait':
        await world.advance(action.ms, 7);
        break;
      case 'crash':
        player.process.crash();
        await drain();
        player.process = await world.rebooted(player.device);
        break;
      case 'cut':
        world.server.network.cutAll();
        break;
      case 'outage':
        world.server.network.down = true;
        world.server.network.cutAll();
        await world.advance(action.ms, 97);
        world.server.network.down = false;
        break;
      case 'expire':
        world.server.expireAccessTokens();
        break;
      case 'refuse':
        refuseUntil = world.clock.now() + action.ms;
        break;
      case 'read':
        void player.process.client.markRead({ conversationId, convSeq: action.seq }).catch(() => undefined);
        break;
      case 'jump':
        world.clock.jump(action.ms);
        break;
    }
  }

  // The faults end; everything comes together.
  world.server.network.fate = () => 'deliver';
  refuseUntil = 0;
  for (const [index, { process }] of players.entries()) {
    await world.finish(process.client.retryConnection());
    await world.advance(3_000, 50);
    // A crash between the answer to a refresh and its storing, and back only after the grace time: that session is over,
    // and the user logs in again, on what is here.
    if ((await process.client.app()).connection.state !== 'ended') continue;
    const username = index === 2 ? 'bob' : 'alice';
    await world.finish(process.client.logIn({ serverUrl: SERVER_URL, username, password: 'password' }));
  }
  await world.advance(200_000, 50);

  const history = textsOf(world.server.history(wireId));
  expect(new Set(history).size).toBe(history.length);
  for (const [index, { process, accepted }] of players.entries()) {
    const shown = await world.shown(process.client, conversationId);
    expect(shown.map(({ text }) => text)).toEqual(history);
    expect(shown.map(({ convSeq }) => convSeq)).toEqual(history.map((_, place) => place + 1));
    expect(shown.every(({ status }) => status !== 'sending' && status !== 'failed')).toBe(true);
    const own = history.filter((text) => text.startsWith(`${index}:`));
    expect(own.filter((text) => accepted.includes(text))).toEqual(accepted);
    expect(own).toEqual(own.toSorted((a, b) => Number(a.slice(2)) - Number(b.slice(2))));
    const view = await world.conversation(process.client, conversationId);
    expect(view.unread).toBe(world.server.unread(wireId, index === 2 ? bob : alice));
    expect(view.readSeq).toBe(world.server.cursorsOf(wireId, index === 2 ? bob : alice).readSeq);
  }
  for (const userId of [alice, bob]) {
    const written = world.server.history(wireId).findLast(({ senderId }) => senderId !== userId)?.convSeq ?? 0;
    expect(world.server.cursorsOf(wireId, userId).deliveredSeq).toBeGreaterThanOrEqual(written);
  }
  for (const { process } of players) process.crash();
}

/** TCP keeps order and loses nothing within a connection; what is lost or overtaken is lost or overtaken by the server. */
function fateOf({ direction, cmd, msgType }: FrameInTransit, dice: number, cut: () => void) {
  if (dice < 0.1) {
    cut();
    return 'lose' as const;
  }
  if (direction === 'down' && msgType === MsgType.notify && (cmd === Command.messages || cmd === Command.cursors)) {
    if (dice < 0.4) return 'lose' as const;
    if (dice < 0.7) return 'double' as const;
    return { delayMs: Math.floor(dice * 1_000) };
  }
  if (direction === 'down' && dice < 0.5) return 'lose' as const;
  return 'deliver' as const;
}
