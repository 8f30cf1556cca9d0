"""Drives a server with wrk: the same page again and again, or another one each time."""

import gzip
import random
import re
import subprocess
import time
import urllib.parse
import urllib.request
from email.utils import parsedate_to_datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
KINDS = ("message", "raw", "T/", "t/", "t.mbox.gz", "t.atom", "inbox page", "new.atom")


class Result:
    def __init__(self, line, memory):
        answered, seconds, self.bad, p50, p99 = line.split()[1:]
        self.rate = int(answered) / float(seconds) if float(seconds) else 0.0
        self.answered, self.bad = int(answered), int(self.bad)
        self.p50, self.p99 = int(p50) / 1000, int(p99) / 1000  # milliseconds
        self.memory = memory


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
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise SystemExit(f"wrk: {done.stdout}")
    return Result(line, serving.peak_memory())


def fetch(url):
    with urllib.request.urlopen(url, timeout=600) as answer:
        return answer.read()


class Archive:
    """What there is to ask for in an inbox, from its own mbox; in an order that is random and always the same."""

    def __init__(self, serving, inbox):
        self.inbox = inbox
        mbox = gzip.decompress(fetch(f"{serving.url}/{inbox}/all.mbox.gz"))
        self.ids, dates, parent = [], [], {}
        for mail in mbox.split(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n")[1:]:
            head = re.sub(rb"\r?\n[ \t]+", b" ", mail.split(b"\n\n", 1)[0]).decode("utf-8", "replace")
            find = lambda name: re.findall(rf"^{name}:(.*)$", head, re.M | re.I)
            own = re.search(r"<([^>\s]+)>", " ".join(find("Message-ID")))
            if not own:
                continue
            self.ids.append(own.group(1))
            # Threads by union of all that is referred to: close enough to choose one message of each.
            roots = [self.root(parent, one) for one in
                     [own.group(1)] + re.findall(r"<([^>\s]+)>", " ".join(find("References") + find("In-Reply-To")))]
            for root in roots:
                parent[root] = roots[0]
            try:
                dates.append(parsedate_to_datetime(find("Date")[0].strip()))
            except (IndexError, ValueError, TypeError):
                pass
        threads = {}
        for mid in self.ids:
            threads.setdefault(self.root(parent, mid), mid)
        self.threads = list(threads.values())
        self.times = [date.strftime("%Y%m%d%H%M%S") for date in dates if 1990 < date.year < 2030]
        for each in (self.ids, self.threads, self.times):
            random.Random(7).shuffle(each)

    @staticmethod
    def root(parent, mid):
        while parent.setdefault(mid, mid) != mid:
            parent[mid] = mid = parent[parent[mid]]
        return mid

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
