#!/usr/bin/env python3
"""Everything at once for a long time: is anything lost, stale, refused or leaked?

    benches/soak.py --program target/quick/threadbare --list ksummit=/path/to/0.git --minutes 30

One server, a copy of that list and a new one. For as long as it is told: mail comes by LMTP, mail is removed, purged and
edited, everything is indexed anew, the config is changed, the server is sent SIGHUP; and a crawler, a feed reader, one who
searches, one who fetches mboxes and one who clones go on all the time. What has to hold:

  - no connection fails, and no answer is 5xx but 503 with Retry-After; a clone may break off whose mail was purged meanwhile,
    and is whole when it is begun again;
  - a mail that was acknowledged is on its page, in the list, the feed and the search, soon; one that was removed or purged is gone
    from all of them, soon, and never comes back; of one that was edited the old words are never seen again;
  - memory and descriptors at the end are what they were after the first sixth;
  - no ERROR in the log, and `fsck` finds nothing.

The last line says whether it did; so does the exit code.
"""

import argparse
import http.client
import os
import random
import re
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from html import unescape
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

SOON = 60.0  # seconds; the machine may have other work
WORDS = "warp weft heddle shed pick beam reed shuttle selvedge draft treadle lease dent sett float twill satin".split()


class Soak:
    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.lock = threading.Lock()
        self.under_way, self.rewritten, self.broken_off = 0, 0, 0
        self.failures, self.counts, self.lags = [], Counter(), {}
        self.over = threading.Event()
        # Ids of the new list that are there, and that are gone for good; words that must not be seen again.
        self.here, self.gone, self.old_words = [], [], []
        self.busy = set()
        self.port, self.lmtp = options.port, options.port + 1
        self.samples = []

    # What is written down.

    def failed(self, what):
        with self.lock:
            self.failures.append(f"{time.strftime('%H:%M:%S')} {what}")
        print(f"FAILED: {what}", flush=True)

    def took(self, what, seconds):
        with self.lock:
            self.lags.setdefault(what, []).append(seconds)

    # What is asked.

    def ask(self, path, method="GET"):
        """Status, headers, body; whatever is not as it should be is written down."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body=b"" if method == "POST" else None)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.failed(f"{method} {path}: {error!r}")
            return 0, {}, b""
        finally:
            connection.close()
        with self.lock:
            self.counts[answer.status] += 1
        if answer.status >= 500 and not (answer.status == 503 and answer.headers.get("Retry-After")):
            self.failed(f"{method} {path}: {answer.status}")
        return answer.status, answer.headers, body

    def patiently(self, path):
        """The same, again where it was busy."""
        for _ in range(60):
            status, headers, body = self.ask(path)
            if status != 503 or self.over.is_set():
                break
            time.sleep(1)
        return status, body.decode(errors="replace")

    def soon(self, what, holds):
        """Waits until it holds, and notes how long that took."""
        began = time.monotonic()
        while not holds():
            if time.monotonic() - began > SOON:
                self.failed(f"in vain for {SOON:.0f} s: {what}")
                return False
            time.sleep(0.05)
        self.took(what.split(":")[0], time.monotonic() - began)
        return True

    def rewrite(self, *args):
        """A command after which objects are gone that a clone may just be reading."""
        with self.lock:
            self.under_way, self.rewritten = self.under_way + 1, self.rewritten + 1
        try:
            return self.command(*args)
        finally:
            with self.lock:
                self.under_way -= 1

    def command(self, *args):
        done = subprocess.run([self.options.program, *args], env=self.environment(), capture_output=True, timeout=600)
        if done.returncode != 0:
            said = (done.stdout + done.stderr).decode(errors="replace")
            self.failed(f"threadbare {' '.join(args)}: {done.returncode}: {said[-500:]}")
        return done.returncode == 0

    def environment(self):
        return {**os.environ, "PI_CONFIG": str(self.directory / "config"), "HOME": str(self.directory)}

    # The list that is written.

    def take(self):
        """A mail of the new list that nobody else is at."""
        with self.lock:
            free = [mid for mid in self.here[:-20] if mid not in self.busy]
            if not free:
                return None
            mid = random.choice(free)
            self.busy.add(mid)
            return mid

    def leave(self, mid, gone=False):
        with self.lock:
            self.busy.discard(mid)
            if gone:
                self.here.remove(mid)
                self.gone.append(mid)

    def mail(self, mid, word, parent=None):
        answers = f"In-Reply-To: <{parent}>\nReferences: <{parent}>\n" if parent else ""
        words = " ".join(random.choices(WORDS, k=60))
        date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
        return (
            f"From: Ada <ada@weaver.example>\nTo: loom@lists.example\nSubject: About {word}\nDate: {date}\n"
            f"Message-ID: <{mid}>\n{answers}\n{words}\n{word}\n"
        )

    def deliver(self):
        count = 0
        while not self.over.wait(0.3):
            count += 1
            mid, word = f"soak-{count}-{random.getrandbits(48):x}@weaver.example", f"w{random.getrandbits(60):x}"
            with self.lock:
                parent = random.choice(self.here) if self.here and random.random() < 0.7 else None
            try:
                with smtplib.LMTP("127.0.0.1", self.lmtp, timeout=60) as caller:
                    caller.sendmail("ada@weaver.example", ["loom@lists.example"], self.mail(mid, word, parent))
            except (OSError, smtplib.SMTPException) as error:
                self.failed(f"LMTP: {error!r}")
                continue
            if not self.soon(f"acknowledged, on its page: {mid}", lambda: self.ask(f"/loom/{mid}/")[0] == 200):
                continue
            for path in ("/loom/", "/loom/new.atom", "/all/"):
                self.soon(f"on its page, in {path}: {mid}", lambda: mid in unescape(self.patiently(path)[1]))
            self.soon(f"acknowledged, found: {mid}", lambda: mid in unescape(self.patiently(f"/loom/?q={word}")[1]))
            with self.lock:
                self.here.append(mid)

    def is_gone(self, mid):
        return all(self.patiently(f"/loom/{mid}/{page}")[0] == 410 for page in ("", "raw", "T/", "t.mbox.gz"))

    def shows(self, path, mid):
        status, text = self.patiently(path)
        # A feed names it still in the answers that it got.
        text = re.sub(r"<thr:in-reply-to[^>]*>", "", text)
        return status == 200 and f"/{mid}/" in unescape(text).replace("href=\"", "/")

    def remove(self, what, pause):
        while not self.over.wait(pause):
            mid = self.take()
            if not mid:
                continue
            if not (self.rewrite if what == "purge" else self.command)(what, "loom", "--mid", mid):
                self.leave(mid)
                continue
            self.soon(f"{what}: {mid}", lambda: self.is_gone(mid))
            self.leave(mid, gone=True)
            for path in ("/loom/", "/loom/new.atom", f"/loom/?q=m:{quote(mid)}", "/loom/topics_new.html", f"/all/?q=m:{quote(mid)}"):
                # Another process has indexed it; the next request sees it.
                self.soon(f"gone from its page, from {path.partition('?')[0]}: {mid}", lambda: not self.shows(path, mid))
                if self.shows(path, mid):
                    self.failed(f"{path} shows {mid} again, which is gone")
            with self.lock:
                earlier = random.sample(self.gone, min(5, len(self.gone)))
            for mid in earlier:
                if not self.is_gone(mid):
                    self.failed(f"{mid} came back")

    def edit(self):
        while not self.over.wait(20):
            mid = self.take()
            if not mid:
                continue
            status, raw = self.patiently(f"/loom/{mid}/raw")
            head, _, body = raw.partition("\n\n")
            head = head.partition("\n")[2]
            old, new = body.split()[-1], f"w{random.getrandbits(60):x}"
            file = self.directory / "edited"
            file.write_text(f"{head}\n\n{body.rstrip()[: -len(old)]}{new}\n".replace(f"About {old}", f"About {new}"))
            if status == 200 and self.rewrite("edit", "loom", "--mid", mid, "--with", str(file)):
                seen = self.soon(f"edit: {mid}", lambda: new in self.patiently(f"/loom/{mid}/")[1])
                # Another process has indexed it; the next look sees it, on pages that were kept, too.
                kept = lambda: any(old in self.patiently(f"/loom/{mid}/{page}")[1] for page in ("raw", "T/"))
                if seen and self.soon(f"edited on its page, everywhere: {mid}", lambda: not kept()):
                    with self.lock:
                        self.old_words.append((mid, old))
            self.leave(mid)
            with self.lock:
                words = random.sample(self.old_words, min(5, len(self.old_words)))
            for mid, word in words:
                for page in ("", "raw", "T/"):
                    if word in self.patiently(f"/loom/{mid}/{page}")[1]:
                        self.failed(f"/loom/{mid}/{page} shows {word} again")

    # What is done to the server.

    def index(self):
        while not self.over.wait(45):
            self.command("index", "--all", *(["--reindex"] if random.random() < 0.3 else []))

    def configure(self):
        """A third list comes and goes; SIGHUP in between."""
        config = self.directory / "config"
        bare = config.read_text()
        for n in range(10**9):
            if self.over.wait(15):
                return
            with_it = f'{bare}[publicinbox "guest"]\n\tinboxdir = {self.directory}/ksummit\n\taddress = guest@lists.example\n'
            new = self.directory / "config.new"
            new.write_text(with_it if n % 2 == 0 else bare)
            new.replace(config)
            self.server.send_signal(signal.SIGHUP)

    # Who reads.

    def crawl(self):
        path = "/"
        while not self.over.is_set():
            status, headers, body = self.ask(path)
            links = re.findall(rb'href="([^"]+)"', body) if status == 200 else []
            here = [urljoin(path, unescape(link.decode(errors="replace"))) for link in links]
            here = [urlsplit(link)._replace(fragment="").geturl() for link in here if link.startswith("/")]
            path = random.choice(here) if here and random.random() < 0.97 else "/"

    def read(self, *paths):
        while not self.over.wait(random.random()):
            path = random.choice(paths)
            if "{mid}" in path:
                with self.lock:
                    if not self.here:
                        continue
                    path = path.replace("{mid}", random.choice(self.here[-50:]))
            path = path.replace("{word}", random.choice(WORDS))
            self.ask(path, "POST" if "x=m" in path else "GET")

    def clone(self):
        count = 0
        while not self.over.wait(10):
            count += 1
            to = self.directory / f"clone-{count}"
            url = f"http://127.0.0.1:{self.port}/{random.choice(['loom', 'ksummit'])}/git/0.git"
            command = ["git", "clone", "-q", "--mirror", url, str(to)]
            for _ in range(10):
                before, under_way = self.rewritten, self.under_way
                done = subprocess.run(command, capture_output=True, timeout=600)
                if done.returncode == 0 or (self.rewritten == before and not under_way):
                    break
                self.broken_off += 1
            if done.returncode != 0:
                self.failed(f"git clone: {done.stderr.decode(errors='replace')[-300:]}")
            else:
                checked = subprocess.run(["git", "-C", str(to), "fsck", "--strict"], capture_output=True, timeout=600)
                if checked.returncode != 0:
                    self.failed(f"git fsck of a clone: {checked.stderr.decode(errors='replace')[-300:]}")
            subprocess.run(["rm", "-rf", str(to)])

    def watch(self):
        began = time.monotonic()
        while not self.over.wait(5):
            status = Path(f"/proc/{self.server.pid}/status").read_text()
            own = int(re.search(r"RssAnon:\s+(\d+)", status)[1]) / 1024
            all_of = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024
            files = len(os.listdir(f"/proc/{self.server.pid}/fd"))
            self.samples.append((time.monotonic() - began, own, all_of, files))
            if len(self.samples) % 12 == 0:
                minutes, own, all_of, files = self.samples[-1]
                print(
                    f"{minutes / 60:5.1f} min: {own:.0f} MB own, {all_of:.0f} MB, {files} files, {len(self.here)} mails, "
                    f"{len(self.gone)} gone, {dict(self.counts)}, {len(self.failures)} failures", flush=True,
                )

    # All of it.

    def prepare(self):
        name, _, epoch = self.options.list.partition("=")
        inbox = self.directory / name
        (inbox / "git").mkdir(parents=True)
        subprocess.run(["git", "clone", "-q", "--mirror", epoch, str(inbox / "git" / "0.git")], check=True)
        (inbox / "inbox.lock").touch()
        (self.directory / "config").write_text(
            f'[threadbare]\n\tindexDir = {self.directory}/index\n\tlmtp = 127.0.0.1:{self.lmtp}\n'
            f'[publicinbox "ksummit"]\n\tinboxdir = {inbox}\n\taddress = ksummit@lists.example\n'
        )
        (self.directory / "ksummit").exists() or (self.directory / "ksummit").symlink_to(inbox)
        self.command(
            "init", "loom", "loom@lists.example", "--url", "http://localhost/loom/", "--dir", str(self.directory / "loom"),
            "--config", str(self.directory / "config"),
        )
        self.command("index", "--all")

    def start(self):
        self.log = self.directory / "log"
        self.server = subprocess.Popen(
            [self.options.program, "serve", "--listen", f"127.0.0.1:{self.port}"],
            env={**self.environment(), "RUST_LOG": "info,access=off"}, stdout=subprocess.DEVNULL, stderr=self.log.open("w"),
        )
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self.lmtp), 1).close()
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        sys.exit("the server does not answer")

    def run(self):
        self.prepare()
        self.start()
        actors = [
            (self.deliver,), (self.remove, "rm", 4), (self.remove, "purge", 30), (self.edit,), (self.index,), (self.configure,),
            (self.crawl,), (self.crawl,), (self.clone,), (self.watch,),
            (self.read, "/loom/new.atom", "/ksummit/new.atom", "/all/new.atom", "/loom/{mid}/t.atom"),
            (self.read, "/loom/?q={word}", "/ksummit/?q={word}&x=A", "/all/?q={word}+{word}", "/loom/?q={word}&x=m"),
            (self.read, "/loom/{mid}/t.mbox.gz", "/loom/all.mbox.gz", "/ksummit/all.mbox.gz", "/loom/{mid}/T/"),
        ]
        threads = []
        for actor, *args in actors:
            thread = threading.Thread(target=self.guarded, args=(actor, *args))
            thread.start()
            threads.append(thread)
        end = time.monotonic() + self.options.minutes * 60
        while time.monotonic() < end and self.server.poll() is None:
            time.sleep(1)
        self.over.set()
        for thread in threads:
            thread.join()
        if self.server.poll() is not None:
            self.failed(f"the server ended: {self.server.returncode}")
        self.server.send_signal(signal.SIGTERM)
        if self.server.wait(60) != 0:
            self.failed(f"the server did not end well: {self.server.returncode}")
        self.command("fsck")
        self.judge()

    def guarded(self, actor, *args):
        try:
            actor(*args)
        except Exception as error:  # a mistake of ours ends the run, too
            self.failed(f"{actor.__name__}: {error!r}")
            self.over.set()

    def judge(self):
        for line in self.log.read_text(errors="replace").splitlines():
            if " ERROR " in line:
                self.failed(f"log: {line}")
        whole = self.options.minutes * 60
        early = [sample for sample in self.samples if whole / 6 <= sample[0] <= whole / 3]
        late = [sample for sample in self.samples if sample[0] >= whole * 5 / 6]
        if early and late:
            means = [[sum(s[n] for s in part) / len(part) for n in (1, 2, 3)] for part in (early, late)]
            (own, all_of, files), (own_late, all_late, files_late) = means
            print(f"own memory {own:.0f} MB, then {own_late:.0f} MB; resident {all_of:.0f}, then {all_late:.0f}; "
                  f"files {files:.0f}, then {files_late:.0f}; at most {max(s[2] for s in self.samples):.0f} MB")
            if own_late > own * 1.25 + 16:
                self.failed(f"memory grows: {own:.0f} MB, then {own_late:.0f} MB")
            if files_late > files * 1.25 + 16:
                self.failed(f"descriptors leak: {files:.0f}, then {files_late:.0f}")
        print(f"answers by status: {dict(sorted(self.counts.items()))}")
        print(f"{len(self.here) + len(self.gone)} mails came, {len(self.gone)} went, {len(self.old_words)} were edited")
        print(f"{self.broken_off} clones broke off while history was written anew")
        for what, times in sorted(self.lags.items()):
            times.sort()
            print(f"  {what}: {len(times)} times, p50 {times[len(times) // 2]:.2f} s, "
                  f"p99 {times[int(len(times) * 0.99)]:.2f} s, at most {times[-1]:.2f} s")
        for line in self.failures[:40]:
            print(f"  {line}")
        print(f"{len(self.failures)} failures" if self.failures else "all held")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="the threadbare that is tried")
    parser.add_argument("--list", required=True, metavar="ksummit=EPOCH", help="a list to be read, copied first")
    parser.add_argument("--port", type=int, default=8390, help="for HTTP; the next one is for LMTP")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--scratch", help="where to put things; the system's place by default")
    parser.add_argument("--keep", action="store_true", help="leave what was made where it is")
    options = parser.parse_args()
    options.program = str(Path(options.program).resolve())
    directory = tempfile.mkdtemp(prefix="soak-", dir=options.scratch)
    soak = Soak(options, Path(directory))
    soak.run()
    if not options.keep:
        subprocess.run(["rm", "-rf", directory])
    sys.exit(bool(soak.failures))
