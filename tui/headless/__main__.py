"""`python -m tui.headless` is `seamline`."""

from __future__ import annotations

from tui.headless.main import main

main()
