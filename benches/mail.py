"""How fast mail comes in: a mailbox imported, one mail delivered, a thousand at once.

public-inbox has no command that imports a mailbox. What it offers is its Perl library (`import_mbox`, which its own importer
scripts call: one process, indexing as it goes) and, slower, a Maildir that `public-inbox-watch` scans and
`public-inbox-mda` for each mail. The library is the one to beat.
"""

import http.client
import os
import shutil
import smtplib
import socket
import statistics
import subprocess
import threading
import time

from servers import GIT, Serving, Threadbare, free_port, run, timed

IMPORT_MBOX = """
my ($name, $mbox) = @ARGV;
my $ibx = PublicInbox::Config->new->lookup_name($name);
open my $fh, '<', $mbox or die "$mbox: $!";
PublicInbox::InboxWritable->new($ibx)->import_mbox($fh, 'mboxrd');
"""
DELIVERIES, BURST, AT_ONCE = 50, 1000, 8


class Fresh:
    """An empty inbox with a config and indexes of its own."""

    def __init__(self, work, name, level="full"):
        self.name, self.address = name, f"{name}@lists.example.org"
        self.home = work / name
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        self.directory, self.config = self.home / "inbox", self.home / "config"
        self.config.write_text(
            f"[threadbare]\n\tindexDir = {self.home / 'index'}\n[publicinboxmda]\n\tspamcheck = none\n[publicinbox]\n\twwwListing = all\n")
        self.env = {"PI_CONFIG": str(self.config), "HOME": str(self.home), "PI_EMERGENCY": str(self.home / "emergency")}
        # Laid by public-inbox for both, so that each finds what it expects.
        run("public-inbox-init", "-V2", "-L", level, name, self.directory, f"https://lists.example.org/{name}/", self.address,
            env=self.env)
        for key, value in (("filter", "PublicInbox::Filter::Mirror"), ("indexlevel", level)):
            run("git", "config", "-f", self.config, f"publicinbox.{name}.{key}", value)

    def stored(self):
        """How many mails its epochs hold."""
        epochs = sorted((self.directory / "git").glob("*.git"))
        return sum(int(run("git", "-C", epoch, "rev-list", "--count", "--all")) for epoch in epochs)


class Served(Serving):
    """A server over such an inbox, on whichever processor is free."""

    def __init__(self, command, env):
        self.given, self.given_env = command, env
        super().__init__(self, 0)

    def command(self, port):
        return [part.replace("PORT", str(port)) for part in map(str, self.given)]

    @property
    def env(self):
        return self.given_env

    def __enter__(self):
        self.cpu = f"0-{os.cpu_count() - 1}"
        return super().__enter__()


def mail(inbox, number, tag):
    words = f"What number {number} says. " * 40
    return (f"From: Bench <bench@weaver.example>\nTo: {inbox.address}\nSubject: {tag} {number}\n"
            f"Date: Thu, 1 Jan 2026 {number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02} +0000\n"
            f"Message-ID: <{tag}.{number}@weaver.example>\n\n{words}\n").encode()


def measure_import(binary, work, mbox, maildir, count, rounds, say):
    """Wall and CPU seconds and memory of each way to take a whole list in, its words indexed."""
    rows = []

    def row(name, runs, mails):
        wall, cpu, memory = (statistics.median(values) for values in zip(*runs))
        rows.append({"name": name, "wall": wall, "cpu": cpu, "memory": memory, "mails": mails})
        say(f"import: {name}: {mails / wall:,.0f} mails/s, {wall:.1f} s, CPU {cpu:.1f} s")

    ours, theirs = [], []
    for n in range(rounds):
        inbox = Fresh(work, "imported")
        ours.append(timed(binary, "import", inbox.name, mbox, env=inbox.env))
        assert inbox.stored() == count, inbox.stored()
        if n < 2:
            inbox = Fresh(work, "theirs")
            theirs.append(timed("perl", "-MPublicInbox::Config", "-MPublicInbox::InboxWritable", "-e", IMPORT_MBOX, inbox.name, mbox,
                                env=inbox.env))
            assert inbox.stored() == count, inbox.stored()
    row("threadbare import", ours, count)
    row("public-inbox, import_mbox of its library", theirs, count)
    few, inbox = 100, Fresh(work, "theirs")
    began = time.perf_counter()
    before = os.times()
    for file in sorted((maildir / "new").iterdir())[:few]:
        with file.open("rb") as raw:
            subprocess.run(["public-inbox-mda", "--no-precheck"], stdin=raw, check=True,
                           env={**os.environ, **GIT, **inbox.env, "ORIGINAL_RECIPIENT": inbox.address})
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    row(f"public-inbox-mda, one by one ({few} mails)", [(time.perf_counter() - began, cpu, 0)], few)
    return rows


def listens(port):
    """Waits until somebody does."""
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)


def appears(port, path):
    """Waits until the page is there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while True:
        connection.request("GET", path)
        reply = connection.getresponse()
        reply.read()
        if reply.status == 200:
            return
        time.sleep(0.001)


def measure_delivery(inbox, server, deliver, count):
    """Milliseconds from the start of the program that delivers until the mail's page answers 200."""
    times, cpu = [], os.times()
    with Served(server, inbox.env) as serving:
        for number in range(count + 3):
            began = time.perf_counter()
            child = subprocess.Popen([str(part) for part in deliver], stdin=subprocess.PIPE,
                                     env={**os.environ, **GIT, **inbox.env, "ORIGINAL_RECIPIENT": inbox.address})
            child.stdin.write(mail(inbox, number, "single"))
            child.stdin.close()
            appears(serving.port, f"/{inbox.name}/single.{number}@weaver.example/")
            if number >= 3:  # the first ones find everything cold
                times.append((time.perf_counter() - began) * 1000)
            if child.wait() != 0:
                raise SystemExit(f"{deliver[0]} failed")
    now = os.times()
    spent = now.children_user + now.children_system - cpu.children_user - cpu.children_system
    return {"p50": statistics.median(times), "max": max(times), "cpu": spent / (count + 3) * 1000}


def burst(inbox, tag, send):
    """A thousand mails by a few senders at once; seconds until the last is acknowledged, and whether all are there."""
    before = inbox.stored()
    numbers, failed = iter(range(BURST)), []
    turn = threading.Lock()

    def work():
        with send() as one:
            while True:
                with turn:
                    number = next(numbers, None)
                if number is None:
                    return
                try:
                    one(mail(inbox, number, tag))
                except Exception as error:  # whatever it was, the mail is not acknowledged
                    failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(AT_ONCE)]
    began = time.perf_counter()
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "failed": len(failed), "stored": inbox.stored() - before}


class Pipe:
    """`threadbare deliver`, a program for each mail."""

    def __init__(self, binary, inbox):
        self.command, self.env = [str(binary), "deliver", inbox.name], {**os.environ, **GIT, **inbox.env}

    def __enter__(self):
        return lambda raw: subprocess.run(self.command, input=raw, env=self.env, check=True, capture_output=True)

    def __exit__(self, *_):
        pass


class Lmtp:
    """A connection for many mails."""

    def __init__(self, port, inbox):
        self.port, self.inbox = port, inbox

    def __enter__(self):
        self.client = smtplib.LMTP("127.0.0.1", self.port)
        return lambda raw: self.client.sendmail("bench@weaver.example", [self.inbox.address], raw)

    def __exit__(self, *_):
        self.client.quit()


def measure(binary, work, inbox, rounds, say):
    """All of it; `inbox` is the real list that is taken out and in."""
    place = work / "mail"
    place.mkdir()
    real = Threadbare(binary, place, [inbox])
    mbox, maildir = place / "list.mbox", place / "list.maildir"
    said = {}
    for form, path in (("mbox", mbox), ("maildir", maildir)):
        done = subprocess.run([str(binary), "export", inbox.name, "--format", form, "-o", str(path)],
                              env={**os.environ, **GIT, **real.env}, capture_output=True, text=True, check=True)
        said[form] = int(done.stderr.split()[-3])
    found = {"list": inbox.name, "megabytes": mbox.stat().st_size / 1e6}
    found["import"] = measure_import(binary, place, mbox, maildir, said["mbox"], rounds, say)

    ours = Fresh(place, "single")
    found["delivery"] = {"threadbare": measure_delivery(
        ours, [binary, "serve", "--listen", "127.0.0.1:PORT"], [binary, "deliver", ours.name], DELIVERIES)}
    theirs = Fresh(place, "single-theirs")
    found["delivery"]["public-inbox"] = measure_delivery(
        theirs, ["public-inbox-httpd", "-W0", "-l", "http://127.0.0.1:PORT"], ["public-inbox-mda", "--no-precheck"], 10)
    for name, one in found["delivery"].items():
        say(f"delivery: {name}: p50 {one['p50']:.0f} ms, longest {one['max']:.0f} ms, CPU {one['cpu']:.0f} ms")

    inbox, lmtp = Fresh(place, "burst"), free_port()
    found["burst"] = {}
    server = [binary, "serve", "--listen", "127.0.0.1:PORT", "--lmtp", f"127.0.0.1:{lmtp}"]
    with Served(server, inbox.env) as serving:
        listens(lmtp)
        for name, send in (("LMTP", lambda: Lmtp(lmtp, inbox)), ("pipe", lambda: Pipe(binary, inbox))):
            found["burst"][name] = one = burst(inbox, name, send)
            appears(serving.port, f"/{inbox.name}/{name}.{BURST - 1}@weaver.example/")
            say(f"burst: {name}: {one['seconds']:.1f} s, {one['failed']} failed, {one['stored']} stored")
            if one["stored"] != BURST or one["failed"]:
                raise SystemExit(f"mail was lost: {one}")
    return found


def section(found):
    """What was measured, for the report."""
    from report import number, table, times

    rows = found["import"]
    ours = rows[0]["mails"] / rows[0]["wall"]
    out = ["## Mail comes in\n",
           f"`{found['list']}` as an mbox of {found['megabytes']:.0f} MB into an empty inbox, all words indexed. public-inbox has no "
           "command for that; the fastest way that it has is its library's `import_mbox`, which its importer scripts call.\n",
           table(["", "mails/s", "wall s", "CPU s", "CPU ms a mail", "memory MB", "ours is faster by", "by CPU"],
                 [[row["name"], number(row["mails"] / row["wall"]), number(row["wall"]), number(row["cpu"]),
                   number(row["cpu"] / row["mails"] * 1000), number(row["memory"]) if row["memory"] else "–",
                   "" if row is rows[0] else times(ours, row["mails"] / row["wall"]),
                   "" if row is rows[0] else times(row["cpu"] / row["mails"], rows[0]["cpu"] / rows[0]["mails"])] for row in rows]),
           "One mail, from the start of the program that delivers it until its page answers 200 through a running server:\n",
           table(["", "p50 ms", "longest ms", "CPU ms"],
                 [[name, number(one["p50"]), number(one["max"]), number(one["cpu"])] for name, one in found["delivery"].items()]),
           f"{BURST:,} mails by {AT_ONCE} senders at once, each acknowledged when it is on the disk; none was lost:\n",
           table(["", "seconds", "mails/s"], [[name, number(one["seconds"]), number(BURST / one["seconds"])]
                                            for name, one in found["burst"].items()])]
    return "\n".join(out)
