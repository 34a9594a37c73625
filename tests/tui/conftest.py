"""Where the tests of the app keep their stores."""

from __future__ import annotations

from tests.support.memory_folders import tmp_path

__all__ = ["tmp_path"]
