#!/usr/bin/env python3
"""Runs one kind of test, shows what failed or was skipped, and counts.

usage: run.py tap KIND COMMAND...      programs that print TAP (cmocka is asked to)
       run.py steps KIND [NAME=]COMMAND...   each is one check: exit code 0 is a pass
       run.py pytest KIND PYTHON DIR [ARGUMENT...]
       run.py summary                  one line per kind, then "N passed, N failed, N skipped"

WORKERS=N runs so many tests of pytest at once (one more than there are cores); 0 = in one process.
RESULTS=DIR keeps the counts of each kind for the summary; LABEL is put behind the kind's name.
A TAP program may print "SKIP: reason" before the line of a skipped test.
"""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time
import xml.etree.ElementTree

PROGRAM_TIMEOUT_S = 1200
TAP_LINE = re.compile(r"^(not )?ok\b\s*(\d+)?\s*-?\s*(.*)$")


class Count:
    def __init__(self):
        self.passed, self.failed, self.skips = 0, 0, []


def run(argv, **changes):
    """Exit code (negative: killed by that signal) and output of a program."""
    try:
        # Descriptors stay open: make hands its job slots on through them.
        done = subprocess.run(argv, env=os.environ | changes, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, close_fds=False,
                              timeout=PROGRAM_TIMEOUT_S, check=False)
        return done.returncode, done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as late:
        shown = (late.stdout or b"").decode(errors="replace")
        return 124, f"{shown}\nno end after {PROGRAM_TIMEOUT_S} s\n"
    except OSError as error:
        return 127, f"{error}\n"


def read_tap(text, name, count):
    """Adds the test lines of text to count; returns (failed, planned, seen)."""
    failed, planned, seen, reason = 0, None, 0, ""
    for line in text.splitlines():
        plan = re.match(r"^1\.\.(\d+)", line)
        if plan:
            planned = (planned or 0) + int(plan.group(1))
        if line.startswith("SKIP:"):
            reason = line[5:].strip()
        test = TAP_LINE.match(line)
        if not test:
            continue
        seen += 1
        skip = re.search(r"#\s*SKIP\b\s*(.*)", test.group(3))
        if skip:
            count.skips.append(f"{name}: {skip.group(1)}{': ' if reason else ''}{reason}")
        elif test.group(1):
            failed += 1
        else:
            count.passed += 1
        reason = ""
    return failed, planned, seen


def tap(_kind, commands, count):
    for command in commands:
        argv = shlex.split(command)
        name = pathlib.Path(argv[0]).name
        code, text = run(argv, CMOCKA_MESSAGE_OUTPUT="TAP")
        failed, planned, seen = read_tap(text, name, count)
        missing = (planned or 0) - seen
        if missing > 0:
            failed += missing
        elif planned is None and seen == 0:
            failed += 1
            text += "no test line was printed\n"
        elif code != 0 and failed == 0:
            failed += 1
        count.failed += failed
        if failed:
            print(f"-- {command}: exit {code}\n{text.rstrip()}")


def steps(_kind, commands, count):
    for command in commands:
        named = re.match(r"^(\w+)=(.*)$", command)
        name = named.group(1) if named else pathlib.Path(command).stem
        code, text = run(shlex.split(named.group(2) if named else command))
        if code == 0:
            count.passed += 1
        else:
            count.failed += 1
            print(f"-- {name}: exit {code}\n{text.rstrip()}")


def pytest(kind, arguments, count):
    python, folder, *more = arguments
    if not any(pathlib.Path(folder).rglob("test_*.py")):
        return
    report = pathlib.Path(os.environ.get("RESULTS") or ".") / f"{kind}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    # Tests mostly wait for clocks and processes: more of them at once than there are cores.
    workers = os.environ.get("WORKERS") or str((os.cpu_count() or 1) + 1)
    argv = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", workers, "--dist", "loadfile",
            f"--junitxml={report}", folder]
    code = subprocess.run(argv + more, check=False).returncode
    if not report.exists():
        count.failed += 1
        return
    for case in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
        skipped = case.find("skipped")
        if skipped is not None:
            count.skips.append(f"{case.get('name')}: {skipped.get('message')}")
        elif case.find("failure") is not None or case.find("error") is not None:
            count.failed += 1
        else:
            count.passed += 1
    if code != 0 and count.failed == 0:
        count.failed += 1


def show(label, result):
    print(f"{label:<20} {result['passed']:5} passed, {result['failed']} failed, "
          f"{result['skipped']} skipped{result['time']}", flush=True)


def one_kind(how, kind, arguments):
    count, start = Count(), time.monotonic()
    how(kind, arguments, count)
    for reason in count.skips:
        print(f"SKIP {reason}")
    label = f"{kind} {os.environ.get('LABEL', '')}".strip()
    result = {"passed": count.passed, "failed": count.failed, "skipped": len(count.skips),
              "time": f" ({time.monotonic() - start:.1f} s)", "skips": count.skips}
    show(label, result)
    if os.environ.get("RESULTS"):
        folder = pathlib.Path(os.environ["RESULTS"])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{label}.json").write_text(json.dumps(result | {"at": time.time()}))
    return 1 if count.failed else 0


def summary():
    found = []
    for path in pathlib.Path(os.environ["RESULTS"]).glob("*.json"):
        found.append((path.stem, json.loads(path.read_text())))
    found.sort(key=lambda item: item[1]["at"])
    for label, result in found:
        for reason in result["skips"]:
            print(f"SKIP {label}: {reason}")
    for label, result in found:
        show(label, result)
    total = {key: sum(result[key] for _, result in found)
             for key in ("passed", "failed", "skipped")}
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 1 if total["failed"] or not total["passed"] else 0


def main(argv):
    ways = {"tap": tap, "steps": steps, "pytest": pytest}
    if argv[1:] == ["summary"]:
        return summary()
    if len(argv) < 3 or argv[1] not in ways:
        print(__doc__, file=sys.stderr)
        return 64
    return one_kind(ways[argv[1]], argv[2], argv[3:])


if __name__ == "__main__":
    sys.exit(main(sys.argv))
