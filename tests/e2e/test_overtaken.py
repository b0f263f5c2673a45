"""Secondaries that know more than the journal: nothing is ever flipped back in silence."""
import shutil

from secondaries import NAMES, is_followed, seen, serial_of, with_secondaries
from world import wait_until

ANYWAY = ("--reason", "test", "--override", "source-down", "--override", "block", "--override", "destination-unknown")


def alarms(daemon, name):
    return [e["reason"] for e in daemon.journal(kind="alarm", detail=name)]


def is_diverged(daemon):
    return daemon.group()["diverged"]


def restored(site, daemon, server, to="usw2"):
    """The daemon again on a back-up from before its move to another cluster, as the secondary saw it."""
    wait_until(lambda: is_followed(daemon, server), "it follows")
    shutil.copytree(site.folder / "state", site.folder / "backup")
    daemon.run("switch", "prod", "--to", to, *ANYWAY)
    wait_until(lambda: is_followed(daemon, server), "it follows the flip")
    daemon.stop()
    serial = server.serial
    shutil.rmtree(site.folder / "state")
    shutil.copytree(site.folder / "backup", site.folder / "state")
    daemon.launch()
    wait_until(daemon.is_serving, "it serves again")
    return serial


def test_a_restored_old_backup_ends_diverged_and_flips_nothing_back(site, make, secondary):
    server = secondary(0)
    daemon = make(site, with_secondaries(site, server)).start()
    serial = restored(site, daemon, server)
    wait_until(lambda: is_diverged(daemon), "the group is diverged")
    assert daemon.group()["active"] == "use1"
    assert daemon.addresses(NAMES) == {site.usw2.ip}
    assert server.text() in is_diverged(daemon) and "usw2" in is_diverged(daemon)
    assert "dnsflip adopt prod --active" in alarms(daemon, "diverged")[-1]
    assert "DIVERGED" in daemon.run("explain", "prod")
    wait_until(lambda: is_followed(daemon, server), "it follows what it said itself")
    assert set(server.addresses.values()) == {site.usw2.ip} and server.serial > serial
    wait_until(lambda: daemon.verdict("usw2", "as_standby") == "up", "a destination that is up")
    assert "diverged" in daemon.run("switch", "prod", "--to", "usw2", *ANYWAY, code=3)
    assert "usw2" in daemon.run("adopt", "prod", "--active", "use1", code=6)
    daemon.run("adopt", "prod", "--active", "usw2")
    wait_until(lambda: not is_diverged(daemon) and daemon.group()["active"] == "usw2", "it is adopted")
    assert daemon.addresses(NAMES) == {site.usw2.ip}
    wait_until(lambda: is_followed(daemon, server), "it follows the adoption")
    daemon.run("switch", "prod", "--to", "use1", *ANYWAY)
    wait_until(lambda: is_followed(daemon, server) and set(server.addresses.values()) == {site.use1.ip},
               "it follows the way back")


def test_a_secondary_that_comes_back_ahead_of_a_restored_backup_is_found_out(site, make, secondary):
    server = secondary(0)
    daemon = make(site, with_secondaries(site, server)).start()
    wait_until(lambda: is_followed(daemon, server), "it follows")
    shutil.copytree(site.folder / "state", site.folder / "backup")
    daemon.run("switch", "prod", "--to", "usw2", *ANYWAY)
    wait_until(lambda: is_followed(daemon, server), "it follows the flip")
    daemon.stop()
    serial = server.serial
    server.close()
    shutil.rmtree(site.folder / "state")
    shutil.copytree(site.folder / "backup", site.folder / "state")
    daemon.launch()
    wait_until(daemon.is_serving, "it serves again")
    # Nobody to ask: the journal is believed, automatic moves wait, and the serial does not leap.
    wait_until(lambda: alarms(daemon, "unreadable"), "that nobody could be asked is an alarm")
    assert "startup-hold" in daemon.group()["conditions"]
    assert daemon.addresses(NAMES) == {site.use1.ip}
    assert serial_of(daemon) <= serial
    server.open()
    wait_until(lambda: is_diverged(daemon), "the group is diverged", 60)
    assert seen(daemon, server)["state"] == "ahead"
    assert set(server.addresses.values()) == {site.usw2.ip} and server.serial == serial
    assert "adopt" in daemon.run("reload", code=1)
    daemon.kill("judge")
    wait_until(lambda: daemon.cli("status").returncode == 0, "the next judge")
    wait_until(lambda: is_diverged(daemon), "the group is diverged still", 60)
    assert server.serial == serial
    daemon.run("adopt", "prod", "--active", "usw2")
    wait_until(lambda: not is_diverged(daemon), "it is adopted")
    assert daemon.addresses(NAMES) == {site.usw2.ip}
    wait_until(lambda: is_followed(daemon, server), "it follows", 60)


def test_a_secondary_that_is_written_to_by_somebody_else_is_an_alarm_and_diverges(site, make, secondary):
    server, other = secondary(0), secondary(1)
    daemon = make(site, with_secondaries(site, server, other)).start()
    wait_until(lambda: is_followed(daemon, server, other), "both follow")
    # Looks are half a minute apart while all follow: a flip hastens them.
    server.follows = False
    server.addresses = {name: site.usw2.ip for name in NAMES}
    server.serial += 1000
    daemon.run("reload")
    wait_until(lambda: is_diverged(daemon), "the group is diverged")
    assert daemon.addresses(NAMES) == {site.use1.ip}
    assert seen(daemon, server)["state"] == "ahead"
    assert server.text() in alarms(daemon, "secondary-ahead")[0]
    assert "AHEAD" in daemon.run("status")
    daemon.run("switch", "prod", "--to", "usw2", *ANYWAY, code=3)
    server.follows = True
    daemon.run("adopt", "prod", "--active", "use1")
    wait_until(lambda: is_followed(daemon, server, other), "both follow what the operator said")
    assert set(server.addresses.values()) == {site.use1.ip}
    assert not is_diverged(daemon)


def test_a_secondary_ahead_with_the_same_answers_is_an_alarm_and_no_divergence(site, make, secondary):
    server = secondary(0)
    daemon = make(site, with_secondaries(site, server)).start()
    wait_until(lambda: is_followed(daemon, server), "it follows")
    server.follows = False
    server.serial += 1000
    daemon.run("reload")
    wait_until(lambda: alarms(daemon, "secondary-ahead"), "that it is ahead is an alarm")
    assert not is_diverged(daemon)
    server.follows = True
    daemon.run("switch", "prod", "--to", "usw2", *ANYWAY)
    wait_until(lambda: is_followed(daemon, server), "the next flip is newer than what it had")


def test_names_split_between_clusters_on_a_secondary_ahead_are_partial(site, make, secondary):
    server = secondary(0)
    daemon = make(site, with_secondaries(site, server)).start()
    wait_until(lambda: is_followed(daemon, server), "it follows")
    daemon.stop()
    server.serial += 1000
    server.addresses[NAMES[0]] = site.usw2.ip
    before = dict(server.addresses)
    daemon.launch()
    wait_until(daemon.is_serving, "it serves again")
    partial = wait_until(lambda: is_diverged(daemon), "the group is partial")
    assert "mixed" in partial and server.text() in partial
    assert "use1 for 5 names, usw2 for 1 name" in partial
    assert "partial" in daemon.group()["conditions"]
    assert daemon.addresses(NAMES) == {site.use1.ip}
    assert server.addresses == before


def test_a_secondary_that_follows_is_enough_to_know_though_another_is_dead(site, make, secondary):
    dead, here = secondary(0), secondary(1)
    daemon = make(site, with_secondaries(site, dead, here)).start()
    wait_until(lambda: is_followed(daemon, dead, here), "both follow")
    daemon.stop()
    dead.close()
    daemon.start()
    assert not is_diverged(daemon) and not alarms(daemon, "unreadable")
