"""Goal: the lab that newcomers start: it flips, it breaks and heals, and leaves nothing."""
import json
import os
import re
import signal
import subprocess

import pytest

from world import PROGRAM, wait_until


@pytest.fixture
def lab(folder):
    """A running lab of two Deployments; its folder is .folder."""
    path = folder / "lab"
    process = subprocess.Popen([PROGRAM, "lab", "--dir", str(path), "--deployments", "2"], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    process.folder = path
    try:
        wait_until(lambda: (path / "state/journal.jsonl").exists() and judged(process), "the lab is judged")
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def word(lab, *words):
    return subprocess.run([PROGRAM, "lab", *words, "--dir", str(lab.folder)], text=True,
                          capture_output=True, check=False)


def group(lab):
    done = subprocess.run([PROGRAM, "status", "--json", "--config", str(lab.folder / "dnsflip.yaml")],
                          text=True, capture_output=True, check=False)
    return json.loads(done.stdout)["groups"][0] if done.returncode == 0 else None


def verdicts(lab):
    seen = group(lab)
    return seen and [c["as_active" if c["role"] == "active" else "as_standby"]["verdict"]
                     for c in seen["clusters"]]


def judged(lab):
    return verdicts(lab) == ["up", "up"] and not group(lab)["conditions"]


def descendants(pid):
    """Every process below pid."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
        below = [int(child) for child in children.read().split()]
    return below + [d for child in below for d in descendants(child)]


def test_the_demo_moves_every_hostname():
    """Goal: `make demo` in small: exit 0, a summary line, an operation's record, no leftovers."""
    done = subprocess.run([PROGRAM, "lab", "demo", "--deployments", "3"], text=True,
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    assert re.match(r"done: 9 of 9 hostnames moved, .* 0 wrong answers$", last)
    assert "state      done" in done.stdout
    folder = re.search(r"everything lies in (\S+)", done.stdout).group(1)
    assert not os.path.exists(folder)


@pytest.mark.parametrize("how", ["fail", "hang", "slow", "unhealthy"])
def test_each_way_to_break_the_primary_moves_the_group(lab, how):
    """Goal: the words do what they say, heal included."""
    assert word(lab, how, "use1").returncode == 0
    wait_until(lambda: group(lab)["active"] == "usw2", "the group moved")
    wait_until(lambda: verdicts(lab)[1] == "up", "usw2 was promoted: its scheduler lives")
    assert word(lab, "heal", "use1").returncode == 0
    wait_until(lambda: verdicts(lab) == ["up", "up"], "use1 is well, as a standby")


def test_ctrl_c_ends_every_process_of_the_lab(lab):
    """Goal: no leftovers."""
    below = descendants(lab.pid)
    assert len(below) >= 7
    lab.send_signal(signal.SIGINT)
    assert lab.wait(20) == 0
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in below), "all have ended")


def test_kill_9_of_the_lab_ends_every_process_too(lab):
    """Goal: whatever ends the lab ends its children."""
    below = descendants(lab.pid)
    lab.kill()
    lab.wait()
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}/fd/0") for pid in below), "all have ended")


def test_mistakes_are_usage_errors_that_say_what_to_do():
    """Goal: 64, and the wrong word in the message."""
    for words, said in ((["fial", "use1"], "fail"), (["fail"], "cluster"), (["fail", "mars"], "mars"),
                        (["--deployments", "0"], "1 to 1000"), (["--dri", "x"], "--dri")):
        done = subprocess.run([PROGRAM, "lab", *words], text=True, capture_output=True, check=False)
        assert done.returncode == 64 and said in done.stderr, (words, done.stderr)
