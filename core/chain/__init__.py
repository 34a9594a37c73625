"""Chains: ways through a lane whose entries join, over all that a store holds (`recovery.md`, "Chains").

`find_chain` is reachability on a graph, not interval cover: it finds a chain whenever there is one, and the best one by
the policy asked for.
"""

from core.chain.find import find_chain
from core.chain.gaps import gap_command
from core.chain.model import Chain, ChainOptions, Gap, GapKind, Overlap, Policy, SkipReason
from core.chain.reasons import reason_text
from core.chain.zones import Zones, cut_zones, greatest_version, named_rows

__all__ = [
    "Chain",
    "ChainOptions",
    "Gap",
    "GapKind",
    "Overlap",
    "Policy",
    "SkipReason",
    "Zones",
    "cut_zones",
    "find_chain",
    "gap_command",
    "greatest_version",
    "named_rows",
    "reason_text",
]
