"""What others take home, and many inboxes at once: clones, whole lists, a site of hundreds of lists, a cache in front."""

import gzip
import os
import resource
import shutil
import statistics
import subprocess
import time

import load
from servers import GIT, Inbox, Serving, Threadbare, field, free_port, run

CLONES = 5
"""Clones of each server in a round, one after the other."""


class Nginx:
    """nginx with git's own CGI behind it, as most sites serve repositories."""
    name = "nginx and git http-backend"
    env = {}

    def __init__(self, work, root):
        self.place, self.root = work / "nginx", root
        self.place.mkdir(exist_ok=True)

    def command(self, port):
        socket, config = self.place / "fcgi.sock", self.place / "nginx.conf"
        socket.unlink(missing_ok=True)
        backend = run("git", "--exec-path").strip() + "/git-http-backend"
        config.write_text(f"""
daemon off; worker_processes 1; pid {self.place}/pid; error_log {self.place}/error.log; user root;
events {{ worker_connections 256; }}
http {{
    access_log off; client_body_temp_path {self.place}; proxy_temp_path {self.place}; fastcgi_temp_path {self.place};
    uwsgi_temp_path {self.place}; scgi_temp_path {self.place};
    server {{
        listen 127.0.0.1:{port};
        location / {{
            fastcgi_pass unix:{socket};
            fastcgi_param SCRIPT_FILENAME {backend};
            fastcgi_param GIT_PROJECT_ROOT {self.root}; fastcgi_param GIT_HTTP_EXPORT_ALL "";
            fastcgi_param PATH_INFO $uri; fastcgi_param QUERY_STRING $query_string;
            fastcgi_param REQUEST_METHOD $request_method; fastcgi_param CONTENT_TYPE $content_type;
            fastcgi_param CONTENT_LENGTH $content_length; fastcgi_param GIT_PROTOCOL $http_git_protocol;
            fastcgi_param HTTP_CONTENT_ENCODING $http_content_encoding;
        }}
    }}
}}
""")
        wrapper = f"fcgiwrap -c 4 -s unix:{socket} & exec nginx -c {config}"
        return ["sh", "-c", f"trap 'kill 0' EXIT; ({wrapper}) & wait"]


def clone(url, to):
    shutil.rmtree(to, ignore_errors=True)
    environment = {**os.environ, **GIT, "GIT_TERMINAL_PROMPT": "0"}
    began = time.perf_counter()
    subprocess.run(["git", "clone", "-q", "--mirror", url, str(to)], env=environment, check=True,
                   stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def measure_clones(server, inbox, work, cpu, rounds):
    """Wall seconds of one clone from each, in turn: medians, and the shortest, which other work disturbed least."""
    rival = Nginx(work, inbox.directory.parent)
    paths = {server.name: f"/{inbox.name}/0", rival.name: f"/{inbox.name}/git/0.git"}
    seconds, spent = {server.name: [], rival.name: []}, {server.name: [], rival.name: []}
    with Serving(server, cpu) as ours, Serving(rival, cpu) as theirs:
        load.settle(ours, f"/{inbox.name}/")
        for _ in range(rounds * CLONES):
            for name, serving in ((server.name, ours), (rival.name, theirs)):
                seconds[name].append(clone(serving.url + paths[name], work / "clone.git"))
    size = sum(f.stat().st_size for f in (work / "clone.git").rglob("*.pack"))
    return {"size": size / 1e6, "rows": [(name, statistics.median(all), min(all)) for name, all in seconds.items()]}


def measure_mbox(server, inbox, work, cpu, rounds):
    """Processor seconds for `all.mbox.gz`, and those of gzip for the same bytes."""
    spent, lengths = [], []
    with Serving(server, cpu) as serving:
        load.settle(serving, f"/{inbox.name}/")
        for _ in range(rounds):
            before = serving.spent()
            packed = load.fetch(f"{serving.url}/{inbox.name}/all.mbox.gz")
            spent.append(serving.spent() - before)
            lengths.append(len(packed))
    mbox = work / "all.mbox"
    mbox.write_bytes(gzip.decompress(packed))
    rows = [("all.mbox.gz", statistics.median(spent), lengths[-1] / 1e6)]
    for level in ("-1", "-6"):
        times = []
        for _ in range(rounds):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            with open(mbox, "rb") as given:
                out = subprocess.run(["gzip", level], stdin=given, stdout=subprocess.PIPE, check=True).stdout
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        rows.append((f"gzip {level}, of the file alone", statistics.median(times), len(out) / 1e6))
    return {"size": mbox.stat().st_size / 1e6, "rows": rows}


def lay_many(work, count, mails=20):
    """A site of so many small lists."""
    place = work / f"many-{count}"
    first, inboxes = place / "lists" / "list-0000", []
    epoch = first / "git" / "0.git"
    run("git", "init", "-q", "--bare", "-b", "master", epoch)
    for n in range(count):
        directory = place / "lists" / f"list-{n:04}"
        if n:
            run("git", "init", "-q", "--bare", "-b", "master", directory / "git" / "0.git")
        stream = b""
        for m in range(mails):
            mail = (f"From: A <a@weaver.example>\nTo: list-{n:04}@lists.example.org\nSubject: Mail {m} of {n}\n"
                    f"Date: Thu, 1 Jan 2026 00:{m % 60:02}:00 +0000\nMessage-ID: <{n}.{m}@weaver.example>\n\n"
                    "Some words about weaving.\n").encode()
            stream += (f"commit refs/heads/master\ncommitter b <b@weaver.example> {1_770_000_000 + n * 60 + m} +0000\ndata 1\nx\n"
                       f"M 100644 inline m\ndata {len(mail)}\n").encode() + mail + b"\n"
        subprocess.run(["git", "-C", str(directory / "git/0.git"), "fast-import", "--quiet"], input=stream, check=True,
                       env={**os.environ, **GIT})
        (directory / "inbox.lock").touch()
        (directory / "description").write_text(f"The list {n}\n")
        inboxes.append(Inbox(f"list-{n:04}", f"list-{n:04}@lists.example.org", directory))
    return place, inboxes


def measure_many(binary, work, counts, cpu, quiet=20):
    """Start, memory, listing, and what it costs to look after lists in which nothing happens."""
    rows = []
    for count in counts:
        place, inboxes = lay_many(work, count)
        server = Threadbare(binary, place, inboxes)
        run(binary, "index", "--all", env=server.env)
        began = time.perf_counter()
        with Serving(server, cpu) as serving:
            load.settle(serving, "/list-0000/")
            start = time.perf_counter() - began
            first, again = listing(serving), statistics.median(listing(serving) for _ in range(9))
            time.sleep(12)  # what was just written is looked at more closely for a while
            before, at = serving.spent(), time.perf_counter()
            time.sleep(quiet)
            idle = (serving.spent() - before) / (time.perf_counter() - at)
            anonymous = field(serving.child.pid, "RssAnon") / 1024
            rows.append((count, start, anonymous, field(serving.child.pid, "VmHWM") / 1024, first, again, idle))
    return rows


def listing(serving):
    began = time.perf_counter()
    load.fetch(serving.url + "/")
    return time.perf_counter() - began


CACHE = """
daemon off; worker_processes 1; pid {place}/pid; error_log {place}/error.log; user root;
events {{ worker_connections 256; }}
http {{
    access_log off; client_body_temp_path {place}; proxy_temp_path {place}; fastcgi_temp_path {place};
    uwsgi_temp_path {place}; scgi_temp_path {place};
    proxy_cache_path {place}/cache keys_zone=lists:50m max_size=20g inactive=30d use_temp_path=off;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{behind};
            proxy_http_version 1.1;
            proxy_cache lists;
            proxy_ignore_headers Cache-Control Expires;
            proxy_cache_valid 200 10s;
            proxy_cache_revalidate on;
            proxy_cache_lock on;
            proxy_cache_key $request_uri$http_accept_encoding;
            add_header X-Cache $upstream_cache_status;
        }}
    }}
}}
"""


class Cache:
    """The nginx of docs/scaling.md, in front of a server."""
    name, env = "nginx", {}

    def __init__(self, work, behind):
        self.place, self.behind = work / "cache", behind
        shutil.rmtree(self.place, ignore_errors=True)
        (self.place / "cache").mkdir(parents=True)

    def command(self, port):
        config = self.place / "nginx.conf"
        config.write_text(CACHE.format(place=self.place, port=port, behind=self.behind))
        return ["nginx", "-c", config]


def measure_cache(server, archive, work, cpu, client_cpu, pages=1000):
    """Two crawlers after each other, the second when what the first has left is no longer taken for fresh."""
    paths = [f"/{archive.inbox}/"] + archive.cold("message")[:pages - pages // 4] + archive.cold("T/")[:pages // 4 - 1]
    rounds = []
    with Serving(server, cpu) as serving:
        load.settle(serving, f"/{archive.inbox}/")
        with Serving(Cache(work, serving.port), client_cpu) as cache:
            for _ in range(2):
                before, began, said, size = serving.spent(), time.perf_counter(), {}, 0
                for path in paths:
                    with load.urllib.request.urlopen(cache.url + path) as answer:
                        size += len(answer.read())
                        verdict = answer.headers["X-Cache"]
                        said[verdict] = said.get(verdict, 0) + 1
                rounds.append({"said": said, "size": size / 1e6, "wall": time.perf_counter() - began,
                               "spent": serving.spent() - before})
                time.sleep(11)
    return {"pages": len(paths), "rounds": rounds}


def measure(binary, server, inbox, whole, archive, work, cpu, client_cpu, rounds, counts=(500, 1000)):
    found = {}
    if shutil.which("nginx") and shutil.which("fcgiwrap"):
        found["clones"] = measure_clones(server, whole, work, cpu, rounds)
    if shutil.which("nginx"):
        found["cache"] = measure_cache(server, archive, work, cpu, client_cpu)
    found["mbox"] = measure_mbox(server, inbox, work, cpu, rounds)
    found["many"] = measure_many(binary, work, counts, cpu)
    return found


def section(found, number, table):
    """The part of docs/performance.md."""
    out = ["## What others take home\n"]
    if "clones" in found:
        out.append(f"`git clone --mirror` of `ksummit` over smart HTTP, a pack of {found['clones']['size']:.0f} MB; the server on "
                   "one core, git on the other.\n")
        out.append(table(["", "s", "shortest, s"], [[name, number(typical), number(least)]
                                                   for name, typical, least in found["clones"]["rows"]]))
    out.append(f"The whole list as one file, {found['mbox']['size']:.0f} MB of mail, which is read from git, found in order and "
               "packed; beside it gzip, which only packs the same bytes.\n")
    out.append(table(["", "CPU s", "MB"], [[name, number(spent), number(size)] for name, spent, size in found["mbox"]["rows"]]))
    out.append("## Many lists\n")
    out.append("Lists of 20 messages in which nothing happens. The start is until the first page of a list; idle is the share of "
               "a core that it takes to look for news everywhere.\n")
    out.append(table(["lists", "start s", "memory MB", "peak MB", "listing, first, ms", "listing, ms", "idle %"],
                     [[f"{count:,}", number(start), number(own), number(peak), number(first * 1000), number(again * 1000),
                       f"{idle * 100:.2f}"] for count, start, own, peak, first, again, idle in found["many"]]))
    if "cache" in found:
        out.append("## A cache in front\n")
        out.append(f"Two crawlers after each other through nginx as docs/scaling.md sets it up, {found['cache']['pages']:,} pages of "
                   "`linux-mtd`, a quarter of them whole threads; the second comes when nothing is fresh any more.\n")
        rows = []
        for name, one in zip(("first", "second"), found["cache"]["rounds"]):
            made = one["said"].get("MISS", 0) + one["said"].get("EXPIRED", 0)
            kept = found["cache"]["pages"] - made
            rows.append([name, f"{kept / found['cache']['pages'] * 100:.1f}", number(one["wall"]), number(one["spent"]),
                         number(one["size"])])
        out.append(table(["crawler", "from the cache, %", "wall s", "CPU s of the server", "MB"], rows))
    return "\n".join(out)
