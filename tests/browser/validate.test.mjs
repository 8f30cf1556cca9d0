// Every kind of page before the judge: the Nu Html Checker.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import vnu from 'vnu-jar';

import { at, pages, start } from './site.mjs';

const jar = String(vnu);
let site;
let dir;

before(async () => {
  site = await start();
  dir = mkdtempSync(path.join(tmpdir(), 'threadbare-html-'));
});

after(() => {
  site?.stop();
  if (dir) rmSync(dir, { recursive: true });
});

test('every kind of page is valid HTML, and its style sheet is valid CSS', async () => {
  const files = new Map();
  const sheets = new Set();
  for (const [index, kind] of pages.entries()) {
    const { name } = kind;
    // Refusals are pages for those who ask for pages.
    const html = await (await fetch(at(site, kind), { headers: { accept: 'text/html' } })).text();
    const file = path.join(dir, `${index}.html`);
    writeFileSync(file, html);
    files.set(file, name);
    for (const [, href] of html.matchAll(/<link[^>]*rel="?stylesheet"?[^>]*href="?([^">\s]+)/g)) {
      sheets.add(new URL(href, at(site, kind)).href);
    }
  }
  for (const [index, sheet] of [...sheets].entries()) {
    const file = path.join(dir, `${index}.css`);
    writeFileSync(file, await (await fetch(sheet)).text());
    files.set(file, 'style sheet');
  }
  const args = ['-Xss8m', '-jar', jar, '--format', 'json', '--errors-only', '--also-check-css', ...files.keys()];
  const done = spawnSync('java', args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  assert.ok(!done.error, `java: ${done.error}`);
  const { messages } = JSON.parse(done.stderr || done.stdout || '{"messages":[]}');
  const told = messages.map(({ url, message, extract, lastLine }) =>
    `${files.get(new URL(url).pathname) ?? url}:${lastLine}: ${message}: ${extract?.trim()}`);
  assert.deepEqual([...new Set(told)].slice(0, 30), []);
});
