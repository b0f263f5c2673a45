"""Goal: the controller's host is lost for good, with all that was on it: names go on being answered, and another
host takes over as docs/lost-host.md says, with serials that NSD, Knot and BIND follow."""
import shutil

from dns_peers import unpack
from documented_secondaries import ADDRESSES, PRIMARY, Bind, Knot, Nsd
from fakes import Network
from followed import FOLLOW_S, NAMES, Story, serial
from namespaces import Pair
from world import ZONE, wait_until

NEW = "198.18.53.9"


def story_at(folder, network, address):
    folder.mkdir()
    return Story(folder, network, address)


def lose_and_replace(folder, secondaries):
    network = Network()
    lost, new = story_at(folder / "lost", network, PRIMARY), None
    try:
        lost.daemon.start()
        wait_until(lambda: not lost.lagging(), "the first transfer", FOLLOW_S)
        lost.flip(0)
        wait_until(lambda: not lost.lagging(), "the secondaries follow the flip", FOLLOW_S)
        last = serial(PRIMARY)
        lost.daemon.kill("supervisor")
        lost.daemon.process.wait()
        shutil.rmtree(lost.daemon.folder / "state")
        # Nothing is lost for those who ask: the secondaries have it all.
        for address in ADDRESSES.values():
            assert serial(address) == last

        new = story_at(folder / "new", network, NEW)
        said = new.daemon.run("init", "--active", "usw2")
        for address in ADDRESSES.values():
            assert f"{address}:53 has serial {last} of {ZONE}" in said
        new.daemon.start("usw2", judged=False)
        for one in secondaries:
            one.turn_to(NEW)
        wait_until(lambda: not new.lagging(), "the secondaries follow the new host", FOLLOW_S)
        assert (serial(NEW) - last) % 2**32 < 2**31, "a serial that secondaries take"
        assert new.daemon.addresses(NAMES) == {new.site.usw2.ip}
        assert not [a for a in new.daemon.journal(kind="alarm") if a["detail"] == "diverged"]
        new.flip(1)
        wait_until(lambda: not new.lagging(), "the secondaries follow a flip of the new host", FOLLOW_S)
    finally:
        for story in (lost, new):
            if story and story.daemon.process:
                story.daemon.stop()
                print(story.daemon.log.read_text()[-6000:])
        network.close()


def test_another_host_takes_over_with_newer_serials(tmp_path):
    """Goal: as above."""
    for package in ADDRESSES:
        unpack(package)
    pair = Pair([PRIMARY, NEW], list(ADDRESSES.values()))
    secondaries = []
    try:
        for kind in (Nsd, Knot, Bind):
            secondaries.append(kind(tmp_path, pair.b))
        pair.a.run(lose_and_replace, tmp_path, secondaries)
    finally:
        for one in secondaries:
            one.close()
        pair.close()
