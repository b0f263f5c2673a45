"""Goal: dnsflip as a health monitor, and what it says of configurations."""
import pathlib
import subprocess
import urllib.request

from world import BUILD, PROGRAM, hostnames, wait_until

TOP = pathlib.Path(__file__).resolve().parents[2]
NAMES = hostnames("sales", "risk")


def test_monitor_once_beside_a_daemon_tells_by_exit_code(daemon):
    """Goal: 0 all up, 2 something is down; Nagios has its own codes."""
    daemon.run("monitor", "--once")
    assert "OK" in daemon.run("monitor", "--once", "--nagios")
    daemon.run("pause", "--reason", "only watching")
    daemon.site.use1.be("refuse")
    wait_until(lambda: daemon.verdict("use1") == "down", "use1 is down")
    assert "use1" in daemon.run("monitor", "--once", code=2)
    assert "CRITICAL" in daemon.run("monitor", "--once", "--nagios", code=2)


def test_monitor_alone_probes_by_itself_and_writes_nothing(site, make):
    """Goal: shadow mode needs no daemon and no journal."""
    daemon = make(site)
    daemon.run("monitor", "--once", "--active", "use1")
    site.use1.be("refuse")
    daemon.run("monitor", "--once", "--active", "use1", code=2)
    assert not (daemon.folder / "state").exists()


def test_monitor_alone_of_a_cluster_that_says_nothing_usable_is_unknown(site, make):
    """Goal: 5, not 2: not knowing is not down."""
    daemon = make(site)
    site.use1.be("bad-json")
    daemon.run("monitor", "--once", "--active", "use1", "--timeout", "4s", code=5)


def test_the_shipped_configurations_are_checked(site, make):
    """Goal: each file of conf/ loads, says its detection times, and prints as a file that loads."""
    daemon = make(site)
    shipped = sorted((TOP / "conf").glob("*.yaml"))
    assert len(shipped) >= 3
    for path in shipped:
        daemon.path = path
        assert "How long until a lost cluster is known" in daemon.run("check")
        printed = daemon.cli("check", "--print").stdout
        daemon.path = daemon.folder / "printed.yaml"
        # Relative paths of the file were made whole, so it loads from elsewhere too.
        daemon.write(printed)
        daemon.run("check")


def test_check_reads_the_authorities_that_are_named(site, make):
    """Goal: a CA file that is not there is told before the probe needs it, and starts may go on."""
    daemon = make(site, site.config(probe=", ca_file: /nowhere/ca.pem"))
    done = daemon.cli("check")
    assert done.returncode == 0
    assert "groups.prod: ca_file /nowhere/ca.pem cannot be read here: No such file or directory" in done.stderr


def test_check_reports_every_mistake_with_its_place(site, make):
    """Goal: one run, all mistakes."""
    daemon = make(site, site.config().replace("fall: 3", "fal: 3").replace("rise: 2", "rise: 0"))
    said = daemon.run("check", code=1)
    assert "fall" in said and "rise" in said and "dnsflip.yaml:" in said


def test_http_health_readiness_and_metrics(daemon):
    """Goal: what a monitoring system scrapes."""
    def get(path):
        with urllib.request.urlopen(f"http://{daemon.site.http}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()

    assert get("/healthz")[0] == 200
    assert get("/readyz")[0] == 200
    assert "dnsflip_" in get("/metrics")[1]


def test_events_follow_what_happens(daemon):
    """Goal: verdicts, decisions and operations are told."""
    daemon.run("failover", "prod", "--reason", "test")
    # Told when it is on the disk, which may be after the names have moved.
    for word in ("verdict", "decision", "intent", "moved"):
        wait_until(lambda: word in daemon.run("events"), f"{word} is told")


def test_every_command_has_help_and_version_tells_itself():
    """Goal: the program explains itself without a configuration."""
    for words in (["help"], ["switch", "--help"], ["version"], ["lab", "--help"]):
        done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and done.stdout, words
    assert (BUILD / "dnsflip-face").exists()
