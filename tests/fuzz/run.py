#!/usr/bin/env python3
"""Runs the libFuzzer targets.

usage: run.py run BUILD SECONDS NAME...   each for so many seconds of CPU time, one after the other
       run.py keep BUILD NAME...          what was found -> tests/fuzz/corpus, as few inputs as
                                          reach all of it

A run starts from tests/fuzz/corpus/NAME, tests/fuzz/regressions/NAME and what earlier runs found
(BUILD/corpus/NAME); an input that breaks the target is put into BUILD/broken/NAME.  One line per
run is added to BUILD/runs.log.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path("tests/fuzz")
# An input that takes longer, or a target that grows larger, is a finding.
INPUT_TIMEOUT_S = 25
RSS_LIMIT_MB = 2048
INPUT_BYTES_MAX = 4096
OUTPUT_SHOWN = 6000
ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:malloc_context_size=8:quarantine_size_mb=16",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "LSAN_OPTIONS": f"suppressions={HERE}/leaks.supp:print_suppressions=0",
    "ASAN_SYMBOLIZER_PATH": "/usr/lib/llvm-14/bin/llvm-symbolizer",
}


# Targets whose input goes through a library without frame pointers: only a whole stack tells whose a leak is.
WHOLE_STACKS = ("zone",)


def environment_of(name):
    more = {"ASAN_OPTIONS": ENVIRONMENT["ASAN_OPTIONS"] + ":fast_unwind_on_malloc=0"} if name in WHOLE_STACKS else {}
    return os.environ | ENVIRONMENT | more


def options_of(name):
    """Extra options of a target: the lines of NAME.options, if there is such a file."""
    path = HERE / f"{name}.options"
    return path.read_text().split() if path.exists() else []


def known_inputs(name):
    folders = (HERE / "corpus" / name, HERE / "regressions" / name)
    return [str(f) for f in folders if f.is_dir()]


def fuzz_once(build, name, seconds):
    """One process; (exit code, CPU seconds, executions, edges covered, output)."""
    found = build / "corpus" / name
    broken = build / "broken" / name
    found.mkdir(parents=True, exist_ok=True)
    broken.mkdir(parents=True, exist_ok=True)
    dictionary = HERE / f"{name}.dict"
    argv = [str(build / "tests" / "fuzz" / f"fuzz_{name}"), f"-max_total_time={seconds}",
            f"-timeout={INPUT_TIMEOUT_S}", f"-rss_limit_mb={RSS_LIMIT_MB}",
            f"-max_len={INPUT_BYTES_MAX}", "-print_final_stats=1", f"-artifact_prefix={broken}/"]
    if dictionary.exists():
        argv.append(f"-dict={dictionary}")
    argv += [*options_of(name), str(found), *known_inputs(name)]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(argv, env=environment_of(name), stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    executions = re.findall(r"stat::number_of_executed_units:\s*(\d+)", text)
    edges = re.findall(r"\bcov: (\d+)", text)
    return (process.returncode, usage.ru_utime + usage.ru_stime,
            int(executions[-1]) if executions else 0, int(edges[-1]) if edges else 0, text)


def fuzz(build, name, seconds):
    """Until the target has had its CPU time, or is broken.  True if it is not."""
    cpu, executions, edges, code, text = 0.0, 0, 0, 0, ""
    while cpu < seconds and code == 0:
        code, used, runs, edges, text = fuzz_once(build, name, max(1, round(seconds - cpu)))
        cpu, executions = cpu + used, executions + runs
    kept = sum(1 for _ in (build / "corpus" / name).iterdir())
    line = (f"{name}: {'clean' if code == 0 else 'BROKEN'}, {cpu:.0f} s of CPU time, "
            f"{executions} inputs, {edges} edges, {kept} kept")
    with (build / "runs.log").open("a") as log:
        log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {line}\n")
    print(line, flush=True)
    if code != 0:
        print(text[-OUTPUT_SHOWN:])
    return code == 0


def keep(build, name):
    found = build / "corpus" / name
    target = HERE / "corpus" / name
    with tempfile.TemporaryDirectory(dir=build) as made:
        argv = [str(build / "tests" / "fuzz" / f"fuzz_{name}"), "-set_cover_merge=1",
                *options_of(name), made, str(target), *([str(found)] if found.is_dir() else [])]
        target.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(argv, env=environment_of(name), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            print(done.stdout.decode(errors="replace")[-4000:])
            return False
        shutil.rmtree(target)
        shutil.copytree(made, target)
    files = list(target.iterdir())
    print(f"{name}: {len(files)} inputs, {sum(f.stat().st_size for f in files)} bytes", flush=True)
    return True


def main(argv):
    if len(argv) > 3 and argv[0] == "run" and argv[2].isdecimal():
        good = [fuzz(pathlib.Path(argv[1]), name, int(argv[2])) for name in argv[3:]]
    elif len(argv) > 2 and argv[0] == "keep":
        good = [keep(pathlib.Path(argv[1]), name) for name in argv[2:]]
    else:
        print(__doc__, file=sys.stderr)
        return 64
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
