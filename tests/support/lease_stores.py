"""A conditional store that loses answers, on top of a real one."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from core.errors import AlreadyThere, OutcomeUnknown, StoreUnreachable, WriteFailed
from core.storage.writing import ConditionalStore, Tagged


class Answer(Enum):
    """What becomes of one write."""

    TRUE = auto()
    #: Nothing is written: refused, cut off before it came there, a conflict of which nobody won.
    REFUSED = auto()
    DROPPED = auto()
    CONFLICT = auto()
    #: Written, and then the answer is lost, or the client's own second try meets what the first one wrote.
    LOST = auto()
    LOST_THEN_EXISTS = auto()
    #: Written, the answer lost, and the next read fails too.
    LOST_AND_BLIND = auto()
    #: The request is on its way, and comes there when `deliver` is called.
    LATE = auto()


class LossyStore:
    """Answers writes as `answers` says, one after the other, and truthfully once these are used up."""

    def __init__(self, store: ConditionalStore) -> None:
        self.answers: list[Answer] = []
        self.before_swap: Callable[[], object] = lambda: None
        self.blind = False
        self.swaps = 0
        self._store = store
        self._late: list[tuple[str, bytes, str | None]] = []

    @property
    def peculiarity(self) -> str:
        """That of the real one."""
        return self._store.peculiarity

    def load(self, handle: str, limit: int) -> Tagged | None:
        """What stands there, unless this read is one that fails."""
        if self.blind:
            raise StoreUnreachable("no answer")
        return self._store.load(handle, limit)

    def swap(self, handle: str, content: bytes, tag: str | None) -> str:
        """Write or not, and tell the truth about it or not."""
        self.swaps += 1
        self.before_swap()
        answer = self.answers.pop(0) if self.answers else Answer.TRUE
        match answer:
            case Answer.REFUSED:
                raise WriteFailed("the disk is full")
            case Answer.DROPPED:
                raise OutcomeUnknown("the connection was reset")
            case Answer.CONFLICT:
                raise AlreadyThere("409 conflict")
            case Answer.LATE:
                self._late.append((handle, content, tag))
                raise OutcomeUnknown("timed out")
        written = self._store.swap(handle, content, tag)
        match answer:
            case Answer.LOST:
                raise OutcomeUnknown("503 slow down")
            case Answer.LOST_THEN_EXISTS:
                raise AlreadyThere("412 precondition failed")
            case Answer.LOST_AND_BLIND:
                self.blind = True
                raise OutcomeUnknown("timed out")
        return written

    def deliver(self) -> list[bool]:
        """Let the late requests come there; whether each of them was written."""
        late, self._late = self._late, []
        return [self._arrives(*request) for request in late]

    def _arrives(self, handle: str, content: bytes, tag: str | None) -> bool:
        try:
            self._store.swap(handle, content, tag)
        except AlreadyThere:
            return False
        return True
