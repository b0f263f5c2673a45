"""Goal: a copy of the state directory, taken while it is written, is whole; an old one moves nothing back."""
import pathlib
import shutil
import subprocess
import threading

from secondaries import NAMES, is_followed, with_secondaries
from world import Asker, hostnames, wait_until

SCRIPT = str(pathlib.Path("conf/backup.sh").resolve())
ANYWAY = ("--reason", "test", "--override", "source-down", "--override", "block", "--override", "destination-unknown")


def back_up(site, name):
    copy = site.folder / name
    subprocess.run([SCRIPT, str(site.folder / "state"), str(copy)], check=True)
    return copy


def restore(site, copy):
    shutil.rmtree(site.folder / "state")
    shutil.copytree(copy, site.folder / "state")


def test_a_copy_taken_in_the_middle_of_writing_is_whole(site, make):
    """Goal: journal files begin while it is copied; every copy verifies, and the daemon starts on the last."""
    text = site.config().replace("node:\n", "node:\n  journal_file_size: 64KiB\n", 1)
    daemon = make(site, text).start()
    daemon.run("failover", "prod", "--reason", "test")
    stopping = threading.Event()

    def write():
        while not stopping.is_set():
            daemon.call("hold", group="prod", reason="x" * 250)
            daemon.call("release", group="prod")

    writer = threading.Thread(target=write)
    writer.start()
    copies = []
    try:
        while len(list((site.folder / "state").glob("journal-*"))) < 3:
            copies.append(back_up(site, f"copy{len(copies)}"))
    finally:
        stopping.set()
        writer.join()
    daemon.stop()
    assert len(copies) > 2
    for copy in (copies[0], copies[len(copies) // 2], copies[-1]):
        restore(site, copy)
        assert daemon.json("audit", "verify")["first_seq"] == 1
    daemon.start(judged=False)
    assert daemon.group()["active"] == "usw2"
    assert daemon.addresses(hostnames("sales", "risk")) == {site.usw2.ip}


def test_an_old_back_up_ends_diverged_and_no_answer_goes_back(site, make, secondary):
    """Goal: restored as the page about it says, with a secondary that knows better: nothing flips back."""
    server = secondary(0)
    daemon = make(site, with_secondaries(site, server)).start()
    wait_until(lambda: is_followed(daemon, server), "it follows")
    copy = back_up(site, "copy")
    daemon.run("switch", "prod", "--to", "usw2", *ANYWAY)
    wait_until(lambda: is_followed(daemon, server), "it follows the flip")
    daemon.stop()
    restore(site, copy)
    assert "chain is whole" in daemon.run("audit", "verify")
    daemon.launch()
    wait_until(daemon.is_serving, "it serves again")
    with Asker(daemon, NAMES, {site.usw2.ip}) as asker:
        wait_until(lambda: daemon.group()["diverged"], "the group is diverged")
        asker.goes_on()
        daemon.run("adopt", "prod", "--active", "usw2")
        wait_until(lambda: not daemon.group()["diverged"], "it is adopted")
        asker.goes_on()
    assert not asker.wrong and not asker.lost
    assert not daemon.journal(kind="moved")
    assert set(server.addresses.values()) == {site.usw2.ip}
