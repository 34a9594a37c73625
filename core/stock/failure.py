"""How the stock tool says no: an error it returns, or a panic that ends the process."""

from __future__ import annotations

from typing import Final

#: Rust's own words where checked arithmetic fails (`format.md`, "Selection").
ADD_OVERFLOW: Final = "attempt to add with overflow"


class StockFailure(Exception):
    """Unpatched stock would stop here. `message` is word for word what it says; `panic` where the process aborts."""

    def __init__(self, message: str, *, panic: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.panic = panic
