"""Goal: on every disk that a power cut can leave, the next start finds at least all that was durable,
and nothing that was never written."""
import os
import pathlib
import random
import shutil
import subprocess
import tempfile

import pytest

from power import Reader, Run, digest_of, put, record
from world import BUILD, PROGRAM, hostnames, wait_until

POWER = str(BUILD / "tests/power/power")
ALL = bool(os.environ.get("POWER_CUT_ALL"))
SAMPLE = 600  # disks of one run, without POWER_CUT_ALL


@pytest.fixture
def memory():
    """Disks are written where that costs nothing."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dnsflip-power.", dir=place))
    yield folder
    shutil.rmtree(folder)


def need_strace(folder):
    done = subprocess.run(["strace", "-o", "/dev/null", "true"], cwd=folder, capture_output=True, check=False) \
        if shutil.which("strace") else None
    if done is None or done.returncode != 0:
        pytest.skip("strace cannot trace here")


def disks(run):
    """(what must be there, disk): every one, each once."""
    seen = set()
    for _ in run.steps():
        if not run.seq:
            continue  # before init has ended there is nothing to start on
        for disk in run.model.disks():
            key = hash(tuple(sorted((p, hash(c)) for p, (_, c) in disk.items())))
            if (key, run.seq, run.operation) not in seen:
                seen.add((key, run.seq, run.operation))
                yield (run.seq, run.operation, run.view_at), disk


def judge(run, must, said, disk):
    """What is wrong with what a start found, or None."""
    seq, operation, view_at = must
    if not said or said[0] != "OK":
        return " ".join(said) or "the reader died"
    found, hash_, view, newest = int(said[1]), said[2], said[3], said[4]
    if found < seq:
        return f"entry {seq} was durable, the last is {found}"
    if hash_ not in run.written.get(found, ()):
        return f"entry {found} was never written"
    if said[6] != "0":
        return "the file's head is not whole"
    has_overflow = any(path.endswith("/overflow.jsonl") for path in disk)
    if operation and has_overflow and int(newest.partition("-")[2] or 0) < operation:
        return f"operation {operation} was durable, the newest is {newest}"
    if run.views and view_at and (view not in run.views or run.views.index(view) < view_at):
        return f"view {view_at} of {run.views} was durable, {view} is there"
    return None


def check(run, root, memory, n_least):
    every = list(disks(run))
    assert len(every) >= n_least, len(every)
    chosen = every if ALL else random.Random(7).sample(every, min(SAMPLE, len(every)))
    reader = Reader(POWER, memory)
    bad = []
    for must, disk in chosen:
        said = reader.start(disk, str(root))
        why = judge(run, must, said, disk)
        if why:
            bad.append(why)
    reader.close()
    print(f"{len(chosen)} of {len(every)} disks, {len(bad)} bad starts")
    assert not bad, bad[:20]
    return every


def test_power_cut_in_the_journal_its_files_and_the_overflow(folder, memory):
    """Goal: batches, new files, a failing disk, an overflow file and its merge: 0 bad starts."""
    need_strace(folder)
    root, trace = folder / "life", folder / "trace"
    (root / "state").mkdir(parents=True)
    assert record([POWER, "write", str(root)], trace).wait() == 0
    run = Run(root, trace)
    check(run, root, memory, 1000)
    assert run.operation == 10 and run.seq > 100


def test_power_cut_of_a_daemon_that_flips_and_reloads(site, make, memory):
    """Goal: what a whole run writes, its kept views too; and the daemon itself starts on some of them."""
    need_strace(site.folder)
    daemon = make(site)
    trace = site.folder / "trace"
    names = hostnames("sales", "risk")
    record(init_of(daemon), site.folder / "trace.init").wait()
    with daemon.log.open("ab") as log:
        daemon.process = record(daemon_of(daemon), trace, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    wait_until(daemon.is_serving, "it serves", 60)
    wait_until(daemon.is_judged, "both clusters judged", 60)
    daemon.run("failover", "prod", "--reason", "test")
    texts = [site.config(), site.config(site.group(deployments=("sales", "risk", "ml")))]
    daemon.write(texts[1])
    daemon.run("reload")
    wait_until(lambda: daemon.addresses(hostnames("ml")) == {site.usw2.ip}, "the new names are served")
    daemon.run("rejoin", "use1")
    wait_until(lambda: daemon.verdict("use1", "as_standby") == "up", "the way back is clear", 60)
    daemon.run("switch", "prod", "--to", "use1", "--override", "block", "--reason", "test")
    daemon.run("hold", "prod", "--reason", "test")
    wait_until(lambda: daemon.journal(kind="outcome", to="use1"), "its outcome")
    stop(daemon)
    (site.folder / "whole").write_text((site.folder / "trace.init").read_text() + trace.read_text())
    run = Run(site.folder, site.folder / "whole")
    every = check(run, site.folder, memory, 100)
    assert len(run.views) >= 2
    for must, disk in random.Random(3).sample(every, 12 if ALL else 3):
        # With the configuration that goes with what it served.
        view = next((digest_of(c) for path, (_, c) in disk.items() if path.endswith("/view")), None)
        daemon.write(texts[min(run.views.index(view) if view in run.views else 0, 1)])
        starts_on(daemon, must, disk, names)


def init_of(daemon):
    return [PROGRAM, "init", "--active", "use1", "--config", str(daemon.path)]


def daemon_of(daemon):
    return [PROGRAM, "run", "--single-user", "--config", str(daemon.path)]


def stop(daemon):
    """strace is its parent: the daemon itself is told."""
    child = subprocess.run(["pgrep", "-P", str(daemon.process.pid)], capture_output=True, text=True, check=True)
    os.kill(int(child.stdout.split()[0]), 15)
    daemon.process.wait(60)


def starts_on(daemon, must, disk, names):
    state = daemon.folder / "state"
    shutil.rmtree(state)
    state.mkdir()
    put({path: file for path, file in disk.items() if path.startswith(str(state))}, str(state), state)
    daemon.launch()
    wait_until(daemon.is_serving, "it serves")
    assert len(daemon.addresses(names)) == 1
    assert daemon.json("audit", "verify")["last_seq"] > must[0]
    daemon.stop()
