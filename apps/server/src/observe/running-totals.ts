import { Counter, type Registry } from 'prom-client';

/**
 * Counters whose value is a plain number of somebody else, read when somebody scrapes: what is counted for every frame
 * or message costs one addition.
 */
export function runningTotals(registry: Registry): (name: string, help: string, read: () => number) => void {
  return (name, help, read) => {
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  };
}
