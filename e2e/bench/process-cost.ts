import { readdirSync, readFileSync } from 'node:fs';

/** The kernel's unit of CPU time; 100 a second on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

interface Stat {
  readonly parent: number;
  /** User and system time, µs. */
  readonly own: number;
  /** Of children that have ended and were waited for. */
  readonly ended: number;
}

function statOf(pid: number | string): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The name in parentheses may hold spaces; parent, utime, stime, cutime, cstime are the 4th and the 14th to 17th field.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const micros = (from: number) => ((fields[from]! + fields[from + 1]!) * 1_000_000) / TICKS_PER_SECOND;
  return { parent: fields[1]!, own: micros(11), ended: micros(13) };
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && statOf(name)?.parent === pid)
    .map(Number);
}

/** CPU time of a process since it started, with that of its children, µs; 0 when it is gone. */
export function cpuMicrosOf(pid: number, options: { readonly children: boolean }): number {
  const stat = statOf(pid);
  if (!stat) return 0;
  if (!options.children) return stat.own;
  return childrenOf(pid).reduce((sum, child) => sum + (statOf(child)?.own ?? 0), stat.own + stat.ended);
}

/** Resident memory, with that of its children (what they share is counted for each); 0 when it is gone. */
export function residentMegabytesOf(pid: number, options: { readonly children: boolean }): number {
  const pids = options.children ? [pid, ...childrenOf(pid)] : [pid];
  return pids.reduce((sum, one) => {
    try {
      const status = readFileSync(`/proc/${one}/status`, 'utf8');
      return sum + Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
    } catch {
      return sum;
    }
  }, 0);
}
