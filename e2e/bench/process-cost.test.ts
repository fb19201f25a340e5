import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { cpuMicrosOf, residentMegabytesOf } from './process-cost.ts';

describe('what a process costs', () => {
  it('is its CPU time and memory, with its children where asked for, and nothing once it is gone', async () => {
    const child = spawn(
      process.execPath,
      [
        '-e',
        'for (;;) { if (process.cpuUsage().user > 300_000) { console.log("done"); break; } } setTimeout(() => {}, 60_000)',
      ],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    const pid = child.pid!;
    try {
      await once(child.stdout, 'data');
      expect(cpuMicrosOf(pid, { children: false })).toBeGreaterThanOrEqual(250_000);
      expect(cpuMicrosOf(process.pid, { children: true })).toBeGreaterThan(
        cpuMicrosOf(process.pid, { children: false }),
      );
      expect(residentMegabytesOf(pid, { children: false })).toBeGreaterThan(10);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    expect(cpuMicrosOf(pid, { children: true })).toBe(0);
    expect(residentMegabytesOf(pid, { children: true })).toBe(0);
  });
});
