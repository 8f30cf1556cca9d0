// Starts `threadbare demo` on a free port, and names the kinds of pages that it has.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const binary = process.env.THREADBARE ?? path.join(root, 'target/debug/threadbare');

export async function start() {
  const child = spawn(binary, ['demo', '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await new Promise((resolve, reject) => {
    let said = '';
    const late = setTimeout(() => reject(new Error(`the demo did not say where it listens: ${said}`)), 60_000);
    child.stdout.on('data', (data) => {
      said += data;
      const found = /listening on (http:\/\/\S+)/.exec(said);
      if (found) { clearTimeout(late); resolve(found[1]); }
    });
    child.on('exit', (code) => reject(new Error(`the demo ended with ${code}: ${said}`)));
  });
  return { url, stop: () => child.kill('SIGTERM') };
}

const thread = 'loom/vCpNPbEtS+GaM0uo@vav.example/';
const patch = 'loom-patches/20260308100002.9422-3-tomas@fio.example/';

// One of each kind, with status where it is not 200.
export const pages = [
  { name: 'listing', path: '' },
  { name: 'topics', path: 'loom/' },
  { name: 'topics of a stretch of time', path: 'loom/?t=20260401000000' },
  { name: 'new messages', path: 'loom/new.html' },
  { name: 'new topics', path: 'loom/topics_new.html' },
  { name: 'active topics', path: 'loom/topics_active.html' },
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
];
