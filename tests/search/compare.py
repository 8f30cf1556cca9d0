#!/usr/bin/env python3
"""Asks a public-inbox and a Threadbare that serve the same lists the same questions, and says where the answers differ.

    tests/search/compare.py http://127.0.0.1:8080 http://127.0.0.1:8081 [--list ksummit] [--list linux-mtd] [--all]

Whole result sets are compared, not only first pages. A difference that is on purpose is told with its reason, every
other one makes the script fail. Queries are sent one after the other, so public-inbox needs no more than one worker.
"""

import argparse
import html
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

BOTH = ("ksummit", "linux-mtd")
KSUMMIT, MTD = ("ksummit",), ("linux-mtd",)

# Why an answer of ours is another one on purpose.
HUNKS = "a blank line does not end a patch for us: mailers strip the blank of empty context lines"
REMOVED = "public-inbox does not have all removed lines of large hunks"
LINES = "phrases reach over the end of an added, removed or kept line"
DIGITS = "eight digits are a day for dt: and rt:, too; public-inbox finds nothing"
MONTH = "a month is the whole month; public-inbox makes no date of it, or counts from the present day"

# What is asked, of which lists, and why the answer may differ.
QUERIES = [
    # Words and their forms.
    ("smatch", BOTH, None), ("coccinelle", BOTH, None), ("maintainers", BOTH, None), ("maintainer", BOTH, None),
    ("Maintainers", BOTH, None), ("regression", BOTH, None), ("regressions testing", BOTH, None), ("TESTING", BOTH, None),
    ("nosuchwordanywhere", BOTH, None), ("nand", MTD, None), ("erasing", MTD, None), ("spi-nor", MTD, None),
    ("u-boot", BOTH, None), ("don't", BOTH, None), ("C++", BOTH, None), ("v5.4", BOTH, None), ("5.4-rc1", BOTH, None),
    ("0x1234", BOTH, None), ("a.b.c", BOTH, None), ("foo@example.com", BOTH, None), ("patch-id", BOTH, None),
    ("git.kernel.org", BOTH, None), ("drivers/mtd/nand/raw/nand_base.c", BOTH, None), ("devm_kzalloc", BOTH, None),
    # Phrases.
    ('"static analysis"', BOTH, None), ('"lf technical advisory board"', KSUMMIT, LINES), ('"memory leak"', BOTH, None),
    ('"Reviewed-by: Dan Carpenter"', BOTH, None), ('nq:"change-id: 2022"', BOTH, None), ('"rust kernel policy"', KSUMMIT, None),
    ("“static analysis”", BOTH, None), ('"unbalanced phrase', BOTH, None), ('""', BOTH, None),
    # Where it stands.
    ("s:smatch", BOTH, None), ("s:rust", BOTH, None), ('s:"maintainer summit"', BOTH, None), ('s:"mtd: rawnand"', MTD, None),
    ("s:regressions s:tracking", BOTH, None), ("s:(rust OR python)", BOTH, None), ("b:smatch", BOTH, None), ("bs:smatch", BOTH, None),
    ("nq:smatch", BOTH, None), ("q:smatch", BOTH, None), ("nq:regressions", BOTH, None), ("q:maintainers", BOTH, None),
    # People.
    ("f:greg", BOTH, None), ("f:kroah.com", BOTH, None), ("f:greg@kroah.com", BOTH, None), ('f:"Greg KH"', BOTH, None),
    ("f:miquel.raynal@bootlin.com", MTD, None), ("f:raynal", MTD, None), ("t:linux-mtd@lists.infradead.org", BOTH, None), ("c:linux-kernel", BOTH, None),
    ("tc:torvalds", BOTH, None), ("a:torvalds", BOTH, None), ("tcf:torvalds", BOTH, None), ("f:König", BOTH, None),
    # Ids, lists, attachments.
    ("m:YT4QCHwnqZL/rl0z@kroah.com", BOTH, None), ("mid:YT4QCHwnqZL/rl0z@kroah.com", BOTH, None), ("m:YT4QCHwnqZL", BOTH, None),
    ("YT4QCHwnqZL/rl0z@kroah.com", BOTH, None), ("l:ksummit.lists.linux.dev", BOTH, None), ("lid:ksummit.lists.linux.dev", BOTH, None),
    ("n:signature.asc", BOTH, None), ("n:patch", BOTH, None), ("n:config.gz", BOTH, None),
    # Patches.
    ("dfn:Documentation/process", BOTH, None), ("dfn:Makefile", BOTH, None), ("dfn:drivers/mtd/ubi", MTD, None), ("dfn:nand_base.c", MTD, None),
    ("dfa:kfree", BOTH, REMOVED), ("dfb:kfree", BOTH, None), ("dfb:devm_kzalloc", BOTH, None), ('dfb:"struct device"', MTD, None),
    ("dfctx:return", BOTH, HUNKS), ("dfhh:static", BOTH, None), ("dfhh:nand_scan", MTD, None), ("dfpre:b47691e", MTD, None),
    ("dfpost:b47691e", MTD, None), ("dfblob:b47691e", MTD, None), ("dfpre:b47691", BOTH, None), ("patchid:0123456789012345678901234567890123456789", BOTH, None),
    # Operators.
    ("smatch OR coccinelle", BOTH, None), ("smatch AND coccinelle", BOTH, None), ("maintainers NOT summit", BOTH, None), ("maintainers -summit", BOTH, None),
    ("+smatch coverity", BOTH, None), ("smatch XOR sparse", BOTH, None), ("(smatch OR sparse) AND (static OR analysis)", BOTH, None),
    ("(s:rust OR f:miguel) AND d:20220101..20250101", BOTH, None), ("static NEAR/3 analysis", BOTH, None), ("analysis NEAR/3 static", BOTH, None),
    ("static ADJ/3 analysis", BOTH, None), ("analysis ADJ/3 static", BOTH, None), ("static NEAR analysis", BOTH, None), ("coccinel*", BOTH, None), ("s:regress*", BOTH, None), ("f:gregkh*", BOTH, None),
    ("smatch OR", BOTH, None), ("AND", BOTH, None), ("NOT smatch", BOTH, None), ("-smatch", BOTH, None), ("(((", BOTH, None), ("smatch)", BOTH, None), ("*", BOTH, None), ("*smatch", BOTH, None),
    ("xyzzy:smatch", BOTH, None), ("s:", BOTH, None), ("s: smatch", BOTH, None), ("http://www.infradead.org/", BOTH, None),
    # What b4 asks.
    ('(s:"kernel policy" AND f:"greg@kroah.com" AND d:..20260101)', BOTH, None),
    ('(nq:"From: Miquel Raynal" AND s:"mtd" AND d:..20260101)', BOTH, None),
    ("patchid:0123456789012345678901234567890123456789 OR patchid:1123456789012345678901234567890123456789", BOTH, None),
    # Time and numbers.
    ("d:20210901..20210930", KSUMMIT, None), ("d:20200101..20200301", MTD, None), ("d:..20190601", BOTH, None), ("d:20260101..", BOTH, None), ("d:20210912", BOTH, None),
    ("d:20210912..20210912", BOTH, None), ("d:2021-09-12..2021-09-13", BOTH, None), ("d:2021-09", KSUMMIT, MONTH), ("dt:20210912143448..20210912143448", BOTH, None),
    ("dt:20210901000000..20210915120000", BOTH, None), ("dt:20200101..20200110", MTD, DIGITS), ("rt:1630000000..1632000000", KSUMMIT, None), ("rt:1631457304..1631457304", BOTH, None),
    ("s:rust d:20220101..20220701", BOTH, None), ("d:20210901..20210903 d:20210910..20210912", KSUMMIT, None), ("d:last.year..", BOTH, None), ("d:yesterday..", BOTH, None), ("d:2.years.ago..last.year", BOTH, None),
    ("z:..1000", BOTH, None), ("z:100000..", BOTH, None), ("uid:529..531", BOTH, None), ("d:foo", BOTH, None),
    # Other scripts.
    ("日本", BOTH, None), ("привет", BOTH, None), ("s:é", BOTH, None), ("größe", BOTH, None),
]

DEEPEST = 4000  # results of one query that are read; more are compared as far as that


def ask(base, inbox, query, offset):
    path = f"/{inbox}/?q={urllib.parse.quote(query, safe='')}&l=200" + (f"&o={offset}" if offset else "")
    try:
        with urllib.request.urlopen(base + path, timeout=120) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def found(base, inbox, query):
    """The status, and the Message-IDs in order."""
    ids, offset = [], 0
    while offset < DEEPEST:
        status, page = ask(base, inbox, query, offset)
        if status != 200:
            return (200 if offset else status), ids
        results = page.split("</form>")[-1]
        here = re.findall(r'\d+\. <b><a\s+href="([^"]+)/"', results)
        ids += [urllib.parse.unquote(html.unescape(mid)) for mid in here]
        offset += 200
        if not re.search(r'rel="?next', results):
            break
    return status, ids


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reference")
    parser.add_argument("ours")
    parser.add_argument("--list", action="append", dest="lists", help="only this list")
    parser.add_argument("--all", action="store_true", help="tell of what agrees, too")
    args = parser.parse_args()
    same = explained = failed = 0
    for query, lists, reason in QUERIES:
        for inbox in lists:
            if args.lists and inbox not in args.lists:
                continue
            (status, theirs), (our_status, ours) = found(args.reference, inbox, query), found(args.ours, inbox, query)
            # Its first version answers 200 for nothing and for what it cannot read.
            agree = set(theirs) == set(ours) and (theirs or our_status in (status, 400, 404))
            if agree:
                same += 1
                if args.all:
                    order = "" if theirs == ours else ", in another order"
                    print(f"same   {inbox}: {query}: {len(ours)}{order}")
                continue
            only = lambda a, b: f"{len(set(a) - set(b))} (as {next(iter(sorted(set(a) - set(b))), 'none')})"
            told = f"{inbox}: {query}: status {status} / {our_status}, {len(theirs)} / {len(ours)}; " \
                   f"only public-inbox: {only(theirs, ours)}, only Threadbare: {only(ours, theirs)}"
            if reason:
                explained += 1
                print(f"reason {told}: {reason}")
            else:
                failed += 1
                print(f"DIFFERS {told}")
    print(f"{same} answers are the same, {explained} differ for a reason, {failed} differ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
