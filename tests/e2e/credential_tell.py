"""tests/credentials/tell, run for a test: what our credential chain finds."""
import os
import pathlib
import subprocess
import threading

TELL = pathlib.Path(os.environ.get("DNSFLIP_BUILD", "build/release")).resolve() / "tests/credentials/tell"
ANSWER_S = 120  # never reached, unless it hangs


class Answer:
    def __init__(self, line):
        words = line.split(" ", 1)
        self.text = line
        self.error = words[1] if words[0] == "error" else None
        self.id = self.left_s = self.hash = self.source = None
        if self.error is None:
            self.id, left, self.hash, self.source = words[1].split(" ", 3)
            self.left_s = None if left == "never" else int(left)


class Tell:
    """One chain.  said: all that it ever wrote."""

    def __init__(self, env, profile="", region="us-west-2"):
        self.said = ""
        self.process = subprocess.Popen([TELL, profile, region], env=env, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.watch = threading.Timer(ANSWER_S, self.process.kill)
        self.watch.start()

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self):
        line = self.process.stdout.readline()
        self.said += line
        assert line.startswith(("keys ", "error ")), self.said + self.process.stdout.read()
        return Answer(line.rstrip("\n"))

    def get(self, n=1):
        self.say(f"get {n}")
        got = [self.hear() for _ in range(n)]
        return got[0] if n == 1 else got

    def close(self):
        self.process.stdin.close()
        self.said += self.process.stdout.read()
        code = self.process.wait()
        self.watch.cancel()
        assert code == 0, (code, self.said)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.process.kill()
            self.watch.cancel()
        else:
            self.close()
