"""How every operation begins: with a name of its own, and who begins it."""

from __future__ import annotations

from typing import Final

from core.changes.model import OperationKind
from core.host import Machine
from core.journal import Intent, new_operation_id
from core.journal.documents import VERSION

_APP: Final = "seamline"


def new_intent(machine: Machine, kind: OperationKind, token: int, label: str) -> Intent:
    """The intent of a new operation of this process under a token of the lease; it does nothing yet."""
    moment = machine.now()
    operation = new_operation_id(moment, token, kind, machine.fresh_id())
    me = machine.process()
    return Intent(
        v=VERSION,
        operation=operation,
        kind=kind,
        label=label,
        token=token,
        at=moment,
        user=me.user,
        host=me.host,
        pid=me.pid,
        app=_APP,
        plan_id="",
    )
