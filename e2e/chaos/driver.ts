// A process that drives some of the devices; the chaos run talks to it over the channel it was forked with.
import { join } from 'node:path';
import { ChaosDevice, type DeviceOptions, type Place } from './device.ts';
import type { DriverAnswer, DriverCall, DriverCalls } from './driver-calls.ts';
import { type HistoryEntry, JsonLines, type View } from './history.ts';

const [directory = '', name = ''] = process.argv.slice(2);
const history = new JsonLines<HistoryEntry>(join(directory, `history-${name}.jsonl`));
const log = new JsonLines<object>(join(directory, `clients-${name}.log`));
const devices = new Map<number, ChaosDevice>();

const note = (entry: HistoryEntry) => history.write(entry);

async function readAll(device: ChaosDevice, of: string, index: number | null, places: readonly Place[], file: string) {
  const lines = new JsonLines<View>(file);
  let changing = 0;
  for (const place of places) {
    const read = await device.read(place);
    changing += read.changing;
    lines.write({ of, device: index, conversation: place.index, messages: read.messages });
    lines.flush();
  }
  lines.close();
  return { changing };
}

const calls: {
  [Name in keyof DriverCalls]: (params: DriverCalls[Name]['params']) => Promise<DriverCalls[Name]['result']>;
} = {
  async open(options: DeviceOptions) {
    const device = await ChaosDevice.open(options, note, (line) => log.write(line));
    devices.set(options.index, device);
    return { userId: device.userId };
  },
  async makeDirect({ device, userId }) {
    return { conversationId: await of(device).makeDirect(userId) };
  },
  async makeGroup({ device, name, userIds }) {
    return { conversationId: await of(device).makeGroup(name, userIds) };
  },
  async begin({ device, places, perSecond }) {
    of(device).begin(places, perSecond);
    return {};
  },
  async end() {
    for (const device of devices.values()) device.end();
    history.flush();
    return {};
  },
  async states() {
    history.flush();
    return [...devices].map(([device, one]) => ({ device, ...one.state() }));
  },
  async heads() {
    const all = await Promise.all([...devices].map(async ([device, one]) => ({ device, heads: await one.heads() })));
    return all;
  },
  async read({ device, places, file }) {
    return readAll(of(device), `device ${device}`, device, places, file);
  },
  async readFresh({ options, places, file }) {
    const device = await ChaosDevice.open(
      options,
      () => undefined,
      (line) => log.write(line),
    );
    try {
      return await readAll(device, `a new device of user ${options.user}`, null, places, file);
    } finally {
      await device.close();
    }
  },
  async close() {
    await Promise.all([...devices.values()].map((device) => device.close()));
    devices.clear();
    history.close();
    log.close();
    return {};
  },
};

function of(index: number): ChaosDevice {
  const device = devices.get(index);
  if (!device) throw new Error(`device ${index} is not driven here`);
  return device;
}

process.on('message', (message: DriverCall) => {
  const { id, call, params } = message;
  const run = calls[call] as (params: unknown) => Promise<unknown>;
  run(params).then(
    (result) => process.send!({ id, result } satisfies DriverAnswer),
    (error: unknown) => process.send!({ id, error: error instanceof Error ? error.message : String(error) }),
  );
});
// Whoever started us is gone.
process.on('disconnect', () => process.exit(1));
