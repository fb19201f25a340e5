import type { AccessVerifier } from '../logic/access-verifier.ts';
import type { GateOffers } from '../lsb/gate-offers.ts';
import { Bearer } from './bearer.ts';
import { type ApiServer, createHttpServer, type HttpServerOptions, serve } from './http-server.ts';
import type { Readiness } from './readiness.ts';
import { addGateRoutes } from './routes/gates.ts';
import { addHealthRoutes } from './routes/health.ts';

export interface LsbServerOptions extends HttpServerOptions {
  /** Tokens are looked up here too: clients may ask an LSB directly. */
  access: AccessVerifier;
  offers: GateOffers;
  readiness: Readiness;
}

/** The HTTP side of an LSB: where to connect, and health. It answers by itself, always. */
export function createLsbServer(options: LsbServerOptions): Promise<ApiServer> {
  const { http, api } = createHttpServer(options);
  const { offers, access, readiness, seal } = options;
  addHealthRoutes(api, { readiness });
  addGateRoutes(api, { offers, bearer: new Bearer(access), ...(seal && { seal }) });
  return serve(http, options);
}
