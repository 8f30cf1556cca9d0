// What a visitor sees and does, in a real browser: Debian's chromium.

import assert from 'node:assert/strict';
import { readFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

import { at, pages, start } from './site.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const screenshots = process.env.SCREENSHOTS;
const phone = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

let site;
let browser;

before(async () => {
  site = await start();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
});

after(async () => {
  await browser?.close();
  site?.stop();
});

// A page that remembers all that went wrong on it.
async function open(options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => {
    // The browser itself reports a page of status 404 as an error of loading.
    const status = message.text().startsWith('Failed to load resource: the server responded with a status of');
    if (['error', 'warning'].includes(message.type()) && !status) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (dialog) => { complaints.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on('request', (request) => {
    const ours = [site.url, site.odd].some((url) => request.url().startsWith(url));
    if (!ours) complaints.push(`a request to elsewhere: ${request.url()}`);
  });
  page.on('requestfailed', (request) => complaints.push(`not loaded: ${request.url()}`));
  return { page, complaints, close: () => context.close() };
}

async function shoot(page, name) {
  if (!screenshots) return;
  mkdirSync(screenshots, { recursive: true });
  await page.screenshot({ path: path.join(screenshots, `${name.replaceAll(' ', '-')}.png`) });
}

test('from the listing to a thread to a message and back, by clicking', async () => {
  const { page, complaints, close } = await open();
  await page.goto(site.url);
  await page.click('a[href$="loom/"]');
  assert.equal(page.url(), `${site.url}loom/`);
  await page.click('text=Should selvedges float by default?');
  assert.match(page.url(), /\/T\/#[tu]$/);
  await page.click('text=permalink >> nth=0');
  assert.match(page.url(), /@vav\.example\/$|\.example\/$/);
  await page.waitForSelector('text=Thread overview');
  await page.click('a[rel=next]');
  await page.waitForSelector('text=[this message]');
  await page.goBack();
  await page.goBack();
  assert.match(page.url(), /\/T\//);
  await page.goBack();
  assert.equal(page.url(), `${site.url}loom/`);
  assert.deepEqual(complaints, []);
  await close();
});

test('the same way on a phone, by touch, in the dark', async () => {
  const { page, complaints, close } = await open({ ...phone, colorScheme: 'dark' });
  await page.goto(site.url);
  await page.tap('a[href$="loom/"]');
  await page.tap('text=Should selvedges float by default?');
  await page.tap('text=permalink >> nth=1');
  await page.waitForSelector('text=Thread overview');
  await page.tap('text=[thread overview]');
  assert.match(page.url(), /#r$/);
  const line = await page.locator('#r').boundingBox();
  assert.ok(line.y >= 0 && line.y < phone.viewport.height, `the line of this message is at ${line.y}`);
  await page.tap('h1 a');
  await page.waitForURL(/\/loom\/\?t=\d+$/);
  assert.deepEqual(complaints, []);
  await close();
});

test('a thread that is wider than a phone scrolls in its own box, and lines are a fingertip high', async () => {
  const { page, close } = await open(phone);
  await page.goto(`${site.url}loom/vCpNPbEtS+GaM0uo@vav.example/`);
  const tree = await page.locator('.tree').evaluate((el) => {
    const lines = el.textContent.trimEnd().split('\n').length;
    return { overflow: getComputedStyle(el).overflowX, right: el.getBoundingClientRect().right, line: el.clientHeight / lines };
  });
  assert.equal(tree.overflow, 'auto');
  assert.ok(tree.right <= phone.viewport.width);
  assert.ok(tree.line >= 24, `a line is ${tree.line}px high`);
  await close();
});

test('what is copied from a page is what the mail says', async () => {
  const { page, close } = await open();
  await page.goto(`${site.url}loom-patches/20260308100002.9422-3-tomas@fio.example/`);
  const copied = await page.evaluate(() => {
    getSelection().selectAllChildren(document.querySelector('#b'));
    return getSelection().toString();
  });
  const raw = await (await fetch(`${page.url()}raw`)).text();
  const patch = raw.slice(raw.indexOf('\ndiff --git')).trimEnd();
  assert.ok(copied.replaceAll('\u00a0', ' ').includes(patch), copied);
  await close();
});

test('from the warning to how two messages differ, in the colours of the operator', async () => {
  const { page, complaints, close } = await open();
  await page.goto(`${site.odd}odd/same@fixtures.example/`);
  await page.click('text=diff');
  await page.waitForURL(/\/d\/$/);
  assert.match(await page.textContent('main'), /\n-Subject: same message id first\n/);
  const line = await page.locator('footer').evaluate((el) => getComputedStyle(el).borderTopColor);
  assert.equal(line, 'rgb(1, 2, 3)');
  assert.deepEqual(complaints, []);
  await close();
});

test('paper is white, and carries the mail alone', async () => {
  const { page, close } = await open({ colorScheme: 'dark' });
  await page.goto(`${site.url}loom/vCpNPbEtS+GaM0uo@vav.example/`);
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  const shown = (selector) => page.locator(selector).first().isVisible();
  assert.ok(await shown('#b'));
  for (const hidden of ['footer', '#R', 'input[type=search]']) assert.ok(!(await shown(hidden)), hidden);
  const ink = await page.evaluate(() => getComputedStyle(document.body).color);
  assert.equal(ink, 'rgb(28, 30, 33)');
  await shoot(page, 'message on paper');
  await close();
});

test('the thread overview leads to each of its messages', async () => {
  const { page, complaints, close } = await open();
  await page.goto(`${site.url}loom/vCpNPbEtS+GaM0uo@vav.example/`);
  await page.click('text=Floating words (was: Should selvedges float by default?)');
  await page.waitForSelector('text=With a d in the documentation', { state: 'detached' });
  await page.waitForSelector('text=I propose "floating selvedge"');
  assert.deepEqual(complaints, []);
  await close();
});

for (const kind of pages) {
  const { name, status = [200] } = kind;
  test(`${name}: no error, nothing loaded from elsewhere, a strict policy`, async () => {
    const { page, complaints, close } = await open();
    const response = await page.goto(at(site, kind));
    assert.ok(status.includes(response.status()), `status ${response.status()}`);
    const headers = response.headers();
    assert.match(headers['content-security-policy'], /default-src 'none'/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(await page.evaluate(() => document.compatMode), 'CSS1Compat');
    assert.ok(await page.title(), 'a title');
    assert.equal(await page.locator('script').count(), 0);
    assert.equal(await page.locator('main').count(), 1);
    assert.equal(await page.locator('h1').count(), 1);
    await shoot(page, name);
    assert.deepEqual(complaints, []);
    await close();
  });

  test(`${name}: fits a phone, and may be zoomed`, async () => {
    const { page, close } = await open(phone);
    await page.goto(at(site, kind));
    const wide = await page.evaluate(() => {
      const width = document.documentElement.clientWidth;
      const all = [...document.querySelectorAll('body *')];
      // What scrolls by itself inside the page is fine; what makes the page scroll is not.
      const inside = (el) => {
        for (let up = el.parentElement; up; up = up.parentElement) {
          if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(up).overflowX)) return true;
        }
        return false;
      };
      const guilty = all.filter((el) => el.getBoundingClientRect().right > width + 1 && !inside(el));
      return { over: document.scrollingElement.scrollWidth - width, guilty: guilty.slice(0, 3).map((el) => el.outerHTML.slice(0, 200)) };
    });
    assert.ok(wide.over <= 0, `${wide.over}px too wide: ${wide.guilty.join('\n')}`);
    const viewport = await page.locator('meta[name=viewport]').getAttribute('content');
    assert.doesNotMatch(viewport, /user-scalable|maximum-scale/);
    await shoot(page, `${name} phone`);
    await close();
  });

  for (const colorScheme of ['light', 'dark']) {
    test(`${name}: accessible in ${colorScheme}`, async () => {
      const { page, close } = await open({ bypassCSP: true, colorScheme });
      await page.goto(at(site, kind));
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      }));
      const told = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((n) => n.html).join(' | ')}`);
      assert.deepEqual(told, []);
      if (colorScheme === 'dark') await shoot(page, `${name} dark`);
      await close();
    });
  }
}

test('dark is dark and light is light', async () => {
  for (const [colorScheme, isRight] of [['light', (l) => l > 0.8], ['dark', (l) => l < 0.2]]) {
    const { page, close } = await open({ colorScheme });
    await page.goto(`${site.url}loom/`);
    const luminance = await page.evaluate(() => {
      // A canvas knows every colour syntax.
      const paint = document.createElement('canvas').getContext('2d');
      const own = (el) => getComputedStyle(el).backgroundColor;
      const clear = 'rgba(0, 0, 0, 0)';
      const colour = own(document.body) === clear ? own(document.documentElement) : own(document.body);
      paint.fillStyle = colour === clear ? 'Canvas' : colour;
      paint.fillRect(0, 0, 1, 1);
      const [r, g, b] = paint.getImageData(0, 0, 1, 1).data;
      return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
    });
    assert.ok(isRight(luminance), `${colorScheme}: ${luminance}`);
    await close();
  }
});

test('the keyboard reaches the content, and one sees where one is', async () => {
  const { page, close } = await open();
  await page.goto(`${site.url}loom/`);
  for (let n = 0; n < 8; n += 1) {
    await page.keyboard.press('Tab');
    const visible = await page.evaluate(() => {
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(document.activeElement);
      return document.activeElement !== document.body
        && ((outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) || boxShadow !== 'none');
    });
    assert.ok(visible, `focus ${n + 1}`);
  }
  await close();
});

test('pages work without their style sheet and without scripts', async () => {
  const { page, close } = await open({ javaScriptEnabled: false });
  await page.route('**/+/**', (route) => route.abort());
  await page.goto(`${site.url}loom/vCpNPbEtS+GaM0uo@vav.example/`);
  const text = await page.textContent('body');
  assert.match(text, /Thread overview/);
  await close();
});
