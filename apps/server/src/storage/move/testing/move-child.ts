import { pino } from 'pino';
import { moveStore } from '../move-store.ts';

/** A move as a process that can be killed: move-child DATA URL BATCH_ROWS. A line for each batch, then the report. */
const [data = '', url = '', batchRows = ''] = process.argv.slice(2);
const { outcome, rows } = await moveStore({
  data,
  url,
  batchRows: Number(batchRows),
  clock: { now: () => Date.now(), setTimer: () => () => undefined },
  logger: pino({ level: 'silent' }),
  onProgress: (progress) => process.stdout.write(`${JSON.stringify(progress)}\n`),
});
process.stdout.write(`${JSON.stringify({ outcome, rows })}\n`);
