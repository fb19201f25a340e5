// Load on a real server process over the public protocol, every message checked. See `usage` in options.ts.
import { type Measurement, runDirect } from './direct.ts';
import { readOptions, UsageError, usage } from './options.ts';
import { makePairs } from './people.ts';
import { ServerUnderTest } from './server-under-test.ts';

/** Whatever happens, it is over after this. */
const DEADLINE_MS = 10 * 60_000;

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  const server = await ServerUnderTest.start(options.profile);
  // A break must not leave the server behind.
  const stop = async (why: string) => {
    console.error(why);
    await server.stop();
    process.exit(1);
  };
  process.once('SIGINT', () => void stop('interrupted'));
  process.once('SIGTERM', () => void stop('interrupted'));
  const deadline = setTimeout(() => void stop(`not done after ${DEADLINE_MS / 60_000} minutes`), DEADLINE_MS);
  try {
    const pairs = await makePairs(server.url, options.pairs, (done) => {
      if (process.stderr.isTTY) process.stderr.write(`\rregistered ${done} of ${options.pairs} pairs `);
    });
    let cpuMicros = 0;
    let rssMb = 0;
    const measured = await runDirect(pairs, options, {
      begin: () => {
        cpuMicros = -server.cpuMicros();
      },
      end: () => {
        cpuMicros += server.cpuMicros();
        rssMb = server.residentMegabytes();
      },
    });
    const figures = summary(options.work, measured, cpuMicros, rssMb);
    if (options.json) console.log(JSON.stringify(figures));
    else for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(26)}${value}`);
    return measured.lost + measured.duplicated + measured.misordered === 0 ? 0 : 1;
  } catch (error) {
    console.error(server.output);
    throw error;
  } finally {
    clearTimeout(deadline);
    await server.stop();
  }
}

function summary(work: string, measured: Measurement, cpuMicros: number, rssMb: number) {
  const { messages, seconds, ackMs, deliveryMs, lost, duplicated, misordered } = measured;
  return {
    work,
    messages,
    seconds: rounded(seconds, 3),
    perSecond: Math.round(messages / seconds),
    ackP50Ms: rounded(quantile(ackMs, 0.5), 2),
    ackP99Ms: rounded(quantile(ackMs, 0.99), 2),
    deliveryP50Ms: rounded(quantile(deliveryMs, 0.5), 2),
    deliveryP99Ms: rounded(quantile(deliveryMs, 0.99), 2),
    serverCpuMicrosPerMessage: rounded(cpuMicros / messages, 1),
    serverRssMb: rounded(rssMb, 1),
    lost,
    duplicated,
    misordered,
  };
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof UsageError) console.error(`${error.message}\n${usage}`);
  else console.error(error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
