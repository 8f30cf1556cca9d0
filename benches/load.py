"""Drives a server with wrk: the same page again and again, or another one each time."""

import contextlib
import random
import sqlite3
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
KINDS = ("message", "raw", "T/", "t/", "t.mbox.gz", "t.atom", "inbox page", "new.atom")


class Result:
    def __init__(self, line, memory, cpu):
        answered, seconds, self.bad, p50, p99 = line.split()[1:]
        self.rate = int(answered) / float(seconds) if float(seconds) else 0.0
        self.answered, self.bad = int(answered), int(self.bad)
        self.p50, self.p99 = int(p50) / 1000, int(p99) / 1000  # milliseconds
        self.memory = memory
        self.cpu = cpu / max(self.answered, 1)  # seconds of the server for each request


def drive(serving, cpu, seconds, path="/", paths=None, connections=4):
    """One run of wrk on a processor of its own."""
    if paths is None:
        script, rest = HERE / "again.lua", []
        url = serving.url + path
    else:
        file = HERE.parent / "target" / "bench" / "paths.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(paths) + "\n")
        script, rest, url = HERE / "walk.lua", ["--", str(file)], serving.url
    command = ["taskset", "-c", str(cpu), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s",
               "-s", str(script), url, *rest]
    before = serving.spent()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise SystemExit(f"wrk: {done.stdout}")
    return Result(line, serving.memory(), serving.spent() - before)


def fetch(url):
    with urllib.request.urlopen(url, timeout=600) as answer:
        return answer.read()


class Archive:
    """What there is to ask for in an inbox, from the catalogue; in an order that is random and always the same."""

    def __init__(self, index_dir, inbox):
        self.inbox = inbox.name
        catalogue = sqlite3.connect(f"file:{index_dir / 'catalogue.sqlite3'}?mode=ro", uri=True)
        with contextlib.closing(catalogue):
            rows = catalogue.execute(
                "SELECT t.text, t.thread, p.received FROM inbox i JOIN place p ON p.inbox = i.id JOIN mid t ON t.id = p.mid "
                "WHERE i.dir = ? AND p.num > 0 ORDER BY p.num", (str(inbox.directory.resolve()),)).fetchall()
        self.ids = [mid for mid, _, _ in rows]
        threads = {}
        for mid, thread, _ in rows:
            threads.setdefault(thread, mid)
        self.threads = list(threads.values())
        self.times = [time.strftime("%Y%m%d%H%M%S", time.gmtime(received)) for _, _, received in rows]
        for each in (self.ids, self.threads, self.times):
            random.Random(7).shuffle(each)

    def message(self, mid, page=""):
        return f"/{self.inbox}/{urllib.parse.quote(mid, safe='@')}/{page}"

    def cold(self, kind):
        """A path for each message, thread or moment of the list."""
        if kind == "inbox page":
            return [f"/{self.inbox}/?t={moment}" for moment in self.times]
        if kind == "new.atom":
            return [f"/{self.inbox}/new.atom?t={moment}" for moment in self.times]
        if kind in ("message", "raw"):
            return [self.message(mid, "" if kind == "message" else kind) for mid in self.ids]
        return [self.message(mid, kind) for mid in self.threads]

    def hot(self, kind, mid):
        """The path of one page."""
        plain = {"inbox page": f"/{self.inbox}/", "new.atom": f"/{self.inbox}/new.atom", "message": self.message(mid)}
        return plain.get(kind) or self.message(mid, kind)


def settle(serving, path):
    """Waits until the server answers that page well."""
    for _ in range(600):
        try:
            return fetch(serving.url + path)
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{serving.url}{path} is never there")
