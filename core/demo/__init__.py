"""Sample stores: whole backup stores made from nothing, each with one well-known trouble, the same bytes every time.

Needs the standard library only, so that naming the scenarios costs no start-up time.
"""

from __future__ import annotations

from core.demo.scenarios import SCENARIOS, Scenario, build_demo_store

__all__ = ["SCENARIOS", "Scenario", "build_demo_store"]
