"""A machine whose time only moves when a test moves it, and whose processes live and die as a test says."""

from __future__ import annotations

from core.host import FixedHost, Process


class LaterHost(FixedHost):
    """The machine on which the past of the sample stores happened: no process of then runs any more."""

    def has_ended(self, process: Process) -> bool:
        """All but this one."""
        return process != self.process()


class FakeMachine:
    """A `Machine` for tests: `moment` is the wall clock (unix seconds), `clock` the one nobody sets.

    Sleeping moves both. `ended` are the processes that are known to run no more.
    """

    def __init__(self, moment: float = 1_700_000_000.0, pid: int = 4711, host: str = "alpha") -> None:
        self.moment = moment
        self.clock = 1_000.0
        self.ended: set[Process] = set()
        self.me = Process(pid, f"{pid}0", "boot-1 pid:[1]", "operator", host)
        self._ids = 0

    def now(self) -> float:
        """The wall clock."""
        return self.moment

    def elapsed(self) -> float:
        """The clock that nobody sets."""
        return self.clock

    def sleep(self, seconds: float) -> None:
        """Time goes by."""
        self.pass_time(seconds)

    def pass_time(self, seconds: float) -> None:
        """Both clocks go on."""
        self.moment += seconds
        self.clock += seconds

    def fresh_id(self) -> str:
        """Ids that count up, each machine's its own."""
        self._ids += 1
        return f"{self.me.pid & 0xFFFFFFFF:08x}{self._ids:08x}"

    def process(self) -> Process:
        """The process that the test plays."""
        return self.me

    def process_of(self, pid: int) -> Process:
        """A process that began when its pid says."""
        return Process(pid, f"{pid}0", self.me.boot_id, self.me.user, self.me.host)

    def has_ended(self, process: Process) -> bool:
        """Only what the test says has ended."""
        return process in self.ended
