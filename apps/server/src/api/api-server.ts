import type { AccountService } from '../auth/account-service.ts';
import type { SessionService } from '../auth/session-service.ts';
import type { Config } from '../config.ts';
import type { AccessVerifier } from '../logic/access-verifier.ts';
import type { GateOffers } from '../lsb/gate-offers.ts';
import type { ConversationStore } from '../storage/conversation-store.ts';
import type { UserStore } from '../storage/user-store.ts';
import type { Api } from './api-types.ts';
import { Bearer } from './bearer.ts';
import { type BridgePipe, pipeBridge } from './bridge-pipe.ts';
import { addBrowserApp } from './browser-app.ts';
import { type ApiServer, createHttpServer, type HttpServerOptions, serve } from './http-server.ts';
import { addIdempotency } from './idempotency.ts';
import type { LsbRelay } from './lsb-relay.ts';
import { addOpenApi } from './openapi.ts';
import type { Readiness } from './readiness.ts';
import { addAuthRoutes } from './routes/auth.ts';
import { addConversationRoutes } from './routes/conversations.ts';
import { addGateRoutes } from './routes/gates.ts';
import { addHealthRoutes } from './routes/health.ts';
import { addMeRoutes } from './routes/me.ts';
import { addServerRoutes } from './routes/server.ts';
import { addSessionRoutes } from './routes/sessions.ts';
import { addUserRoutes } from './routes/users.ts';

export type { ApiServer } from './http-server.ts';

export interface ApiServerOptions extends HttpServerOptions {
  config: Pick<Config, 'host' | 'port' | 'name' | 'allowedOrigins' | 'api' | 'app'>;
  version: string;
  users: UserStore;
  conversations: ConversationStore;
  accounts: AccountService;
  sessions: SessionService;
  access: AccessVerifier;
  /** The user's sessions that have a connection now. */
  onlineSessions: (userId: bigint) => Promise<ReadonlySet<bigint>>;
  /** The user changed who sees that; the storage knows already. */
  showOnlineChanged: (userId: bigint) => void;
  /** `relay`: LSBs that are asked first. */
  gates: { offers: GateOffers; relay?: LsbRelay };
  readiness: Readiness;
  makeConversationId: () => bigint;
}

/** The HTTP side of the server: API, health, OpenAPI document, and the browser app if there is one. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { config, clock, random, logger } = options;
  const { http, api } = createHttpServer(options);
  addIdempotency(http, { clock, random });
  await addOpenApi(http, { version: options.version });
  addRoutes(api, options);
  if (config.app.directory) await addBrowserApp(http, config.app.directory);
  let bridge: BridgePipe | undefined;
  if (config.app.bridgePort > 0) bridge = pipeBridge(http.server, { bridgePort: config.app.bridgePort, logger });
  return serve(http, options, () => bridge?.stop());
}

function addRoutes(api: Api, options: ApiServerOptions): void {
  const { clock, users, conversations, accounts, sessions } = options;
  const bearer = new Bearer(options.access);
  addHealthRoutes(api, { readiness: options.readiness });
  addServerRoutes(api, { name: options.config.name, version: options.version, clock });
  addAuthRoutes(api, { accounts, sessions, bearer });
  addSessionRoutes(api, { sessions, bearer, onlineSessions: options.onlineSessions });
  addMeRoutes(api, { users, bearer, showOnlineChanged: options.showOnlineChanged });
  addUserRoutes(api, { users, bearer });
  addConversationRoutes(api, {
    users,
    conversations,
    bearer,
    clock,
    makeConversationId: options.makeConversationId,
  });
  addGateRoutes(api, { ...options.gates, bearer, ...(options.seal && { seal: options.seal }) });
}
