import type { RolePorts, RunningRole } from './running-role.ts';
import { StopStack } from './stop-stack.ts';

/** Starts a role. When that fails, everything that had started is stopped again before it rejects. */
export async function startWith<T extends Omit<RunningRole, 'stop'>>(
  ports: Pick<RolePorts, 'logger'>,
  start: (stops: StopStack) => Promise<T>,
): Promise<T & { stop(): Promise<void> }> {
  const stops = new StopStack(ports.logger);
  try {
    const started = await start(stops);
    ports.logger.info({ addresses: started.addresses }, 'ready');
    return { ...started, stop: () => stops.run() };
  } catch (error) {
    await stops.run();
    throw error;
  }
}
