"""The two servers and the two indexers, each in its own directory, over the same epochs."""

import copy
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import typing
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GIT = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}


def run(*args, **options):
    """Runs a program to its end; its output."""
    environment = {**os.environ, **GIT, **options.pop("env", {})}
    done = subprocess.run([str(arg) for arg in args], env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **options)
    if done.returncode != 0:
        raise SystemExit(f"{args[0]} failed: {done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout.decode(errors="replace")


def timed(*args, env=None):
    """Runs a program; wall seconds, CPU seconds, and the largest resident size of one of its processes in MB."""
    began = time.perf_counter()
    child = subprocess.Popen([str(arg) for arg in args], env={**os.environ, **GIT, **(env or {})},
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    complaint = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{args[0]} failed: {complaint.decode(errors='replace')[-2000:]}")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def megabytes(*paths):
    files = (file for path in paths for file in ([path] if path.is_file() else path.rglob("*")))
    return sum(file.stat().st_blocks * 512 for file in files if file.is_file()) / 1e6


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Inbox:
    def __init__(self, name, address, directory):
        self.name, self.address, self.directory = name, address, directory

    @property
    def epoch(self):
        return self.directory / "git" / "0.git"


def write_config(path, inboxes, extra, level):
    sections = [extra, "[publicinbox]\n\twwwListing = all\n"]
    for inbox in inboxes:
        sections.append(f'[publicinbox "{inbox.name}"]\n\taddress = {inbox.address}\n\tinboxdir = {inbox.directory}\n'
                        f"\turl = https://lists.example.org/{inbox.name}/\n\tindexlevel = {level}\n")
    path.write_text("".join(sections))


class Threadbare:
    name = "threadbare"
    options = ()

    def __init__(self, binary, work, inboxes, level="full"):
        self.binary, self.index_dir = binary, work / f"threadbare-index-{level}"
        self.config = work / f"threadbare-{level}.config"
        write_config(self.config, inboxes, f"[threadbare]\n\tindexDir = {self.index_dir}\n", level)
        self.env = {"PI_CONFIG": str(self.config), "HOME": str(work)}

    def forget(self, inbox):
        shutil.rmtree(self.index_dir, ignore_errors=True)

    def index(self, inbox):
        return timed(self.binary, "index", inbox.name, env=self.env)

    def index_size(self, inbox):
        return megabytes(self.index_dir)

    def command(self, port):
        return [self.binary, "serve", "--threads", "1", "--listen", f"127.0.0.1:{port}", *self.options]

    def without_cache(self):
        """The same, keeping no finished page."""
        other = copy.copy(self)
        other.options = ("--cache", "0")
        return other


class PublicInbox:
    """As Debian installs it; `inline` lets it compile the parts that it has in C, which takes a compiler and a setting."""
    name = "public-inbox"

    def __init__(self, work, inboxes, level="basic", inline=False):
        self.level = level
        # The level in the config has the last word over `-L`.
        self.config = work / f"public-inbox-{level}.config"
        write_config(self.config, inboxes, "", level)
        self.env = {"PI_CONFIG": str(self.config), "HOME": str(work)}
        if inline:
            self.env["PERL_INLINE_DIRECTORY"] = str(work / "inline")
            (work / "inline").mkdir(exist_ok=True)
        for inbox in inboxes:
            if not (inbox.directory / "inbox.lock").exists():
                throwaway = {**self.env, "PI_CONFIG": str(work / "init.config")}
                run("public-inbox-init", "-V2", "-L", level, inbox.name, inbox.directory,
                    f"https://lists.example.org/{inbox.name}/", inbox.address, env=throwaway)

    def forget(self, inbox):
        for name in ("xap15", "msgmap.sqlite3", "msgmap.sqlite3-wal", "msgmap.sqlite3-shm"):
            path = inbox.directory / name
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)

    def index(self, inbox):
        return timed("public-inbox-index", "-L", self.level, inbox.directory, env=self.env)

    def index_size(self, inbox):
        return megabytes(inbox.directory / "xap15", inbox.directory / "msgmap.sqlite3")

    def command(self, port):
        return ["public-inbox-httpd", "-W0", "-l", f"http://127.0.0.1:{port}"]

    def without_cache(self):
        """Itself: it has none."""
        return self


class Hello:
    """An axum server that says two words: what HTTP alone costs."""
    name = "hello-world"
    env = {}

    def __init__(self, binary):
        self.binary = binary

    def command(self, port):
        return [self.binary, "hello", f"127.0.0.1:{port}"]


class Serving:
    """A server that runs on one processor while the `with` lasts."""

    def __init__(self, server, cpu):
        self.server, self.cpu, self.port = server, cpu, free_port()

    def __enter__(self):
        command = ["taskset", "-c", str(self.cpu)] + [str(arg) for arg in self.server.command(self.port)]
        self.child = subprocess.Popen(command, env={**os.environ, **GIT, **self.server.env},
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(400):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                if self.child.poll() is not None:
                    raise SystemExit(f"{command} ended at once")
                time.sleep(0.05)
        raise SystemExit(f"{command} does not listen")

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def processes(self):
        """The server and all its children: git is part of what the peer costs."""
        parents = {}
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                text = status.read_text()
            except OSError:
                continue
            parents[int(status.parent.name)] = int(re.search(r"^PPid:\s+(\d+)", text, re.M).group(1))
        family, grown = {self.child.pid}, True
        while grown:
            more = {pid for pid, parent in parents.items() if parent in family} - family
            family, grown = family | more, bool(more)
        return family

    def memory(self):
        """In MB, of all processes together: the largest resident size so far; and now, what is theirs alone, and what
        of it are pages of files, which the system can take back at any time."""
        return Memory(*(sum(field(pid, name) for pid in self.processes()) / 1024
                        for name in ("VmHWM", "RssAnon", "RssFile")))

    def spent(self):
        """Seconds of processor time so far."""
        total = 0
        for pid in self.processes():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")


class Memory(typing.NamedTuple):
    peak: float
    own: float
    files: float


def field(pid, name):
    try:
        found = re.search(rf"^{name}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)
    except OSError:
        return 0
    return int(found.group(1)) if found else 0
