"""Processor time of the server for each review, ours beside the reference."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from statistics import median

from benchmarks.admission import asking, load, processor
from benchmarks.admission.load import Load
from benchmarks.admission.report import Row, spread
from benchmarks.admission.reviews import LARGE, SMALL, Review
from benchmarks.admission.servers import Bench, Server

ROUNDS = 6
CONNECTIONS = 8
REQUESTS = {SMALL: 5000, LARGE: 1500}
TARGETS = {SMALL: 1.75, LARGE: 0.5}

_Driven = Mapping[str, tuple[Server, Load]]


def measure(bench: Bench, reviews: Sequence[Review]) -> list[Row]:
    """Servers on one core and the client on another; rounds alternate between the servers."""
    server_core, client_core = processor.cores()
    with ExitStack() as stack:
        driven = {}
        for name, argv in (("ours", bench.ours()), ("reference", bench.reference())):
            with processor.pinned(server_core):
                server = stack.enter_context(bench.running(f"cpu-{name}", argv))
            with processor.pinned(client_core):
                client = load.connected(bench.programs, server.address, bench.ca_file, CONNECTIONS)
                driven[name] = (server, stack.enter_context(client))
        agreement = _agreement(bench, driven, reviews)
        return [agreement, *_rounds(driven, reviews)]


def _rounds(driven: _Driven, reviews: Sequence[Review]) -> list[Row]:
    for review in reviews:
        for server, client in driven.values():
            _once(server, client, review)  # warms up
    spent: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS):
        for review in reviews:
            for name, (server, client) in driven.items():
                spent.setdefault((review.name, name), []).append(_once(server, client, review))
    return [_row(review, spent[review.name, "ours"], spent[review.name, "reference"]) for review in reviews]


def _once(server: Server, client: Load, review: Review) -> float:
    """Seconds of processor time for each of a run of reviews."""
    requests = REQUESTS[review.size]
    before = processor.seconds(server.process.pid)
    client.send(f"/{review.endpoint}", [review.file], requests)
    return (processor.seconds(server.process.pid) - before) / requests


def _row(review: Review, ours: list[float], reference: list[float]) -> Row:
    ratios = [one / other for one, other in zip(ours, reference, strict=True)]  # of runs side by side
    target = TARGETS[review.size]
    return Row(
        what=f"CPU a review, {review.name} ({len(review.body) / 1000:.1f} KB)",
        ours=spread(ours, ".0f", unit=" us", scale=1e6),
        reference=spread(reference, ".0f", unit=" us", scale=1e6),
        ratio=spread(ratios, ".2f"),
        target=f"<= {target:.2f}",
        met=median(ratios) <= target,
    )


def _agreement(bench: Bench, driven: _Driven, reviews: Sequence[Review]) -> Row:
    """A ratio says something only where both have done the same."""
    answers = [
        {
            asking.ask(server.address, bench.trust, review.endpoint, review.body)
            for server, _ in driven.values()
        }
        for review in reviews
    ]
    same = sum(len(different) == 1 for different in answers)
    return Row(
        what="reviews that both answer the same",
        ours=f"{same} of {len(reviews)}",
        target="all",
        met=same == len(reviews),
    )
