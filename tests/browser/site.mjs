// The sites that the browser visits, and the kinds of pages that they have: `threadbare demo`, and a small site of
// our own with what the sample archive lacks.

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const binary = process.env.THREADBARE ?? path.join(root, 'target/debug/threadbare');

// Starts both on free ports. `url` is where the sample archive is, `odd` where ours is.
export async function start() {
  const dir = mkdtempSync(path.join(tmpdir(), 'threadbare-odd-'));
  const env = { ...process.env, PI_CONFIG: makeOdd(dir) };
  execFileSync(binary, ['index'], { env, stdio: 'ignore' });
  const sample = await listen(['demo', '--listen', '127.0.0.1:0'], process.env);
  const odd = await listen(['serve', '--listen', '127.0.0.1:0'], env);
  const stop = () => {
    sample.child.kill('SIGTERM');
    odd.child.kill('SIGTERM');
    rmSync(dir, { recursive: true });
  };
  return { url: sample.url, odd: odd.url, stop };
}

async function listen(args, env) {
  const child = spawn(binary, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await new Promise((resolve, reject) => {
    let said = '';
    const late = setTimeout(() => reject(new Error(`it did not say where it listens: ${said}`)), 60_000);
    child.stdout.on('data', (data) => {
      said += data;
      const found = /listening on (http:\/\/\S+)/.exec(said);
      if (found) { clearTimeout(late); resolve(found[1]); }
    });
    child.on('exit', (code) => reject(new Error(`${args[0]} ended with ${code}: ${said}`)));
  });
  return { child, url };
}

// Two mails under one Message-ID, an empty inbox, and a style sheet of the operator's. Gives the config file.
function makeOdd(dir) {
  const fixture = (name) => readFileSync(path.join(root, `tests/fixtures/mail/${name}.eml`));
  const inboxes = { odd: ['same-message-id-first', 'same-message-id-second'], silent: [] };
  let config = `[threadbare]\n\tindexDir = ${dir}/index\n[publicinbox]\n\tcss = ${dir}/night.css title=Night\n`;
  for (const [name, mails] of Object.entries(inboxes)) {
    const epoch = `${dir}/${name}/git/0.git`;
    mkdirSync(epoch, { recursive: true });
    writeFileSync(`${dir}/${name}/inbox.lock`, '');
    writeFileSync(`${dir}/${name}/description`, `The list ${name}\n`);
    execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=master', epoch]);
    const history = mails.flatMap((mail, n) => {
      const bytes = fixture(mail);
      const head = `commit refs/heads/master\ncommitter A <a@example.org> ${1780000000 + n} +0000\ndata 1\n-\nM 100644 inline m\ndata ${bytes.length}\n`;
      return [Buffer.from(head), bytes, Buffer.from('\n')];
    });
    execFileSync('git', ['--git-dir', epoch, 'fast-import', '--quiet'], { input: Buffer.concat(history) });
    config += `[publicinbox "${name}"]\n\taddress = ${name}@lists.example.org\n\tinboxdir = ${dir}/${name}\n`;
  }
  writeFileSync(`${dir}/night.css`, 'footer { border-top: 3px solid rgb(1, 2, 3); }\n');
  writeFileSync(`${dir}/config`, config);
  return `${dir}/config`;
}

const thread = 'loom/vCpNPbEtS+GaM0uo@vav.example/';
const patch = 'loom-patches/20260308100002.9422-3-tomas@fio.example/';

// One of each kind, with status where it is not 200. `odd` are those of the small site.
export const pages = [
  { name: 'listing', path: '' },
  { name: 'topics', path: 'loom/' },
  { name: 'topics of a stretch of time', path: 'loom/?t=20260401000000' },
  { name: 'new messages', path: 'loom/new.html' },
  { name: 'new topics', path: 'loom/topics_new.html' },
  { name: 'active topics', path: 'loom/topics_active.html' },
  { name: 'search', path: 'loom/?q=selvedge' },
  { name: 'search, by thread', path: 'loom/?q=selvedge&x=t' },
  { name: 'search of all lists', path: '?q=selvedge' },
  { name: 'search that finds nothing', path: 'loom/?q=xyzzyxyzzy', status: [404] },
  { name: 'message', path: thread },
  { name: 'patch', path: patch },
  { name: 'message with attachments', path: 'loom/20260331001237.c8d2dc@oda-orimono.example/' },
  { name: 'message in many scripts', path: 'loom/7a2f8549-7548-f3db8854@stanok.example/T/' },
  { name: 'flat thread', path: `${thread}T/` },
  { name: 'nested thread', path: `${thread}t/` },
  { name: 'cabinet of odd mails', path: 'loom/20260505010009.60f7a5@ithaca.example/t/' },
  { name: 'html mail', path: 'loom/lQo5tsKTS7cvLe92@nygaard.example/' },
  { name: 'help', path: 'loom/_/text/help/' },
  { name: 'mirror', path: 'loom/_/text/mirror/' },
  { name: 'color', path: 'loom/_/text/color/' },
  { name: 'config', path: 'loom/_/text/config/' },
  { name: 'unknown message', path: 'loom/no-such-message@example.invalid/', status: [300, 404] },
  { name: 'message on another list', path: 'loom/20260308100002.9422-3-tomas@fio.example/', status: [300] },
  { name: 'no such list', path: 'no-such-list/', status: [404] },
  { name: 'no such text', path: 'loom/_/text/no-such-text/', status: [404] },
  { name: 'no such dump', path: 'loom/gmane.sql.gz', status: [404] },
  { name: 'two messages of one id', path: 'odd/same@fixtures.example/', odd: true },
  { name: 'how they differ', path: 'odd/same@fixtures.example/d/', odd: true },
  { name: 'listing with an empty inbox', path: '', odd: true },
  { name: 'empty inbox', path: 'silent/', status: [404], odd: true },
];

// Where a page is.
export const at = (site, page) => (page.odd ? site.odd : site.url) + page.path;
