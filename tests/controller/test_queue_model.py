"""The queue against a model of it, over whatever sequence of calls hypothesis thinks of."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.controller.virtualtime import VirtualTimeLoop
from webhook.controller.queue import KeyedQueue

KEYS = st.sampled_from("abc")


class QueueMachine(RuleBasedStateMachine):
    """The model: which keys are wanted, in hand, delayed until when, and ready in which order."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualTimeLoop()
        self.queue = KeyedQueue()
        self.now = 0.0
        self.unique = 0.0  # keeps due times apart, so that the order of timers is defined
        self.wanted: set[str] = set()
        self.in_hand: set[str] = set()
        self.delayed: dict[str, float] = {}
        self.ready: list[str] = []

    def teardown(self) -> None:
        """Whatever was asked for comes, and then nothing more."""
        for key in sorted(self.in_hand):
            self.give_back(key)
        self.advance(100)
        while self.ready:
            self.take()
            for key in sorted(self.in_hand):
                self.give_back(key)
        self.agrees()
        assert not self.loop.timers()
        self.loop.close()

    @rule(key=KEYS)
    def add(self, key: str) -> None:
        self.queue.add(key)
        self.want(key)

    @rule(key=KEYS, seconds=st.integers(0, 5))
    def add_after(self, key: str, seconds: int) -> None:
        self.unique += 1e-6
        delay = seconds + self.unique

        async def call() -> None:
            self.queue.add_after(key, delay)

        self.loop.run_until_complete(call())
        self.delayed[key] = min(self.delayed.get(key, float("inf")), self.now + delay)

    @rule(seconds=st.integers(1, 3))
    def advance(self, seconds: int) -> None:
        self.now = self.loop.time() + seconds
        self.loop.call_at(self.now, self.loop.stop)
        self.loop.run_forever()
        self.now = self.loop.time()
        for key, due in sorted(self.delayed.items(), key=lambda item: item[1]):
            if due <= self.now:
                self.want(key)

    @precondition(lambda self: self.ready)
    @rule()
    def take(self) -> None:
        key = self.loop.run_until_complete(self.queue.get())
        assert key == self.ready.pop(0)
        assert key not in self.in_hand, "with two workers at once"
        self.in_hand.add(key)
        self.wanted.discard(key)

    @precondition(lambda self: self.in_hand)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        self.give_back(data.draw(st.sampled_from(sorted(self.in_hand))))

    @invariant()
    def agrees(self) -> None:
        assert len(self.queue) == len(self.ready)

    def want(self, key: str) -> None:
        self.delayed.pop(key, None)
        if key not in self.wanted:
            self.wanted.add(key)
            if key not in self.in_hand:
                self.ready.append(key)

    def give_back(self, key: str) -> None:
        self.queue.done(key)
        self.in_hand.discard(key)
        if key in self.wanted:
            self.ready.append(key)


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, derandomize=True, database=None
)
