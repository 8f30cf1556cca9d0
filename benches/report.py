"""What was measured, as docs/performance.md."""

import os
import platform
import re
import subprocess
from pathlib import Path

import mail
import mirror
import search


def machine():
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    first_line = lambda *command: subprocess.run(command, capture_output=True, text=True).stdout.strip().split("\n")[0]
    return {"cpu": model.group(1) if model else platform.machine(), "cores": os.cpu_count(),
            "peer": first_line("dpkg-query", "-W", "-f", "${Version}", "public-inbox"),
            "rust": first_line("rustc", "--version")}


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "|".join("---" if n == 0 else "---:" for n in range(len(heads))) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def number(value):
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def memory(found):
    """The peak, and at the end what was the process's own and what were pages of files."""
    return f"{found.peak:.0f} ({found.own:.0f} + {found.files:.0f})"


def times(ours, theirs):
    return f"{ours / theirs:.1f}×" if theirs else "–"


def write(found):
    here = found["machine"]
    out = [
        "# Performance\n",
        "Written by `benches/run`, which compares with Debian's public-inbox on the same mail in the same run. What is "
        "compared alternates, each server has one core to itself and the client another, and numbers are medians of "
        f"{found['rounds']} round{'s' if found['rounds'] > 1 else ''} of {found['seconds']} seconds. Ratios travel from machine to machine; seconds do not. µs are "
        "processor time of the server for one request. Memory while serving is the peak and, in brackets at the end, what is "
        "the process's own and what are pages of files (packs, indexes, the program), which the system can take back.\n",
        f"Here: {here['cpu']}, {here['cores']} cores; {here['rust']}; public-inbox {here['peer']}.\n",
    ]
    if "index" in found:
        out.append("## Indexing\n")
        for one in found["index"]:
            ours = one["rows"][0]
            rival = None
            for row in one["rows"]:
                rival = row if row["name"].startswith("threadbare") else rival
                row["faster"] = "" if row is rival else times(row["wall"], rival["wall"])
            out.append(f"`{one['list']}`, {one['mails']:,} mails. Merely reading every blob through libgit2 takes "
                       f"{one['reading']:.2f} s: indexing takes {ours['wall'] / one['reading']:.1f} times that.\n")
            out.append(table(
                ["", "wall s", "CPU s", "memory MB", "index MB", "one more mail, ms", "ours is faster by"],
                [[row["name"], number(row["wall"]), number(row["cpu"]), number(row["memory"]), number(row["size"]),
                  number(row["more"] * 1000 if row["more"] else None),
                  row["faster"]] for row in one["rows"]]))
    if "mail" in found:
        out.append(mail.section(found["mail"]))
    if "hot" in found:
        out.append("## The same page again (hot)\n")
        hello = found["hello"]["rate"]
        out.append(f"`ksummit`, a message in a thread of 77, its thread, the list. An axum server that says hello answers "
                   f"{hello:,.0f} requests a second here.\n")
        out.append(serving(found["hot"], hello))
    if "cold" in found:
        out.append("## Another page each time (cold)\n")
        for inbox, rows in found["cold"]:
            out.append(f"`{inbox}`: every message, thread or moment of the list once, in random order; the server has just "
                       "been started.\n")
            out.append(serving(rows))
    if {"search", "growth"} & set(found):
        searches = dict(found.get("search", {}))
        if "growth" in found:
            searches["large"] = found["growth"]["search"]
        out.append(search.section(searches))
    if "mirror" in found:
        out.append(mirror.section(found["mirror"], number, table))
    if "growth" in found:
        growth = found["growth"]
        small, large = growth["sizes"]
        out.append("## Does cost grow with the archive?\n")
        out.append(f"Synthetic archives of {small:,} and {large:,} mails, of which the larger begins with the mails of the "
                   "smaller. Both are asked for the same pages, each of them once; and the large one for as many others "
                   "from all over it, of which it has nothing in memory yet, while on the small one most pages are of a "
                   "thread that another request has met. µs are processor time of the server for one request.\n")
        cost = lambda row, label: row["asked"][label]["cpu"] * 1e6
        out.append(table(["", f"{small:,}", f"{large:,}, the same pages", "ratio", f"{large:,}, others", "ratio"], [
            [row["kind"], f"{cost(row, 'small'):.0f}", f"{cost(row, 'large'):.0f}",
             f"{cost(row, 'large') / max(cost(row, 'small'), 1e-3):.2f}", f"{cost(row, 'elsewhere'):.0f}",
             f"{cost(row, 'elsewhere') / max(cost(row, 'small'), 1e-3):.2f}"] for row in growth["rows"]]))
        most = lambda label: max((row["asked"][label]["memory"] for row in growth["rows"]), key=lambda m: m.peak)
        rows = [[f"{size:,}", number(growth["archives"][size][0]), number(growth["archives"][size][1]),
                 number(growth["archives"][size][2]), memory(most(label))]
                for size, label in ((small, "small"), (large, "elsewhere"))]
        out.append(table(["mails", "index s", "indexing MB", "index MB", "serving MB"], rows))
    return "\n".join(out)


def serving(rows, hello=None):
    lines = []
    for row in rows:
        ours, peer = row["servers"]["threadbare"], row["servers"]["public-inbox"]
        bad = ours["bad"] + peer["bad"]
        lines.append([row["kind"] + (f" ({bad} failed)" if bad else ""), number(ours["rate"]), number(peer["rate"]),
                      times(ours["rate"], peer["rate"]), number(ours["p99"]), number(peer["p99"]),
                      number(ours["cpu"] * 1e6), number(peer["cpu"] * 1e6),
                      memory(ours["memory"]), memory(peer["memory"])]
                     + ([f"{ours['rate'] / hello:.2f}"] if hello else []))
    heads = ["", "ours /s", "peer /s", "ratio", "ours p99 ms", "peer p99 ms", "ours µs", "peer µs", "ours MB", "peer MB"]
    return table(heads + (["of hello"] if hello else []), lines)
