"""The peak of another process's memory is seen, also when it is over, and can be forgotten."""

import subprocess
import sys

from tools.chaos import memory

MIB = 1024 * 1024
SCRIPT = "for line in __import__('sys').stdin: b'x' * int(line); print('done', flush=True)"


def test_a_peak_is_seen_when_it_is_over_and_can_be_forgotten() -> None:
    argv = [sys.executable, "-u", "-c", SCRIPT]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        before = memory.forget_peak(child.pid)
        child.stdin.write(f"{64 * MIB}\n")
        child.stdin.flush()
        assert child.stdout.readline() == "done\n"
        assert 64 * MIB <= memory.peak(child.pid) - before < 80 * MIB
        assert memory.forget_peak(child.pid) - before < 16 * MIB
