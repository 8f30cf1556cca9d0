#!/usr/bin/env python3
"""Floods a server with the dear half of its addresses while ordinary visitors go on reading, and says how they fared.

    benches/attack.py --program target/release/threadbare --list ksummit=/path/to/0.git --port 8380
    benches/attack.py --url http://127.0.0.1:8381/ --list ksummit=/path/to/0.git     another server, public-inbox for one

First it is measured how many dear requests a second the machine answers; then --times as many come, whether or not they are
answered, from thousands of networks (X-Forwarded-For, which a server of ours is told to trust): random searches, unknown Message-IDs,
differences of copies, results as mboxes, whole lists. The ordinary visitors are like b4 (a thread as mbox), a feed reader, and a text browser. Afterwards, where --program is
given: --idle connections that say nothing, --slow readers, --clones at once.

Where there are two processors or more, the server has one for itself and all others are on the rest, the flood at nice 19: what
visitors feel is the server, and not what the flood itself takes.
"""

import argparse
import asyncio
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote, urlsplit

WORDS = "patch review maintainer kernel summit driver thread commit tree release test bug driver flash nand the of"
WORDS = WORDS.split()


class Target:
    """Where the requests go, and what is there."""

    def __init__(self, host, port, name, seed):
        self.host, self.port, self.name = host, port, name
        self.random = random.Random(seed)
        self.ids = []

    def network(self):
        r = self.random
        return f"{r.randint(11, 99)}.{r.randint(0, 255)}.{r.randint(0, 255)}.{r.randint(1, 254)}"

    async def ask(self, path, method="GET", client=None, limit=None, patience=60):
        """Status and time in ms; the body is read to its end, or up to `limit` bytes and then left."""
        began = time.monotonic()
        headers = f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\nConnection: close\r\n"
        if client:
            headers += f"X-Forwarded-For: {client}\r\n"
        if method == "POST":
            headers += "Content-Length: 0\r\n"
        writer = None
        try:
            async with asyncio.timeout(patience):
                reader, writer = await asyncio.open_connection(self.host, self.port)
                writer.write((headers + "\r\n").encode())
                await writer.drain()
                head = await reader.readuntil(b"\r\n\r\n")
                size = 0
                body = bytearray()
                while piece := await reader.read(65536):
                    size += len(piece)
                    if len(body) < 4_000_000:
                        body += piece
                    if limit and size >= limit:
                        break
                status = int(head.split(b" ", 2)[1])
                return status, (time.monotonic() - began) * 1000, bytes(body)
        except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError):
            return 0, (time.monotonic() - began) * 1000, b""
        finally:
            if writer:
                writer.close()

    async def learn(self):
        """Ids of messages, from the pages that list them."""
        path, seen = f"/{self.name}/", set()
        for _ in range(20):
            status, _, body = await self.ask(path)
            if status != 200:
                break
            text = body.decode(errors="replace")
            seen.update(re.findall(r'href="([^"/#?]+(?:@|%40)[^"/#?]+)/', text))
            older = re.search(r'href="\?(t=[0-9]+)"', text)
            if not older:
                break
            path = f"/{self.name}/?{older[1]}"
        self.ids = sorted(seen)
        if not self.ids:
            sys.exit("no message was found")

    def expensive(self):
        """One request of the flood: method, path, and how much of the answer is read."""
        r = self.random
        mid = r.choice(self.ids)
        words = "+".join(r.sample(WORDS, 3))
        kind = r.random()
        if kind < 0.5:
            return "GET", f"/{self.name}/?q={words}+d:..2026{r.randint(1000, 1231)}&o={r.randint(0, 999)}", None
        if kind < 0.7:
            return "GET", f"/{self.name}/{r.getrandbits(64):x}.{r.getrandbits(64):x}@{words[:9]}.example/", None
        if kind < 0.8:
            return "GET", f"/{self.name}/{mid}/d/", None
        if kind < 0.95:
            return "POST", f"/{self.name}/?q={quote(words)}&x=m", 300_000
        return "GET", f"/{self.name}/all.mbox.gz", 500_000


# So many requests of the flood may be under way; beyond that the flood itself would run out of descriptors.
UNDER_WAY = 8000
# So many begin in the same instant: thousands of networks do not keep step, even where this program has fallen behind.
AT_ONCE = 20


def apart(server):
    """The server on the last processor, we on the others."""
    cores = sorted(os.sched_getaffinity(0))
    if server and len(cores) > 1:
        for thread in os.listdir(f"/proc/{server}/task"):
            os.sched_setaffinity(int(thread), cores[-1:])
        os.sched_setaffinity(0, cores[:-1])


def flooding(target, attackers, rate, stop, told):
    """A process of its own, or the visitors' times would be those of this program."""
    os.nice(19)
    counts, began = {}, time.monotonic()
    asyncio.run(storm(target, rate, stop, counts) if rate else all_of(target, attackers, stop, counts))
    told.put((counts, time.monotonic() - began))


async def all_of(target, attackers, stop, counts):
    """So many who each ask again when they were answered."""

    async def one():
        while not stop.is_set():
            await strike(target, counts)

    await asyncio.gather(*(one() for _ in range(attackers)))


async def storm(target, rate, stop, counts):
    """So many requests a second, answered or not."""
    under_way, sent, began = set(), 0, time.monotonic()
    while not stop.is_set():
        due = int((time.monotonic() - began) * rate) - sent
        for _ in range(max(0, min(due, AT_ONCE, UNDER_WAY - len(under_way)))):
            task = asyncio.create_task(strike(target, counts))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            sent += 1
        await asyncio.sleep(0.005)
    counts["sent"] = sent
    for task in under_way:
        task.cancel()


async def strike(target, counts):
    method, path, limit = target.expensive()
    status, _, _ = await target.ask(path, method, target.network(), limit, 30)
    counts[status] = counts.get(status, 0) + 1


async def visit(target, kind, stop, figures):
    client = f"10.{len(kind)}.7.1"
    while not stop.is_set():
        mid = target.random.choice(target.ids)
        path = {
            "message": f"/{target.name}/{mid}/",
            "b4": f"/{target.name}/{mid}/t.mbox.gz",
            "feed": f"/{target.name}/new.atom",
            "front": f"/{target.name}/",
            "thread": f"/{target.name}/{mid}/T/",
        }[kind]
        status, ms, _ = await target.ask(path, client=client)
        figures.setdefault(kind, []).append((status, ms))
        await asyncio.sleep(0.05)


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def resident(pid):
    try:
        text = Path(f"/proc/{pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024
    except (OSError, TypeError):
        return 0.0


async def measure(target, title, seconds, attackers, pid, extra=None, rate=0):
    stop, figures, counts, took = asyncio.Event(), {}, {}, 1
    enough, told = multiprocessing.Event(), multiprocessing.Queue()
    flooders = multiprocessing.Process(target=flooding, args=(target, attackers, rate, enough, told))
    if attackers or rate:
        flooders.start()
        await asyncio.sleep(2)
    kinds = ["message"] * 4 + ["b4", "feed", "front", "thread"]
    tasks = [asyncio.create_task(visit(target, kind, stop, figures)) for kind in kinds]
    peak = 0.0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await asyncio.sleep(1)
        peak = max(peak, resident(pid)) if pid else 0.0
    if extra:
        await extra
    stop.set()
    enough.set()
    await asyncio.wait(tasks, timeout=60)
    if attackers or rate:
        counts, took = await asyncio.to_thread(told.get)
        flooders.join()
    print(f"\n{title}")
    for kind, all_of in sorted(figures.items()):
        times = [ms for _, ms in all_of]
        failed = sum(1 for status, _ in all_of if status != 200)
        print(
            f"  {kind:8} {len(all_of):6} asked, {failed} failed, p50 {percentile(times, 0.5):7.1f} ms, "
            f"p99 {percentile(times, 0.99):7.1f} ms, slowest {max(times):7.1f} ms"
        )
    if counts:
        sent = counts.pop("sent", None)
        offered = f", {sent / took:.0f} a second were sent" if sent else ""
        answered = sum(counts.values())
        print(
            f"  flood: {answered} answered in {took:.0f} s, by status {dict(sorted(counts.items()))} (0: given up){offered}"
        )
    if pid:
        print(f"  resident memory at most {peak:.0f} MB")
    served = sum(count for status, count in counts.items() if status and status < 500)
    return served / took


async def hold(target, many, request):
    """Connections that have sent this, and do nothing more."""
    held = []
    for _ in range(many):
        try:
            reader, writer = await asyncio.open_connection(target.host, target.port, limit=1024)
            writer.write(request)
            held.append(writer)
        except OSError as error:
            print(f"  {len(held)} connections were had: {error}")
            break
    return held


async def clones(target, many, directory):
    """So many clones at once; how many came to a good end, and in what time."""
    began = time.monotonic()

    async def clone(n):
        url = f"http://{target.host}:{target.port}/{target.name}/git/0.git"
        process = await asyncio.create_subprocess_exec(
            # As those of the flood: or the visitors' times would be those of a machine that is busy with receiving clones.
            "nice", "-n", "19", "git", "clone", "-q", "--bare", url, f"{directory}/clone-{n}",
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        return await process.wait() == 0

    done = await asyncio.gather(*(clone(n) for n in range(many)))
    print(f"  clones: {sum(done)} of {many} complete, in {time.monotonic() - began:.0f} s")


def serve(options, directory, name, epoch):
    """Lays an inbox over the epoch, indexes and serves it."""
    inbox = directory / name
    (inbox / "git").mkdir(parents=True)
    (inbox / "git" / "0.git").symlink_to(Path(epoch).resolve())
    (inbox / "inbox.lock").touch()
    config = directory / "config"
    config.write_text(
        f'[publicinbox "{name}"]\n\tinboxdir = {inbox}\n\taddress = {name}@lists.example\n'
        '[threadbare "proxy"]\n\ttrust = 127.0.0.1\n'
        f"[threadbare]\n\tindexDir = {directory / 'index'}\n"
    )
    environment = {**os.environ, "PI_CONFIG": str(config)}
    subprocess.run([options.program, "index", "--all"], env=environment, check=True, stderr=subprocess.DEVNULL)
    log = open(directory / "log", "w")
    command = [options.program, "serve", "--listen", f"127.0.0.1:{options.port}"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=log)


async def main(options):
    name, _, epoch = options.list.partition("=")
    with tempfile.TemporaryDirectory(dir=options.scratch) as directory:
        directory = Path(directory)
        server = None
        try:
            if options.program:
                server = serve(options, directory, name, epoch)
                target = Target("127.0.0.1", options.port, name, 7)
            else:
                url = urlsplit(options.url)
                target = Target(url.hostname, url.port, name, 7)
            for _ in range(200):
                if (await target.ask(f"/{name}/"))[0] == 200:
                    break
                await asyncio.sleep(0.1)
            await target.learn()
            pid = server.pid if server else options.pid
            apart(pid)
            print(f"{len(target.ids)} messages are known, load of the machine {os.getloadavg()[0]:.1f}")
            await measure(target, "quiet", options.seconds / 3, 0, pid)
            able = await measure(target, "as much as it can do", options.seconds / 3, 8, pid)
            rate = able * options.times
            title = f"flooded: {able:.0f} dear requests a second can be answered, {rate:.0f} come"
            await measure(target, title, options.seconds, 0, pid, rate=rate)
            if options.idle:
                held = await hold(target, options.idle, b"")
                await measure(target, f"{len(held)} silent connections", options.seconds / 3, 0, pid)
                for writer in held:
                    writer.close()
            if options.slow:
                request = f"GET /{name}/all.mbox.gz HTTP/1.1\r\nHost: x\r\n\r\n".encode()
                held = await hold(target, options.slow, request)
                await measure(target, f"{len(held)} slow readers", options.seconds / 3, 0, pid)
                for writer in held:
                    writer.close()
            if options.clones:
                extra = clones(target, options.clones, directory)
                await measure(target, f"{options.clones} clones", 1, 0, pid, extra)
        finally:
            if server:
                server.send_signal(signal.SIGTERM)
                server.wait(60)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", help="a threadbare to be served by")
    parser.add_argument("--url", help="a server that runs already, instead")
    parser.add_argument("--pid", type=int, help="its process, for its memory")
    parser.add_argument("--list", required=True, metavar="NAME=EPOCH")
    parser.add_argument("--port", type=int, default=8380)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--times", type=float, default=10, help="how much of what can be answered the flood asks for")
    parser.add_argument("--idle", type=int, default=0)
    parser.add_argument("--slow", type=int, default=0)
    parser.add_argument("--clones", type=int, default=0)
    parser.add_argument("--scratch", help="where to put things; the system's place by default")
    options = parser.parse_args()
    if bool(options.program) == bool(options.url):
        parser.error("one of --program and --url is needed")
    asyncio.run(main(options))
