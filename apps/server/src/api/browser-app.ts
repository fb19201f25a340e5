import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import { FastimError } from '@fastim/protocol';
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

/** Of invitation links; what else it may be is logic's to judge. */
const tokenForm = /^[\w-]{1,128}$/;

/**
 * Serves the browser app's files at `/`. Only `/` itself means index.html, and `/join/TOKEN`, where a link leads; every
 * other path is a file or nothing.
 */
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
  api.get('/join/:token', { schema: { hide: true } }, async (request, reply) => {
    const { token } = request.params as { token: string };
    if (!tokenForm.test(token)) throw new FastimError('NOT_FOUND');
    // The page names its files relative to itself, and here it stands one level deeper.
    const page = (await readFile(join(directory, 'index.html'), 'utf8')).replaceAll('="./', '="../');
    return reply
      .header('Content-Security-Policy', APP_CONTENT_SECURITY_POLICY)
      .header('Cache-Control', 'no-cache')
      .type('text/html; charset=utf-8')
      .send(page);
  });
}
