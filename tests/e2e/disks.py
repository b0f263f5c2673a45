"""Real disks that can be broken: a small ext4 file system of their own under state_dir, seen by the
daemon alone, in a mount namespace."""
import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest

from world import PROGRAM, Daemon, wait_until

MEGABYTES = 8


def need(*programs):
    """Skips the test where a disk of its own cannot be had."""
    missing = [p for p in ("unshare", "nsenter", "mkfs.ext4", "e2fsck", "mount", *programs) if not find(p)]
    if missing:
        pytest.skip(f"a disk of its own needs {', '.join(missing)}")
    if os.getuid() != 0:
        pytest.skip("a disk of its own needs root")


def find(program):
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


class Disk:
    """Mounted on folder/state within a namespace that lives as long as the anchor."""

    def __init__(self, folder):
        self.image, self.place = folder / "image", folder / "state"
        self.place.mkdir()
        with self.image.open("wb") as image:
            image.truncate(MEGABYTES << 20)
        subprocess.run([find("mkfs.ext4"), "-q", "-m", "0", str(self.image)], check=True, capture_output=True)
        # In a chroot "/" is no mount, and so has no propagation that could be changed.
        self.anchor = subprocess.Popen(["unshare", "-m", "--propagation", "unchanged", "sh", "-c",
                                        "mount --make-rprivate / 2>&-; echo ready; exec sleep 1000"],
                                       stdout=subprocess.PIPE)
        self.is_frozen = False
        if not self.anchor.stdout.readline():
            pytest.skip("no mount namespace can be made")
        try:
            self.mount()
        except subprocess.CalledProcessError as error:
            self.close()
            pytest.skip(f"no loop device can be mounted here: {error.stderr}")

    def command(self, *words):
        return ["nsenter", "-t", str(self.anchor.pid), "-m", "-r", *words]

    def run(self, *words):
        return subprocess.run(self.command(*words), check=True, capture_output=True, text=True)

    def mount(self):
        self.run("mount", "-o", "loop", str(self.image), str(self.place))
        self.run("chmod", "700", str(self.place))

    @property
    def path(self):
        """The same folder, seen from outside."""
        return pathlib.Path(f"/proc/{self.anchor.pid}/root{self.place}")

    def fill(self):
        with (self.path / "ballast").open("wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(4096))
            except OSError:
                pass

    def empty(self):
        (self.path / "ballast").unlink()

    def freeze(self):
        """From now on whoever writes waits."""
        self.run(find("fsfreeze"), "-f", str(self.place))
        self.is_frozen = True

    def thaw(self):
        self.run(find("fsfreeze"), "-u", str(self.place))
        self.is_frozen = False

    def break_down(self):
        """As after an error of the device: read-only at once, also for files that are open."""
        self.run("mount", "-o", "remount,abort", str(self.place))

    def repair(self):
        self.run("umount", str(self.place))
        subprocess.run([find("e2fsck"), "-p", str(self.image)], check=False, capture_output=True)
        self.mount()

    def remount(self, how):
        self.run("mount", "-o", f"remount,{how}", str(self.place))

    def close(self):
        if self.is_frozen:
            self.thaw()
        subprocess.run(self.command("umount", "-l", str(self.place)), check=False, capture_output=True)
        self.anchor.kill()
        self.anchor.wait()
        self.anchor.stdout.close()


class DiskDaemon(Daemon):
    """A daemon whose state_dir is such a disk."""

    def __init__(self, site, text=None):
        need()
        self.disk = Disk(site.folder)
        super().__init__(site, text)
        self.overflow = self.folder / "overflow.jsonl"

    def cli(self, *words, timeout=60):
        return subprocess.run(self.disk.command(PROGRAM, *words, "--config", str(self.path)), text=True,
                              capture_output=True, timeout=timeout, check=False)

    def journal_path(self):
        return self.disk.path / "journal.jsonl"

    def launch(self):
        with self.log.open("ab") as log:
            command = self.disk.command(PROGRAM, "run", "--single-user", "--config", str(self.path))
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self.process

    def stop(self, number=signal.SIGTERM):
        if self.disk.is_frozen:
            self.disk.thaw()
        try:
            return super().stop(number)
        finally:
            if not self.keeps_disk:
                self.disk.close()

    keeps_disk = False

    def tilts_ms(self):
        """How long the judge did not run, each time it noticed."""
        return [int(ms) for ms in re.findall(r"this process did not run for (\d+) ms", self.log.read_text())]

    def alarm(self):
        return self.status()["node"]["alarm"] or ""


class Fault:
    """What the journal's thread gets from the kernel instead: strace on that thread alone."""

    def __init__(self, daemon, inject):
        need("strace")
        judge = daemon.children()["judge"]
        task = next(t for t in pathlib.Path(f"/proc/{judge}/task").iterdir()
                    if (t / "comm").read_text().strip() == "journal")
        self.log = daemon.folder / "strace.log"
        self.process = subprocess.Popen(
            ["strace", "-q", "-o", str(self.log), "-e", "trace=fsync,fdatasync", "-e",
             f"inject=fsync,fdatasync:{inject}", "-p", task.name], stderr=subprocess.PIPE)
        wait_until(lambda: self.is_on(task), "strace holds the journal's thread")

    def is_on(self, task):
        if self.process.poll() is not None:
            pytest.skip(f"strace cannot trace here: {self.process.stderr.read().decode()}")
        return f"TracerPid:\t{self.process.pid}" in (task / "status").read_text()

    def end(self):
        self.process.terminate()
        self.process.wait()
