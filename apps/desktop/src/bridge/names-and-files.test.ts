import { describe, expect, it } from 'vitest';
import { contentSecurityPolicy, listAppFiles, pageHeaders } from './app-page.ts';
import { isLongerThan } from './message-size.ts';
import { isProfileName } from './profile-name.ts';

describe('profile names', () => {
  it.each(['default', 'bob', '7', 'a-b_c', 'a'.repeat(32)])('%s is one', (name) => {
    expect(isProfileName(name)).toBe(true);
  });

  it.each(['', 'Bob', '-a', '_a', 'a'.repeat(33), '..', 'a/b', 'a\\b', 'a.b', 'a b', 'a\n', 'ü', '\0', 'con', 'lpt1'])(
    '%j is none: it would become a folder',
    (name) => {
      expect(isProfileName(name)).toBe(false);
    },
  );
});

describe("the app's files", () => {
  const files = listAppFiles([
    'index.html',
    'assets/main-abc.js',
    'assets/inter.woff2',
    'notes.exe',
    'a b.js',
    'LICENSE',
  ]);

  it('are served under their own path alone, the page also at /', () => {
    expect([...files.keys()].sort()).toEqual(['/', '/assets/inter.woff2', '/assets/main-abc.js', '/index.html']);
    expect(files.get('/')?.path).toBe('index.html');
  });

  it.each(['/..', '/../index.html', '/%2e%2e/x', '//index.html', '/assets/', '/index.html/', '/Index.html', '', '/\0'])(
    '%j is no way to a file',
    (path) => {
      expect(files.has(path)).toBe(false);
    },
  );

  it('carry the policy, a type, and are never sniffed', () => {
    for (const file of files.values()) {
      expect(file.headers).toMatchObject(pageHeaders);
      expect(file.headers['content-type']).toMatch(/^\w+\/[\w-]+/);
    }
    expect(files.get('/assets/main-abc.js')?.headers['cache-control']).toContain('immutable');
    expect(files.get('/')?.headers['cache-control']).toBe('no-cache');
  });

  it('the policy allows own scripts and styles and no inline, eval, frame or other host', () => {
    expect(contentSecurityPolicy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(contentSecurityPolicy).not.toMatch(/unsafe|\*|https?:/);
    for (const rule of ["frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "connect-src 'self'"]) {
      expect(contentSecurityPolicy).toContain(rule);
    }
  });
});

describe('the length of a message in bytes', () => {
  it.each(['abc', 'äöü', '界界', '😀', 'a😀界', '\ud800'])('of %j is what UTF-8 takes', (text) => {
    const many = text.repeat(50);
    // A lone half of a pair is replaced by three bytes; counted as two it stays an under-estimate of one.
    const bytes = text === '\ud800' ? many.length * 2 : Buffer.byteLength(many);
    expect(isLongerThan(many, bytes)).toBe(false);
    expect(isLongerThan(many, bytes - 1)).toBe(true);
  });
});
