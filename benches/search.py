#!/usr/bin/env python3
"""The search part of the benchmark: real queries of every kind, one after the other, to Threadbare and to public-inbox
over the same list; and a query of two words to a large synthetic archive.

    benches/search.py URL/LIST [URL/LIST …]      measures servers that run already, in turn (Linux: on this machine)

One client asks, so that a query's time is its own. Where the machine is noisy the CPU seconds of the servers tell more
than the clock, and both are shown.
"""

import contextlib
import os
import re
import socket
import statistics
import sys
import time
import urllib.parse
from pathlib import Path

import load
from servers import Serving

# Of linux-mtd: words, phrases, places, people, ids, patches, operators, dates; rare and common.
QUERIES = [
    "nand", "spi-nor locking", "ubifs corruption", "smatch", "regression", '"bad block table"', '"memory leak" free', "s:rawnand",
    's:"mtd: spi-nor" d:20200101..20200401', "f:miquel", "f:richard@nod.at", "f:miquel.raynal@bootlin.com s:patch", "t:linux-mtd c:linux-kernel",
    "a:torvalds", "m:20200114182949.5b5165b7@xps13", "mid:20200114182949.5b5165b7@xps13", "n:patch OR n:diff", "dfn:drivers/mtd/nand/raw", "dfn:Makefile dfb:obj",
    "dfb:devm_kzalloc", "dfhh:nand_scan", "dfpre:b47691e", "q:ubi nq:volume", "erase NEAR/3 block", "ubi AND (fastmap OR wear) NOT s:re", "write*",
    "d:20200101..20200131", "rt:1577836800..1580515200 f:tudor", "s:jffs2 OR s:squashfs", "don't think so",
    'nq:"Reviewed-by: Miquel"', " OR ".join(f"patchid:{n:040x}" for n in range(100)),
]
# Both are in most mails of benches/synthetic.py, so nothing is to be saved by looking at few.
TWO_WORDS = "heddle treadle"


def cpu_seconds(pids):
    """User and system time of these processes and of their children that have ended."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / 100


class Asking:
    """One connection to a server, and how long its answers took. It is a bare socket: http.client takes longer for a request
    than some answers do."""

    def __init__(self, host, port, inbox):
        self.connection = socket.create_connection((host, port), timeout=120)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.host, self.inbox, self.seconds, self.statuses = f"{host}:{port}", inbox, {}, set()
        self.buffer = bytearray(4 << 20)

    def ask(self, query, keep=True):
        path = f"/{self.inbox}/?q={urllib.parse.quote(query, safe='')}"
        request = f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode()
        began = time.perf_counter()
        self.connection.sendall(request)
        status = self.answer()
        if keep:
            self.seconds.setdefault(query, []).append(time.perf_counter() - began)
        self.statuses.add(status)
        return status

    def answer(self):
        """Reads one answer to its end; its status."""
        got, view, is_whole = 0, memoryview(self.buffer), None
        while is_whole is None or not is_whole(got):
            more = self.connection.recv_into(view[got:])
            if not more:
                raise SystemExit(f"{self.host} closed the connection")
            got += more
            if is_whole is None:
                is_whole = self.end(self.buffer.find(b"\r\n\r\n", 0, got))
        return int(self.buffer[9:12])

    def end(self, headers):
        """What tells whether an answer is whole, once its headers are."""
        if headers < 0:
            return None
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", self.buffer[:headers])
        if length:
            whole = headers + 4 + int(length[1])
            return lambda got: got >= whole
        return lambda got: self.buffer[got - 7:got] == b"\r\n0\r\n\r\n"


def drive(host, port, inbox, pids, queries=QUERIES, repeats=10):
    """Asks every query some times after two rounds to warm up; times in ms, CPU ms for one query."""
    asking = Asking(host, port, inbox)
    for query in queries * 2:  # a page is kept when it is asked for again
        asking.ask(query, keep=False)
    before = cpu_seconds(pids())
    for _ in range(repeats):
        for query in queries:
            asking.ask(query)
    cpu = cpu_seconds(pids()) - before
    best = sorted(1000 * statistics.median(times) for times in asking.seconds.values())
    every = sorted(1000 * one for times in asking.seconds.values() for one in times)
    if asking.statuses - {200, 404}:
        raise SystemExit(f"port {port} answered {asking.statuses}")
    return {"median": statistics.median(best), "p99": every[int(len(every) * 0.99)], "slowest": best[-1],
            "cpu": 1000 * cpu / (repeats * len(queries)),
            "queries": {query: 1000 * statistics.median(times) for query, times in asking.seconds.items()}}


@contextlib.contextmanager
def asking_from(cpu):
    """The client is this process: it stays away from the processor of the server."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def measure(servers, inbox, cpu, client_cpu, rounds):
    """All queries to each server in turn, over a fresh server each time."""
    runs = {}
    for _ in range(rounds):
        for server in servers:
            for asked, asking in (("first", server.without_cache()), ("again", server)):
                with asking_from(client_cpu), Serving(asking, cpu) as serving:
                    load.settle(serving, f"/{inbox}/?q=nand")
                    result = drive("127.0.0.1", serving.port, inbox, serving.processes)
                    runs.setdefault((server.name, asked), []).append(result)
    middle = lambda results, key: statistics.median(result[key] for result in results)
    return {"list": inbox, "count": len(QUERIES),
            "rows": {key: {name: middle(results, name) for name in ("median", "p99", "cpu")} for key, results in runs.items()}}


def measure_large(server, inbox, cpu, client_cpu, repeats=30):
    """The first page of the newest of what two words find; ms."""
    with asking_from(client_cpu), Serving(server.without_cache(), cpu) as serving:
        load.settle(serving, f"/{inbox}/?q=loom")
        return drive("127.0.0.1", serving.port, inbox, serving.processes, queries=[TWO_WORDS], repeats=repeats)


def section(found):
    """What was measured, as a section of docs/performance.md."""
    out = ["## Searches\n"]
    if "rows" in found:
        rows = found["rows"]
        out.append(f"`{found['list']}`: {found['count']} queries of all kinds, one after the other, each page with up to 200 results; "
                   "public-inbox indexed with `-L full`. *For the first time*: no finished page is kept. *Again*: the same pages once "
                   "more, as they are kept.\n")
        lines = ["|  | median ms | p99 ms | CPU ms a query |", "|---|---:|---:|---:|"]
        for asked, title in (("first", "for the first time"), ("again", "again")):
            names = [name for name, when in rows if when == asked]
            for name in names:
                row = rows[name, asked]
                lines.append(f"| {name}, {title} | {row['median']:.2f} | {row['p99']:.2f} | {row['cpu']:.2f} |")
            if len(names) == 2:
                ours, peer = (rows[name, asked] for name in names)
                ratio = [f"{peer[key] / max(ours[key], 0.01):.1f}×" for key in ("median", "p99", "cpu")]
                lines.append(f"| ours is better by | {' | '.join(ratio)} |")
        out.append("\n".join(lines) + "\n")
    if "large" in found:
        large = found["large"]
        out.append(f"Of {large['mails']:,} synthetic mails, most of which have both words of the query, the first page of the newest "
                   f"takes {large['median']:.1f} ms (p99 {large['p99']:.1f} ms, CPU {large['cpu']:.1f} ms).\n")
    return "\n".join(out)


def listening(port):
    """The processes that listen on a port of this machine, for measuring servers that somebody else has started."""
    inodes = {line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
              if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"}
    pids = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            target = str(link.readlink())
        except OSError:
            continue
        if target.startswith("socket:[") and target[8:-1] in inodes:
            pids.add(int(link.parts[2]))
    children = {int(stat.parent.name) for stat in Path("/proc").glob("[0-9]*/stat") if parent_of(stat) in pids}
    return pids | children


def parent_of(stat):
    try:
        return int(stat.read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return None


def main():
    for url in sys.argv[1:]:
        parts = urllib.parse.urlsplit(url)
        result = drive(parts.hostname, parts.port, parts.path.strip("/"), lambda: listening(parts.port))
        print(f"{url}: median {result['median']:.2f} ms, p99 {result['p99']:.2f} ms, CPU {result['cpu']:.2f} ms a query")
        for query, ms in result["queries"].items():
            print(f"  {ms:8.2f} ms  {query[:70]}")


if __name__ == "__main__":
    main()
