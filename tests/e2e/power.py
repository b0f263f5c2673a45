"""Every disk that a power cut can leave: a run's writes as strace saw them, played on a model of a
file system that keeps of what was not synced whatever it likes."""
import itertools
import json
import os
import re
import shutil
import subprocess

SECTOR = 512
CALLS = ("openat,write,pwrite64,fsync,fdatasync,ftruncate,rename,renameat,renameat2,link,linkat,"
         "unlink,unlinkat")
LINE = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+)(?:<(.*)>)?")


def record(command, trace, **how):
    """Runs command under strace; returns the process."""
    return subprocess.Popen(["strace", "-f", "-qq", "-y", "-xx", "-s", "1000000", "-o", str(trace),
                             "-e", f"trace={CALLS}", "-e", "signal=none", *command], **how)


def text(hexed):
    return bytes.fromhex(hexed.replace("\\x", ""))


def calls(trace):
    """(name, arguments, result) of every call, in the order of their ends."""
    begun = {}
    for line in trace.read_text(errors="replace").splitlines():
        pid = line.split(" ", 1)[0]
        if line.endswith("<unfinished ...>"):
            begun[pid] = line[:-len("<unfinished ...>")].rstrip()
            continue
        resumed = re.match(r"^\d+ +<\.\.\. \w+ resumed>(.*)$", line)
        if resumed:
            line = begun.pop(pid) + resumed.group(1)
        match = LINE.match(line)
        if match:
            yield match.group(2), match.group(3), int(match.group(4)), match.group(5)


def path_of(descriptor):
    """The path in 5<...>, which strace writes in hex too."""
    inner = re.search(r"<(.*?)>", descriptor).group(1)
    return text(inner).decode() if inner.startswith("\\x") else inner


def strings(arguments):
    return [text(s) for s in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', arguments)]


class Inode:
    def __init__(self):
        self.durable, self.pending = b"", []

    def now(self):
        return play(self.durable, self.pending)


def play(data, operations):
    data = bytearray(data)
    for kind, offset, written in operations:
        if kind == "cut":
            del data[offset:]
            data.extend(bytes(offset - len(data)))
        else:
            data.extend(bytes(max(0, offset - len(data))))
            data[offset:offset + len(written)] = written
    return bytes(data)


class Model:
    """Names and contents: as they are now, and as far as they are durable."""

    def __init__(self, root):
        self.root = root
        self.names, self.durable, self.changes = {}, {}, []

    def is_ours(self, path):
        return path.startswith(self.root + "/")

    def change(self, *pairs):
        """At once: (path, inode or None)."""
        for path, inode in pairs:
            self.names.pop(path, None)
            if inode is not None:
                self.names[path] = inode
        self.changes.append(pairs)

    def take(self, name, arguments, result, opened):
        """One call; returns what became durable by it: a path, or None."""
        if result < 0:
            return None
        said = [s.decode(errors="replace") for s in strings(arguments)] if name not in ("write", "pwrite64") else []
        if name == "openat":
            path = text(opened).decode() if opened.startswith("\\x") else opened
            if self.is_ours(path) and "O_CREAT" in arguments and path not in self.names:
                self.change((path, Inode()))
        elif name in ("write", "pwrite64") and self.is_ours(path_of(arguments)):
            inode = self.names.get(path_of(arguments))
            if inode is not None:
                data = strings(arguments)[0][:result]
                offset = len(inode.now()) if name == "write" else int(arguments.rsplit(",", 1)[1])
                inode.pending.append(("write", offset, data))
        elif name == "ftruncate" and self.is_ours(path_of(arguments)):
            self.names[path_of(arguments)].pending.append(("cut", int(arguments.rsplit(",", 1)[1]), b""))
        elif name in ("rename", "renameat", "renameat2") and self.is_ours(said[0]):
            self.change((said[0], None), (said[1], self.names[said[0]]))
        elif name in ("link", "linkat") and self.is_ours(said[0]):
            self.change((said[1], self.names[said[0]]))
        elif name in ("unlink", "unlinkat"):
            self.unlink(said[0], arguments)
        elif name in ("fsync", "fdatasync"):
            return self.sync(path_of(arguments))
        return None

    def unlink(self, said, arguments):
        path = said if said.startswith("/") else f"{path_of(arguments)}/{said}"
        if path in self.names:
            self.change((path, None))

    def sync(self, path):
        inode = self.names.get(path)
        if inode is not None:
            inode.durable, inode.pending = inode.now(), []
            return path
        left = []
        for pairs in self.changes:
            # Of a folder: all that happened to names in it.
            if any(p.rsplit("/", 1)[0] == path for p, _ in pairs):
                for changed, inode in pairs:
                    self.durable.pop(changed, None)
                    if inode is not None:
                        self.durable[changed] = inode
            else:
                left.append(pairs)
        self.changes = left
        return path if self.is_ours(path + "/") or path.startswith(self.root) else None

    # ---- what a power cut now may leave

    def name_states(self):
        """Any of the changes that are not durable, in order: none, a first part, all, all but one."""
        n = len(self.changes)
        chosen = {tuple(range(k)) for k in range(n + 1)}
        chosen |= {tuple(i for i in range(n) if i != k) for k in range(n)}
        for which in sorted(chosen):
            names = dict(self.durable)
            for i in which:
                for path, inode in self.changes[i]:
                    names.pop(path, None)
                    if inode is not None:
                        names[path] = inode
            yield names

    def disks(self):
        """{path: (file, contents)}; one file at a time in every state, the others synced or as they
        are.  Two names may be one file."""
        for names in self.name_states():
            loose = {id(i): i for p, i in sorted(names.items()) if i.pending}
            for base in (lambda i: i.durable, lambda i: i.now()):
                yield {p: (id(i), base(i)) for p, i in names.items()}
                for inode in loose.values():
                    for contents in file_states(inode):
                        yield {p: (id(i), contents if i is inode else base(i)) for p, i in names.items()}


def file_states(inode):
    """The contents of one file whose last writes were not synced."""
    for k in range(len(inode.pending)):
        before = play(inode.durable, inode.pending[:k])
        yield before
        kind, offset, data = inode.pending[k]
        if kind == "cut":
            # The cut is lost, what was written after it is not.
            yield play(inode.durable, inode.pending[:k] + inode.pending[k + 1:])
            continue
        yield from torn(before, offset, data)


def torn(before, offset, data):
    whole = play(before, [("write", offset, data)])
    end = offset + len(data)
    edges = [b for b in range(offset // SECTOR * SECTOR, end + SECTOR, SECTOR)]
    cuts = {offset + n for n in (1, 2, len(data) // 3, len(data) // 2, len(data) - 2, len(data) - 1)}
    for cut in sorted(c for c in cuts | set(edges) if offset < c < end):
        yield whole[:cut]  # the size grew as the bytes were written
        yield whole[:cut] + bytes(end - cut)  # ... before the rest was
    yield whole[:offset] + bytes(len(data))
    sectors = [(max(a, offset), min(b, end)) for a, b in itertools.pairwise(edges) if a < end and b > offset]
    for a, b in sectors[:64]:
        yield whole[:a] + bytes(b - a) + whole[b:]  # one sector is missing
        yield whole[:offset] + bytes(a - offset) + whole[a:b] + bytes(end - b)  # only one is there


# ---- the run, judged ---------------------------------------------------------------------------------

def lines_of(contents):
    """{number: hash} of whole lines."""
    found = {}
    for line in contents.split(b"\n")[:-1]:
        try:
            entry = json.loads(line)
            found[entry["seq"]] = entry["hash"]
        except (ValueError, KeyError, TypeError):
            pass
    return found


def forced_of(contents):
    """The number of the newest operation with an intent in an overflow file."""
    return max((int(m) for m in re.findall(rb'"kind":"intent".*?"operation":"op-(\d+)"', contents)), default=0)


class Run:
    """Plays a trace, and says at each of its calls what a start must find at least."""

    def __init__(self, root, trace):
        self.model, self.trace = Model(str(root)), trace
        self.journal, self.overflow = f"{root}/state/journal.jsonl", f"{root}/overflow.jsonl"
        self.view = f"{root}/state/view"
        self.written = {}  # number -> hashes of every line that was ever written
        self.views = []    # digests of the views, in order
        self.seq = self.operation = self.view_at = 0

    def note(self, synced):
        """What the program may have told somebody from here on."""
        names = self.model.names
        if synced == self.journal:
            self.seq = max([self.seq, *lines_of(names[synced].durable)])
        elif synced == self.overflow:
            self.operation = max(self.operation, forced_of(names[synced].durable))
        elif synced == self.journal.rsplit("/", 1)[0]:
            if self.journal in self.model.durable:
                self.seq = max([self.seq, *lines_of(self.model.durable[self.journal].durable)])
            if self.view in self.model.durable:
                digest = digest_of(self.model.durable[self.view].durable)
                if digest in self.views:
                    self.view_at = self.views.index(digest)

    def steps(self):
        """After each call: the model has what it did."""
        for name, arguments, result, opened in calls(self.trace):
            synced = self.model.take(name, arguments, result, opened or "")
            for path, inode in self.model.names.items():
                if name in ("write", "pwrite64") and inode.pending and "journal" in path:
                    for seq, hash_ in lines_of(inode.now()).items():
                        self.written.setdefault(seq, set()).add(hash_)
            if synced is not None:
                self.note(synced)
                view = self.model.names.get(self.view)
                digest = digest_of(view.now()) if view else None
                if digest and digest not in self.views:
                    self.views.append(digest)
            if name != "openat":
                yield


def digest_of(contents):
    """Of the settings that a kept view says it was made of."""
    match = re.search(rb"[0-9a-f]{64}", contents[:4096])
    return match.group(0).decode() if match else None


def put(disk, root, place):
    """The disk, with root's files below place."""
    first = {}
    for path, (file, contents) in disk.items():
        there = place / path[len(root) + 1:]
        if file in first:
            os.link(first[file], there)
        else:
            there.write_bytes(contents)
            first[file] = there


class Reader:
    """The program's own code on disks that are written out under folder."""

    def __init__(self, program, folder):
        self.folder, self.n = folder, 0
        self.process = subprocess.Popen([program, "read"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self, disk, root):
        place = self.folder / str(self.n)
        self.n += 1
        (place / "state").mkdir(parents=True)
        put(disk, root, place)
        print(place, file=self.process.stdin, flush=True)
        said = self.process.stdout.readline().split()
        if said and said[0] == "OK":
            shutil.rmtree(place)
        return said

    def close(self):
        self.process.stdin.close()
        self.process.wait()
