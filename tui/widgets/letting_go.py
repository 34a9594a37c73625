"""Closed widgets are let go: Textual's cache of two colours holds each widget's drawn lines as well, 1,024 times."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from textual._styles_cache import StylesCache
from textual.color import Color


def hold_no_closed_widgets() -> None:
    """Cache the colours alone; nothing is made of the object that is asked for them."""
    if hasattr(StylesCache.get_inner_outer, "__wrapped__"):
        uncached = StylesCache.get_inner_outer.__wrapped__
        cached = lru_cache(1024)(lambda base, background: uncached(None, base, background))

        def grounds(_: StylesCache, base_background: Color, background: Color) -> Any:
            return cached(base_background, background)

        StylesCache.get_inner_outer = grounds  # type: ignore[method-assign,assignment]
