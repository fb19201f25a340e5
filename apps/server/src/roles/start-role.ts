import type { Config } from '../config.ts';
import type { RolePorts, RunningRole } from './running-role.ts';

/**
 * The role that the configuration names. Resolves when every address answers; rejects with everything stopped again. Only
 * what the role needs is loaded: a gate has no database driver in its memory.
 */
export async function startRole(config: Config, ports: RolePorts): Promise<RunningRole> {
  switch (config.role) {
    case 'all':
      return (await import('./all-in-one.ts')).startAllInOne(config, ports);
    case 'lsb':
      return (await import('./lsb-role.ts')).startLsbRole(config, ports);
    case 'gate':
      return (await import('./gate-role.ts')).startGateRole(config, ports);
    case 'api':
      return (await import('./api-role.ts')).startApiRole(config, ports);
    case 'logic':
      return (await import('./logic-role.ts')).startLogicRole(config, ports);
  }
}
