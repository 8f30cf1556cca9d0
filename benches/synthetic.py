"""Made-up archives of any size: threads, patches and their reviews, with the sizes that real lists have.

    synthetic.py COUNT [SEED] | git fast-import          (in a bare repository)

The same count and seed give the same bytes. A larger archive has more threads of the same kind, not larger ones, so
that the cost of a page can be compared across sizes.
"""

import random
import sys

WORDS = (
    "warp weft heddle shed pick beam reed shuttle selvedge draft treadle lease dent sett float twill satin tabby "
    "bobbin loom yarn knot skein hank warp-end tension ratchet pawl lamm jack dobby the a of to and in is that it for "
    "on with as this be not are or but which have from if would can when there so what about more than other one "
    "patch review driver commit branch merge test bug fix build version release queue lock page cache buffer"
).split()
PEOPLE = [f"{first} {last}" for first in "Ada Bo Cleo Dag Eva Finn Gus Hal Ida Jan Kai Lea Mia Ned Ola".split()
          for last in "Abel Berg Cole Dahl Ek Falk Gray Holm Ives".split()]
START = 1_262_304_000  # 2010-01-01


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        # Text is put together from ready paragraphs: making it word by word would take longer than indexing it.
        self.paragraphs = [self.paragraph() for _ in range(3000)]
        self.diffs = [self.diff(n) for n in range(800)]

    def paragraph(self):
        words = self.random.choices(WORDS, k=self.random.randint(15, 90))
        lines, line = [], ""
        for word in words:
            if len(line) + len(word) > 70:
                lines.append(line)
                line = ""
            line += (" " if line else "") + word
        return "\n".join(lines + [line]) + ".\n"

    def diff(self, n):
        name = f"src/{self.random.choice(WORDS)}/{self.random.choice(WORDS)}{n}.c"
        out = [f" {name} | 4 ++--\n 1 file changed, 2 insertions(+), 2 deletions(-)\n\n"
               f"diff --git a/{name} b/{name}\nindex {n:07x}..{n * 7919 % (1 << 28):07x} 100644\n--- a/{name}\n+++ b/{name}\n"]
        for hunk in range(self.random.randint(1, 6)):
            at = 10 + hunk * 40
            out.append(f"@@ -{at},5 +{at},5 @@ static int {self.random.choice(WORDS)}(void)\n")
            for mark in "  -+  ":
                out.append(f"{mark}\t{' '.join(self.random.choices(WORDS, k=6))};\n")
        return "".join(out) + "-- \n2.43.0\n"

    def threads(self, count):
        """Yields (subject, patch?, messages) until there are `count` messages."""
        left = count
        number = 0
        while left:
            size = min(left, 1 + int(self.random.paretovariate(1.1)), 80)
            left -= size
            number += 1
            yield number, " ".join(self.random.choices(WORDS, k=5)), self.random.random() < 0.4, size

    def mails(self, count):
        clock = START
        for number, subject, is_patch, size in self.threads(count):
            ids, chains = [], []
            for n in range(size):
                clock += self.random.randint(60, 3600)
                who = self.random.choice(PEOPLE)
                mid = f"{clock}.{number}-{n}@{who.split()[1].lower()}.example"
                title = f"[PATCH] {subject}" if is_patch else subject
                if n == 0:
                    chain = []
                    body = self.random.choice(self.paragraphs) + (f"---\n{self.random.choice(self.diffs)}" if is_patch else "")
                else:
                    parent = self.random.randrange(max(0, n - 6), n)
                    chain = chains[parent] + [ids[parent]]
                    title = f"Re: {title}"
                    quoted = self.random.choice(self.paragraphs)
                    body = f"Somebody wrote:\n> {quoted[:-1].replace(chr(10), chr(10) + '> ')}\n\n"
                paragraphs = self.random.choices(self.paragraphs, k=min(12, 1 + int(self.random.paretovariate(1.3))))
                body += "\n" + "\n".join(paragraphs)
                ids.append(mid)
                chains.append(chain[-15:])
                yield clock, who, mid, title, chain[-15:], body


def date(clock):
    import time
    return time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(clock))


def write_stream(count, out, seed=1):
    for clock, who, mid, title, chain, body in Maker(seed).mails(count):
        address = f"{who.replace(' ', '.').lower()}@weaver.example"
        answers = ""
        if chain:
            references = "\n\t".join(f"<{one}>" for one in chain)
            answers = f"In-Reply-To: <{chain[-1]}>\nReferences: {references}\n"
        mail = (f"Received: from mx.weaver.example by lists.example.org; {date(clock + 9)}\nFrom: {who} <{address}>\n"
                f"To: synthetic@lists.example.org\nSubject: {title}\nDate: {date(clock)}\nMessage-ID: <{mid}>\n{answers}"
                f"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n{body}").encode()
        subject = title.encode()
        out.write(b"commit refs/heads/master\nauthor %s <%s> %d +0000\ncommitter list <list@lists.example.org> %d +0000\ndata %d\n%s\n"
                  b"M 100644 inline m\ndata %d\n%s\n\n"
                  % (who.encode(), address.encode(), clock, clock + 9, len(subject), subject, len(mail), mail))


if __name__ == "__main__":
    write_stream(int(sys.argv[1]), sys.stdout.buffer, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
