import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** Nothing from elsewhere, nothing inline: the page runs the files of this server and talks to this server. */
export const APP_CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

const YEAR_S = 31_536_000;
/** Vite's names: a change of the content changes the name. */
const hashedName = /[/\\]assets[/\\][^/\\]+-[\w-]{8,}\.\w+$/;

/** Serves the browser app's files at `/`. Only `/` itself means index.html; every other path is a file or nothing. */
export async function addBrowserApp(api: FastifyInstance, directory: string): Promise<void> {
  await api.register(fastifyStatic, {
    root: directory,
    index: ['index.html'],
    dotfiles: 'ignore',
    redirect: false,
    list: false,
    decorateReply: false,
    cacheControl: false,
    setHeaders(reply, path) {
      reply.header('Content-Security-Policy', APP_CONTENT_SECURITY_POLICY);
      reply.header('Cache-Control', hashedName.test(path) ? `public, max-age=${YEAR_S}, immutable` : 'no-cache');
    },
  });
}
