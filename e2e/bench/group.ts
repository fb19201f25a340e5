import { plainText, textBody } from '@fastim/protocol';
import { GroupDevice } from './group-device.ts';
import { GroupLedger } from './group-ledger.ts';
import { makeGroup } from './make-group.ts';
import type { Measurement, Window } from './measurement.ts';
import type { ClosedLoop, GroupOptions } from './options.ts';
import type { Person } from './people.ts';
import { Breaker, forEach, paced, watchProgress } from './progress.ts';
import { WireClient } from './wire-client.ts';

const CONNECTING_AT_A_TIME = 20;

/**
 * One group; all its members with a connection store every message, most by being told and pulling, as the app does.
 * `people`: all members; the first ones are those with a connection, and the first of these the senders.
 */
export async function runGroup(people: readonly Person[], options: GroupOptions, window: Window): Promise<Measurement> {
  const breaker = new Breaker();
  const ledger = new GroupLedger(options.online);
  const owner = await WireClient.connect(people[0]!, { failed: breaker.report });
  const others = people.slice(1).map(({ userId }) => BigInt(userId));
  const { conversationId, headSeq } = await breaker.race(makeGroup(owner, 'Bench', others));
  owner.close();
  const body = textBody.encode(plainText('x'.repeat(options.size)));
  const viewers = Math.round((options.online * options.viewing) / 100);
  const devices = ledger.devices.map((log, index) => {
    log.beginAt(headSeq);
    // From the end: the senders are the last to look.
    const viewing = options.online - index <= viewers;
    return new GroupDevice({ index, ledger, conversationId, viewing, body, failed: breaker.report });
  });
  const stopWatching = watchProgress(() => ledger.acked + ledger.stored, breaker.report);
  try {
    await breaker.race(
      forEach([...devices.entries()], CONNECTING_AT_A_TIME, ([index, device]) => device.connect(people[index]!)),
    );
    const senders = devices.slice(0, options.senders);
    if (options.warmup > 0) {
      const warmup: ClosedLoop = { kind: 'closed', window: senders.length, messages: options.warmup };
      await breaker.race(closedLoop(senders, ledger, warmup));
    }
    const { load } = options;
    const messages = load.kind === 'closed' ? load.messages : load.rate * load.seconds;
    const pulledBefore = pulls(devices);
    ledger.beginMeasuring();
    window.begin();
    const began = performance.now();
    if (load.kind === 'closed') await breaker.race(closedLoop(senders, ledger, load));
    else {
      const done = completion(ledger, ledger.sent + messages);
      await breaker.race(paced(load, (index, at) => senders[index % senders.length]!.send(at)));
      await breaker.race(done);
    }
    const seconds = (performance.now() - began) / 1000;
    window.end();
    return {
      ...ledger.faults(),
      messages,
      seconds,
      ackMs: Float64Array.from(ledger.ackMs).sort(),
      deliveryMs: Float64Array.from(ledger.deliveryMs).sort(),
      deliveries: ledger.deliveryMs.length,
      more: {
        members: options.members,
        online: options.online,
        senders: options.senders,
        viewing: viewers,
        pulls: pulls(devices) - pulledBefore,
      },
    };
  } finally {
    stopWatching();
    for (const device of devices) device.close();
  }
}

function pulls(devices: readonly GroupDevice[]): number {
  return devices.reduce((sum, device) => sum + device.pulls, 0);
}

/** The senders together keep `window` messages unanswered; resolves when all are acked and every device has them. */
function closedLoop(senders: readonly GroupDevice[], ledger: GroupLedger, load: ClosedLoop): Promise<void> {
  const done = completion(ledger, ledger.sent + load.messages);
  const each = Math.max(1, Math.round(load.window / senders.length));
  let left = load.messages;
  const fill = (sender: GroupDevice) => {
    while (left > 0 && sender.inFlight < each) {
      left -= 1;
      sender.send(performance.now());
    }
  };
  for (const sender of senders) sender.onAck = () => fill(sender);
  for (const sender of senders) fill(sender);
  return done;
}

function completion(ledger: GroupLedger, sent: number): Promise<void> {
  return new Promise((resolve) => {
    ledger.onProgress = () => {
      if (ledger.sent === sent && ledger.isComplete) resolve();
    };
  });
}
