"""Processor time as the kernel accounts for it, and where programs run."""

import os
import subprocess
import sys
import time

import pytest

from benchmarks.admission import processor


def test_the_time_of_a_process_is_what_it_says_itself() -> None:
    before = time.process_time()
    seen = processor.seconds(os.getpid())
    assert before <= seen <= time.process_time()


def test_the_time_of_another_process_counts_its_work() -> None:
    work = "import time\nwhile time.process_time() < 0.2: pass\ninput()"
    with subprocess.Popen([sys.executable, "-c", work], stdin=subprocess.PIPE) as child:
        deadline = time.monotonic() + 30
        while (seen := processor.seconds(child.pid)) < 0.2 and time.monotonic() < deadline:
            time.sleep(0.01)
        child.communicate(b"\n")
    assert seen >= 0.2


def test_a_process_that_is_not_there_has_no_time() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    with pytest.raises(ProcessLookupError):
        processor.seconds(child.pid)


def test_programs_run_where_they_are_pinned_to_and_we_do_not() -> None:
    before = os.sched_getaffinity(0)
    core = max(before)
    ask = [sys.executable, "-c", "import os; print(os.sched_getaffinity(0))"]
    with processor.pinned(core):
        assert subprocess.check_output(ask, text=True).strip() == str({core})
    assert os.sched_getaffinity(0) == before


def test_server_and_client_do_not_share_a_core() -> None:
    server, client = processor.cores()
    assert server is None or server != client
